package stream

// This file: what does not work at present, for Ready and the log.

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"go.uber.org/zap"
)

// troubles are the reader's present troubles, by the place they are in. Safe for concurrent use.
type troubles struct {
	log *zap.Logger

	mu   sync.Mutex // guards open
	open map[string]*trouble
}

type trouble struct {
	err    error
	since  time.Time
	logged time.Time
	count  int  // failures since it was logged
	now    bool // makes the reader not ready at once
}

const (
	patience = 15 * time.Second // a fault that mends itself within this does not make the reader not ready
	logEvery = time.Minute      // a trouble that lasts is logged this often
)

// report records that something failed in place: `GetRecords shard-1`. urgent troubles make the reader not ready at
// once, others when they last.
func (t *troubles) report(place string, err error, urgent bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := time.Now()
	is, ok := t.open[place]
	if !ok {
		is = &trouble{since: now}
		t.open[place] = is
	}
	is.err, is.now = err, urgent
	is.count++
	if now.Sub(is.logged) >= logEvery {
		t.log.Warn("reading the stream is in trouble", zap.String("place", place), zap.Int("failures", is.count),
			zap.Duration("lasting", now.Sub(is.since)), zap.Error(err))
		is.logged, is.count = now, 0
	}
}

// mend records that place works.
func (t *troubles) mend(place string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if is, ok := t.open[place]; ok {
		delete(t.open, place)
		t.log.Info("reading the stream works again", zap.String("place", place), zap.Duration("lasted", time.Since(is.since)))
	}
}

// drop forgets what was wrong in place: it is looked after no more, which mends nothing.
func (t *troubles) drop(place string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.open, place)
}

// shown is the most troubles that Ready names.
const shown = 3

// ready is nil, or the troubles that count.
func (t *troubles) ready() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	var places []string
	for place, is := range t.open {
		if is.now || time.Since(is.since) >= patience {
			places = append(places, place)
		}
	}
	slices.Sort(places)
	var errs []error
	for _, place := range places[:min(shown, len(places))] {
		errs = append(errs, fmt.Errorf("%s: %w", place, t.open[place].err))
	}
	if more := len(places) - shown; more > 0 {
		errs = append(errs, fmt.Errorf("and %d more", more))
	}
	return errors.Join(errs...)
}
