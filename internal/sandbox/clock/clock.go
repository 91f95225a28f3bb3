// Package clock is the time of the sandbox: the machine's (or a synctest bubble's) time plus an offset that a test
// or an operator of the sandbox moves forward.
package clock

import (
	"context"
	"sync"
	"time"
)

// Clock is time.Now plus an offset. The zero Clock has none. It is safe for concurrent use.
type Clock struct {
	mu     sync.Mutex // guards what follows; never held over a wait
	offset time.Duration
	moved  chan struct{} // closed and replaced when the offset moves
}

// Now is the sandbox's present.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(c.offset)
}

// Advance moves the present forward by d and wakes whoever waits on the clock.
func (c *Clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.offset += d
	if c.moved != nil {
		close(c.moved)
		c.moved = nil
	}
}

// Wait blocks until the clock shows t, until wake is ready (nil never is), or until ctx ends, whose error it returns.
func (c *Clock) Wait(ctx context.Context, t time.Time, wake <-chan struct{}) error {
	for {
		c.mu.Lock()
		if c.moved == nil {
			c.moved = make(chan struct{})
		}
		moved, left := c.moved, t.Sub(time.Now().Add(c.offset))
		c.mu.Unlock()
		if left <= 0 {
			return nil
		}
		timer := time.NewTimer(left)
		select {
		case <-timer.C:
		case <-moved:
		case <-wake:
			timer.Stop()
			return nil
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		}
		timer.Stop()
	}
}
