package lease

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"
)

// Errors that a holder branches on.
var (
	// ErrDead says that an observer has called this instance dead, or that its row is gone: what it held is lost.
	ErrDead = errors.New("this instance was called dead by another")
	// ErrLapsed is the cause of a lease's context after its deadline has passed without a renewal.
	ErrLapsed = errors.New("the lease was not renewed in time")
)

// Heartbeat keeps the row of one instance alive and knows until when its leases are good. Its deadline is the time at
// which the last good renewal was sent, plus the duration, less a margin of a fifth: before any observer can call the
// instance dead, it has stopped by itself. It may lapse and become good again, as long as nobody has marked it.
type Heartbeat struct {
	group    Group
	id, host string
	duration time.Duration

	mu       sync.Mutex         // guards what follows; never held over a call
	deadline time.Time          // of the present lease
	good     context.Context    // cancelled when the deadline passes
	cancel   context.CancelFunc // of good; nil while there is no good lease
	renewed  chan struct{}      // closed at the next good renewal while lapsed
	timer    *time.Timer        // lapses the lease at its deadline
}

// New makes the heartbeat of a new instance with the given id (see NewID). The lease begins with Register.
func New(group Group, id string, duration time.Duration) *Heartbeat {
	host, _ := os.Hostname() // shown to people only
	return &Heartbeat{group: group, id: id, host: host, duration: duration, renewed: make(chan struct{})}
}

// ID names the instance.
func (h *Heartbeat) ID() string { return h.id }

// Register writes the instance's row: the lease begins. An error means that it should be tried again.
func (h *Heartbeat) Register(ctx context.Context) error {
	_, err := h.renew(ctx, true)
	return err
}

// Run renews the row every fifth of the duration until ctx ends (nil) or the instance is dead (ErrDead, and the lease
// has ended). failed is told of each renewal that failed, nil after one that did not.
func (h *Heartbeat) Run(ctx context.Context, failed func(error)) error {
	interval := h.duration / 5
	pause := interval
	for {
		if err := sleep(ctx, pause); err != nil {
			return nil
		}
		sent := time.Now()
		alive, err := h.renew(ctx, false)
		if ctx.Err() != nil {
			return nil
		}
		failed(err)
		switch {
		case err != nil:
			pause = interval / 4
		case !alive:
			h.lapse(true)
			return ErrDead
		default:
			pause = max(0, interval-time.Since(sent))
		}
	}
}

// Resign ends the lease and marks the row dead, so that nobody has to wait for its deadline.
func (h *Heartbeat) Resign(ctx context.Context) error {
	h.lapse(true)
	_, err := h.group.mark(ctx, h.id, "", nil)
	return err
}

// Good reports whether the lease is good at this instant.
func (h *Heartbeat) Good() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.cancel != nil && time.Now().Before(h.deadline)
}

// Await waits until the lease is good and returns a context that is cancelled, with cause ErrLapsed, when the lease
// passes its deadline. It fails only when ctx ends first.
func (h *Heartbeat) Await(ctx context.Context) (context.Context, error) {
	for {
		h.mu.Lock()
		good, renewed := h.good, h.renewed
		ok := h.cancel != nil && time.Now().Before(h.deadline)
		h.mu.Unlock()
		if ok {
			return good, nil
		}
		if err := h.sleepLapsed(ctx, renewed); err != nil {
			return nil, err
		}
	}
}

// sleepLapsed waits for the next renewal. A lease that is past its deadline while its timer has not fired yet (the
// process slept) is made to lapse first.
func (h *Heartbeat) sleepLapsed(ctx context.Context, renewed chan struct{}) error {
	h.lapse(false)
	select {
	case <-renewed:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("await a good lease: %w", ctx.Err())
	}
}

func (h *Heartbeat) renew(ctx context.Context, create bool) (bool, error) {
	ctx, stop := context.WithTimeout(ctx, min(10*time.Second, h.duration))
	defer stop()
	sent := time.Now()
	alive, err := h.group.renew(ctx, h.id, h.host, create)
	if err == nil && alive {
		h.extend(sent.Add(h.duration - h.duration/5))
	}
	return alive, err
}

// extend moves the deadline and, after a lapse, begins a new lease.
func (h *Heartbeat) extend(deadline time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	left := time.Until(deadline)
	if left <= 0 {
		return // the answer came too late to be of use
	}
	h.deadline = deadline
	if h.timer != nil {
		h.timer.Stop()
	}
	h.timer = time.AfterFunc(left, func() { h.lapse(false) })
	if h.cancel != nil {
		return
	}
	good, cancel := context.WithCancelCause(context.Background())
	h.good, h.cancel = good, func() { cancel(ErrLapsed) }
	close(h.renewed)
}

// lapse ends the lease if its deadline has passed, or in any case.
func (h *Heartbeat) lapse(anyway bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.cancel == nil || !anyway && time.Now().Before(h.deadline) {
		return
	}
	h.timer.Stop()
	h.cancel()
	h.cancel = nil
	h.renewed = make(chan struct{})
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
