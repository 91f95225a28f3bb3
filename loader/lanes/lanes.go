// Package lanes writes the rows of one object to the table in parallel and yet in order: rows are spread over lanes
// by a hash of their key, each lane is one goroutine that writes one batch after the other, so the last row of a key
// wins without any lock between rows. Memory is bounded by the number of lanes.
package lanes

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
)

// Table puts rows: the one seam between the lanes and DynamoDB.
type Table interface {
	// Put writes rows, at most BatchSize of distinct keys, in one call, and returns those that the table left
	// unprocessed, in place at the front of rows. An error means that no row is known to be written; it is judged
	// by Config.Judge. Put is called by many goroutines at once.
	Put(ctx context.Context, rows []Row) (left []Row, err error)
}

// Verdict is what an error of the table means for a batch.
type Verdict int

// The verdicts.
const (
	Retry    Verdict = iota // the table, or the way to it, is in trouble
	Throttle                // the table takes less than it is given
	Refuse                  // the table takes this batch under no circumstances
)

// Config says how the lanes of one object work.
type Config struct {
	Lanes     int // goroutines, and batches under way at once
	Table     Table
	Pace      *Pace // of the table
	Judge     func(error) Verdict
	Trouble   func(error)      // told of each error that is retried, and with nil of each success
	Throttled func()           // told of each call that the table throttled, in whole or in part
	Refused   func(Row, error) // told of each row that the table refuses; called by several goroutines at once
}

// RefusedRows is how many rows of one object the table may refuse. At the next one the object fails: it is the table
// that does not fit, not the rows.
const RefusedRows = 3

// ErrTableRefuses is the error of an object of which the table refused too many rows.
var ErrTableRefuses = errors.New("the table refuses the rows")

// Tally counts what became of the rows that were added: Added is the sum of the others.
type Tally struct{ Added, Written, Merged, Refused, Unwritten int64 }

// Lanes are the lanes of one object. Add, Finish and Abort are called by one goroutine, its owner; Tally by any.
type Lanes struct {
	cfg     Config
	ctx     context.Context // of the writes; ends with the first lane that fails, with its cause
	fail    context.CancelCauseFunc
	lanes   []*lane
	running sync.WaitGroup // the lanes; Finish and Abort wait
	dropped atomic.Bool    // Abort: batches that wait are not begun

	added, written, merged, refused, unwritten, refusals atomic.Int64
}

// Start starts the lanes. ctx bounds the writes. Finish or Abort must follow.
func Start(ctx context.Context, cfg Config) *Lanes {
	l := &Lanes{cfg: cfg, lanes: make([]*lane, cfg.Lanes)}
	l.ctx, l.fail = context.WithCancelCause(ctx)
	for i := range l.lanes {
		l.lanes[i] = &lane{of: l, open: newBatch(), queue: make(chan *batch, 1), free: make(chan *batch, 2)}
		l.running.Go(l.lanes[i].run)
	}
	return l
}

// Add hands over a row, whose bytes are copied. It blocks while the row's lane is behind, until ctx ends. Its error
// is ctx's, or why the lanes have failed.
func (l *Lanes) Add(ctx context.Context, r Row) error {
	r.hash = hash(r.Store, r.Item)
	lane := l.lanes[r.hash%uint64(len(l.lanes))]
	if lane.open.full() {
		if err := lane.close(ctx); err != nil {
			return err
		}
	}
	l.added.Add(1)
	if lane.open.add(r) {
		l.merged.Add(1)
	}
	return nil
}

// Finish writes what was added, ends the lanes and tells why they failed, if they did.
func (l *Lanes) Finish(ctx context.Context) (Tally, error) {
	for _, lane := range l.lanes {
		if len(lane.open.rows) == 0 {
			continue
		}
		if err := lane.close(ctx); err != nil {
			return l.Abort(), err
		}
	}
	l.end()
	err := context.Cause(l.ctx)
	l.fail(nil)
	return l.Tally(), err
}

// Abort ends the lanes: each finishes the batch that it is writing, the others are dropped.
func (l *Lanes) Abort() Tally {
	l.dropped.Store(true)
	for _, lane := range l.lanes {
		l.unwritten.Add(int64(len(lane.open.rows)))
	}
	l.end()
	l.fail(nil)
	return l.Tally()
}

// slow notes that the table takes less than it is given.
func (l *Lanes) slow() {
	l.cfg.Pace.Slow()
	l.cfg.Throttled()
}

func (l *Lanes) end() {
	for _, lane := range l.lanes {
		close(lane.queue)
	}
	l.running.Wait()
}

// Tally is the count so far. While the lanes run, rows under way are in Added only.
func (l *Lanes) Tally() Tally {
	return Tally{l.added.Load(), l.written.Load(), l.merged.Load(), l.refused.Load(), l.unwritten.Load()}
}
