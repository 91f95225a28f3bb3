package stream

import (
	"sync"
	"time"
)

// clock is the service's clock as its answers tell it: ages of records are measured with it, so that a wrong clock of
// this machine does no harm. Safe for concurrent use.
type clock struct {
	wall func() time.Time // this machine's, until the service has told its own

	mu   sync.Mutex // guards what follows
	told time.Time  // what the service said last
	when time.Time  // when it did, with a monotonic reading
}

// hear takes the service's time from an answer; the zero time is none.
func (c *clock) hear(at time.Time) {
	if at.IsZero() {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.told, c.when = at, time.Now()
}

// now is the service's time.
func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.told.IsZero() {
		return c.wall().UTC()
	}
	return c.told.Add(time.Since(c.when)).UTC()
}
