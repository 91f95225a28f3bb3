// Package lanes writes the rows of one object to the table in parallel and yet in order. The rows that are read wait in
// a deck, each in the queue of its store. Lanes are goroutines; each has one batch under way, which it is dealt from the
// queues in turn. The rows of a key are dealt one at a time, so that the last one wins; rows that the table leaves
// return to the head of their queue, and the lane goes on with others: a partition that is full slows the stores in it
// and nobody else. Memory is bounded by the read-ahead.
package lanes

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"
)

// Table puts rows: the one seam between the lanes and DynamoDB.
type Table interface {
	// Put writes rows, at most BatchSize of distinct keys, and returns those that the table left unprocessed, in place
	// at the front of rows, and the write units that it took. An error means that no row is known to be written; it is
	// judged by Config.Judge. Put ends by itself, within PutTimeout. It is called by many goroutines at once.
	Put(ctx context.Context, rows []Row) (left []Row, units float64, err error)
}

// PutTimeout bounds a call of Table.Put. Who calls what may hang keeps to it.
const PutTimeout = 10 * time.Second

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
	Consumed  func(units float64) // told of the write units of each call; nil: nobody is
	Trouble   func(error)         // told of each error that is retried, and with nil of each success
	Throttled func()              // told of each call that the table throttled, in whole or in part
	Refused   func(Row, error)    // told of each row that the table refuses; called by several goroutines at once
	Pulse     func() Pulse        // of each lane; nil: none
	Owner     Pulse               // rests while the owner waits for the lanes
	Waiting   func()              // called now and then by the owner's goroutine while Finish waits; nil: not at all
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
	running sync.WaitGroup // the lanes; Finish and Abort wait
	began   time.Time

	open *block        // the owner's: rows that are not in the deck yet
	turn chan struct{} // held by the one lane that is being dealt a batch
	wake chan struct{} // for that lane: something has changed
	more chan struct{} // for the owner: rows may be added

	mu     sync.Mutex // guards what follows; never held over a wait
	deck   *deck
	hungry bool   // the lane that is being dealt a batch lacks rows
	closed bool   // nothing will be added
	idle   bool   // lanes begin no further batch
	left   *int64 // once the lanes have ended: the line of the first row that is not written; nil: all are

	added, written, merged, refused, unwritten, refusals atomic.Int64
}

// Start starts the lanes. ctx bounds the writes. Finish or Abort must follow.
func Start(ctx context.Context, cfg Config) *Lanes {
	l := &Lanes{
		cfg: cfg, began: time.Now(), deck: newDeck(cfg.Lanes * BatchSize),
		turn: make(chan struct{}, 1), wake: make(chan struct{}, 1), more: make(chan struct{}, 1),
	}
	l.open = newBlock()
	l.ctx, l.fail = context.WithCancelCause(ctx)
	for range cfg.Lanes {
		lane := &lane{of: l, batch: make([]*entry, 0, BatchSize), rows: make([]Row, 0, BatchSize)}
		if cfg.Pulse != nil {
			lane.pulse = cfg.Pulse()
		}
		l.running.Go(lane.run)
	}
	return l
}

// Add hands over a row, whose bytes are copied. It blocks while there is enough to be written, until ctx ends. Its error
// is ctx's, or why the lanes have failed.
func (l *Lanes) Add(ctx context.Context, r Row) error {
	if l.open.full() {
		if err := l.shelve(ctx); err != nil {
			return err
		}
	}
	l.open.add(r)
	l.added.Add(1)
	return nil
}

// shelve adds the open block to the deck once it takes it, and opens another.
func (l *Lanes) shelve(ctx context.Context) error {
	for {
		if err := context.Cause(l.ctx); err != nil {
			return err
		}
		if l.shelved() {
			signal(l.wake)
			return nil
		}
		l.cfg.Owner.Rest()
		select {
		case <-l.more:
		case <-l.ctx.Done():
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		l.cfg.Owner.Tick()
	}
}

// shelved adds the open block, unless the lanes have enough. They read ahead where they lack rows that can be dealt.
func (l *Lanes) shelved() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	enough := 2 * BatchSize * l.cfg.Lanes
	if !l.deck.room() || l.deck.queued >= enough && !l.hungry {
		return false
	}
	l.hungry = false
	l.deck.add(l.open)
	l.open = l.deck.block()
	return true
}

// signal wakes whoever waits for it, or the next one who will.
func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// Finish writes what was added, ends the lanes and tells why they failed, if they did.
func (l *Lanes) Finish(ctx context.Context) (Tally, error) {
	if err := l.shelve(ctx); err != nil {
		return l.Abort(), err
	}
	l.end(func() { l.closed = true })
	err := context.Cause(l.ctx)
	l.fail(nil)
	return l.Tally(), err
}

// Abort ends the lanes: each finishes the batch that it is writing, the other rows are dropped.
func (l *Lanes) Abort() Tally {
	l.end(func() { l.idle = true })
	l.fail(nil)
	return l.Tally()
}

// end tells the lanes how to end, and waits for it.
func (l *Lanes) end(how func()) {
	l.mu.Lock()
	how()
	l.mu.Unlock()
	signal(l.wake)
	l.cfg.Owner.Rest()
	l.wait()
	l.cfg.Owner.Tick()
	if line, ok := l.Behind(); ok {
		l.left = &line
	}
	l.unwritten.Add(int64(l.deck.queued + len(l.open.entries)))
	l.deck, l.open = newDeck(0), l.open.clear()
}

// waitingEvery is how often Config.Waiting is called.
const waitingEvery = time.Second

// wait waits for the lanes to end.
func (l *Lanes) wait() {
	if l.cfg.Waiting == nil {
		l.running.Wait()
		return
	}
	ended := make(chan struct{})
	go func() { // ends with the lanes
		l.running.Wait()
		close(ended)
	}()
	ticker := time.NewTicker(waitingEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ended:
			return
		case <-ticker.C:
			l.cfg.Waiting()
		}
	}
}

// Behind is the line of a row before which all that were added are written, merged, or refused; ok is false where all
// rows are. It is for the owner, before Finish and Abort or after.
func (l *Lanes) Behind() (line int64, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.left != nil:
		return *l.left, true
	case l.deck.first != nil:
		return l.deck.first.entries[0].line, true
	case len(l.open.entries) > 0:
		return l.open.entries[0].line, true
	}
	return 0, false
}

// Tally is the count so far. While the lanes run, rows under way are in Added only.
func (l *Lanes) Tally() Tally {
	return Tally{l.added.Load(), l.written.Load(), l.merged.Load(), l.refused.Load(), l.unwritten.Load()}
}

// now is the deck's.
func (l *Lanes) now() time.Duration { return time.Since(l.began) }
