package lease

// This file: until when a lease is good.

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// term is the time for which a lease is good. Safe for concurrent use.
type term struct {
	slept func() time.Duration

	mu       sync.Mutex // guards what follows; never held over a call
	sent     moment     // when the last good renewal was sent
	deadline time.Time
	context  context.Context    // cancelled when the deadline passes
	cancel   context.CancelFunc // of context; nil while there is no good lease
	renewed  chan struct{}      // closed at the next good renewal while lapsed
	timer    *time.Timer        // lapses the lease at its deadline
}

// moment is an instant on a clock that stands still while the host sleeps, and how long it had slept by then.
type moment struct {
	at    time.Time
	slept time.Duration
}

func newTerm(slept func() time.Duration) *term {
	return &term{slept: slept, renewed: make(chan struct{})}
}

// mark is the present moment.
func (t *term) mark() moment { return moment{time.Now(), t.slept()} }

// slack is what the two readings of the kernel's clocks may differ by without any sleep.
const slack = 10 * time.Millisecond

// left is how much of the lease is left; the mutex is held.
func (t *term) left() time.Duration {
	left := time.Until(t.deadline)
	if slept := t.slept() - t.sent.slept; slept > slack {
		left -= slept
	}
	return left
}

func (t *term) good() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.cancel != nil && t.left() > 0
}

func (t *term) until() time.Time {
	t.mu.Lock()
	defer t.mu.Unlock()
	return time.Now().Add(t.left())
}

// extend makes the lease good for d from the moment at which a renewal was sent and, after a lapse, begins a new lease.
func (t *term) extend(sent moment, d time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.sent, t.deadline = sent, sent.at.Add(d)
	left := t.left()
	if left <= 0 {
		return // the answer came too late to be of use
	}
	if t.timer != nil {
		t.timer.Stop()
	}
	t.timer = time.AfterFunc(left, func() { t.lapse(false) })
	if t.cancel != nil {
		return
	}
	good, cancel := context.WithCancelCause(context.Background())
	t.context, t.cancel = good, func() { cancel(ErrLapsed) }
	close(t.renewed)
}

// lapse ends the lease if its deadline has passed, or in any case.
func (t *term) lapse(anyway bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.cancel == nil || !anyway && t.left() > 0 {
		return
	}
	t.timer.Stop()
	t.cancel()
	t.cancel = nil
	t.renewed = make(chan struct{})
}

// await waits until the lease is good.
func (t *term) await(ctx context.Context) (context.Context, error) {
	for {
		t.lapse(false) // where the process slept, its timer has not fired yet
		t.mu.Lock()
		good, renewed, ok := t.context, t.renewed, t.cancel != nil
		t.mu.Unlock()
		if ok {
			return good, nil
		}
		select {
		case <-renewed:
		case <-ctx.Done():
			return nil, fmt.Errorf("await a good lease: %w", ctx.Err())
		}
	}
}
