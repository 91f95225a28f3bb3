package loader

import (
	"errors"
	"fmt"
	"sync/atomic"

	"go.opentelemetry.io/otel/metric"
	"go.uber.org/zap/zapcore"

	"inventoryd/loader/lanes"
)

// Books say what became of the rows of one object, or of all. Blank lines are no rows. This file is all that a new column
// touches, beside whoever counts in it and the rows of docs/metrics.md.
type Books struct {
	Read      int64 `json:"read"`
	Written   int64 `json:"written"`
	Unchanged int64 `json:"unchanged"` // the table held it already (mode delta)
	Merged    int64 `json:"merged"`    // a later row of the same key took its place before it was written
	Resumed   int64 `json:"resumed"`   // an earlier try of the same message had written it
	Rejected  int64 `json:"rejected"`  // it cannot be used
	Unwritten int64 `json:"unwritten"` // of an object that failed
	Abandoned int64 `json:"abandoned"` // of a reading that was begun again
}

// column is one of the books' figures.
type column struct {
	name string // in JSON, in the log and behind "rows." in metrics
	part bool   // of the rows read, each of which is in one such column
	at   func(*Books) *int64
}

var columns = [...]column{
	{"read", false, func(b *Books) *int64 { return &b.Read }},
	{"written", true, func(b *Books) *int64 { return &b.Written }},
	{"unchanged", true, func(b *Books) *int64 { return &b.Unchanged }},
	{"merged", true, func(b *Books) *int64 { return &b.Merged }},
	{"resumed", true, func(b *Books) *int64 { return &b.Resumed }},
	{"rejected", true, func(b *Books) *int64 { return &b.Rejected }},
	{"unwritten", true, func(b *Books) *int64 { return &b.Unwritten }},
	{"abandoned", true, func(b *Books) *int64 { return &b.Abandoned }},
}

// bookCounters are the counters of the columns, in their order; they move while loads run.
type bookCounters [len(columns)]metric.Int64ObservableCounter

func newBookCounters(m metric.Meter) (counters bookCounters, err error) {
	for n, c := range [len(columns)]struct{ name, description string }{
		{"rows.read", "Rows read."},
		{"rows.written", "Rows written to the table."},
		{"rows.unchanged", "Rows that the table held already."},
		{"rows.merged", "Rows in whose place a later one of the same key was written."},
		{"rows.resumed", "Rows that an earlier try of the same message had written."},
		{"rows.rejected", "Rows that cannot be used."},
		{"rows.unwritten", "Rows read of objects that failed, and not written."},
		{"rows.abandoned", "Rows read, and not written, of objects that were begun again."},
	} {
		counter, problem := m.Int64ObservableCounter(c.name, metric.WithDescription(c.description))
		counters[n], err = counter, errors.Join(err, problem)
	}
	return counters, err
}

// instruments are what a callback observes.
func (c bookCounters) instruments() (all []metric.Observable) {
	for _, counter := range c {
		all = append(all, counter)
	}
	return all
}

func (c bookCounters) observe(o metric.Observer, b Books) {
	for n, column := range columns {
		o.ObserveInt64(c[n], *column.at(&b))
	}
}

// Add adds other to b.
func (b *Books) Add(other Books) {
	for _, c := range columns {
		*c.at(b) += *c.at(&other)
	}
}

// Each calls f for each column, in the order in which people read them.
func (b Books) Each(f func(column string, rows int64)) {
	for _, c := range columns {
		f(c.name, *c.at(&b))
	}
}

// MarshalLogObject writes the books into a line of the log.
func (b Books) MarshalLogObject(e zapcore.ObjectEncoder) error {
	b.Each(e.AddInt64)
	return nil
}

// check reports rows that are unaccounted for: a mistake in the program.
func (b Books) check() error {
	rest := b.Read
	for _, c := range columns {
		if c.part {
			rest -= *c.at(&b)
		}
	}
	if rest != 0 {
		return fmt.Errorf("the books do not balance: %+v", b)
	}
	return nil
}

// counts are what the reader of an object counts in its books; lanes count the rest.
type counts struct{ read, resumed, rejected, unwritten atomic.Int64 }

// tally is what became of the rows that a sink was given.
type tally struct {
	lanes             lanes.Tally
	merged, unchanged int64 // before they came to the lanes
}

// books are the counts and the tally of the sink, where there is one.
func (c *counts) books(t *tally) Books {
	b := Books{Read: c.read.Load(), Resumed: c.resumed.Load(), Rejected: c.rejected.Load(), Unwritten: c.unwritten.Load()}
	if t != nil {
		b.Written, b.Merged, b.Unchanged = t.lanes.Written, t.lanes.Merged+t.merged, t.unchanged
		b.Unwritten += t.lanes.Unwritten
	}
	return b
}

// again begins the second reading of a feed.
func (c *counts) again() {
	c.read.Store(0)
	c.rejected.Store(0)
	c.unwritten.Store(0)
}
