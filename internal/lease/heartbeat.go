package lease

// This file: renewing the row of one instance.

import (
	"context"
	"errors"
	"sync"
	"time"

	"inventoryd/internal/sleep"
)

// Errors that a holder branches on.
var (
	// ErrDead says that an observer has called this instance dead, or that its row is gone: what it held is lost.
	ErrDead = errors.New("this instance was called dead by another")
	// ErrLapsed is the cause of a lease's context after its deadline has passed without a renewal.
	ErrLapsed = errors.New("the lease was not renewed in time")
)

// Heartbeat is one life of an instance: it keeps its row alive and knows until when its lease is good. The lease may
// lapse and become good again, as long as nobody has marked the instance dead. Safe for concurrent use.
type Heartbeat struct {
	group Group
	term  *term

	mu   sync.Mutex // guards what follows; never held over a call
	self Instance   // as the next renewal writes it
	told time.Time  // the service's clock as its last answer told it
	when time.Time  // when it did, with a monotonic reading
}

// New makes the heartbeat of a new instance: of self, ID (see NewID), Duration and Parts count. The lease begins with
// Join. slept is how long the host has slept in all, nil: as the kernel says.
func New(group Group, self Instance, slept func() time.Duration) *Heartbeat {
	if slept == nil {
		slept = hostSlept
	}
	return &Heartbeat{
		group: group, term: newTerm(slept),
		self: Instance{ID: self.ID, Host: hostname(), Duration: self.Duration, Parts: self.Parts},
	}
}

// ID names the instance.
func (h *Heartbeat) ID() string { return h.self.ID }

// Self is the instance as its next renewal writes it.
func (h *Heartbeat) Self() Instance {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.self
}

// Join takes a number, if it has none yet, and writes the row: the lease begins. It is one attempt.
func (h *Heartbeat) Join(ctx context.Context) error {
	if h.Self().Joined == 0 {
		if err := h.Renumber(ctx); err != nil {
			return err
		}
	}
	_, alive, err := h.renew(ctx, true)
	if err == nil && !alive {
		return ErrDead
	}
	return err
}

// Renumber takes a new, higher number: whoever leads with it leads no more. The next renewal tells it.
func (h *Heartbeat) Renumber(ctx context.Context) error {
	n, at, err := h.group.number(ctx)
	if err != nil {
		return err
	}
	h.change(func(self *Instance) { self.Joined = n })
	h.hear(at)
	return nil
}

// ReadWell notes the service's time at which this instance's reads worked; the next renewal tells it.
func (h *Heartbeat) ReadWell(at time.Time) {
	h.change(func(self *Instance) { self.ReadAt = at })
}

func (h *Heartbeat) change(f func(self *Instance)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	f(&h.self)
}

// Told is what a Heartbeat tells of its renewals.
type Told struct {
	// Failed is told how each renewal went, nil after a good one. It returns for how long to wait at least before the
	// next attempt.
	Failed func(error) time.Duration
	// Renewed is given the row after each good renewal.
	Renewed func(Instance)
}

// Run renews the row every fifth of the duration until ctx ends (nil) or the instance is dead (ErrDead, and the lease
// has ended).
func (h *Heartbeat) Run(ctx context.Context, told Told) error {
	interval := h.self.Duration / 5
	for pause := interval; ; {
		if err := sleep.For(ctx, pause); err != nil {
			return nil
		}
		sent := time.Now()
		row, alive, err := h.renew(ctx, false)
		if ctx.Err() != nil {
			return nil
		}
		var least time.Duration
		if told.Failed != nil {
			least = told.Failed(err)
		}
		switch {
		case errors.Is(err, context.DeadlineExceeded): // it has waited already
			pause = least
		case err != nil:
			pause = max(least, interval/4)
		case !alive:
			h.term.lapse(true)
			return ErrDead
		default:
			pause = max(0, interval-time.Since(sent))
			if told.Renewed != nil {
				told.Renewed(row)
			}
		}
	}
}

// Leave writes the mark that this instance gives away what it holds. Its lease goes on.
func (h *Heartbeat) Leave(ctx context.Context) error {
	h.change(func(self *Instance) { self.Leaving = true })
	_, _, err := h.renew(ctx, false)
	return err
}

// Resign ends the lease and marks the row dead, so that nobody has to wait for its deadline.
func (h *Heartbeat) Resign(ctx context.Context) error {
	h.term.lapse(true)
	return h.group.BuryGone(ctx, h.self.ID)
}

// Good reports whether the lease is good at this instant.
func (h *Heartbeat) Good() bool { return h.term.good() }

// Deadline is until when the lease is good; it may have passed.
func (h *Heartbeat) Deadline() time.Time { return h.term.until() }

// Await waits until the lease is good and returns a context that is cancelled, with cause ErrLapsed, when the lease
// passes its deadline. It fails only when ctx ends first.
func (h *Heartbeat) Await(ctx context.Context) (context.Context, error) { return h.term.await(ctx) }

// renew makes one attempt, which is given up after a fifth of the duration.
func (h *Heartbeat) renew(ctx context.Context, create bool) (Instance, bool, error) {
	h.mu.Lock()
	self, now := h.self, h.now()
	h.mu.Unlock()
	ctx, stop := context.WithTimeout(ctx, min(10*time.Second, self.Duration/5))
	defer stop()
	sent := h.term.mark()
	row, at, alive, err := h.group.write(ctx, self, now, create)
	if err != nil || !alive {
		return row, alive, err
	}
	h.hear(at)
	h.term.extend(sent, self.Duration-Margin(self.Duration))
	return row, true, nil
}

// Margin is by how much a holder stops before others may call it dead.
func Margin(duration time.Duration) time.Duration { return duration / 5 }

func (h *Heartbeat) hear(at time.Time) {
	if at.IsZero() {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.told, h.when = at, time.Now()
}

// now is the service's time; the mutex is held. Join has heard it before the first row is written.
func (h *Heartbeat) now() time.Time {
	if h.told.IsZero() {
		return time.Now()
	}
	return h.told.Add(time.Since(h.when))
}
