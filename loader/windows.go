package loader

// The memory of zstd's windows, which is what an object takes most of.

import (
	"context"

	"golang.org/x/sync/semaphore"

	"inventoryd/loader/lanes"
)

// mostWindows is how many bytes of windows all objects that are being read may have: one of the default loader.max_window, or
// four as zstd makes them by default. Objects wait for each other beyond it; one with a larger window is read alone.
const mostWindows = 8 << 20

// room is what one reading has of mostWindows.
type room struct {
	in    *semaphore.Weighted
	ctx   context.Context // bounds the waiting
	pulse lanes.Pulse     // rests meanwhile
	has   int64
	fail  func(error) // told of the error of reserve
}

// reserve sees to it that there is room for a window of so many bytes. For a larger one than before it gives back what it has,
// so that those that wait for each other's are none: meanwhile the decoder still has the smaller one.
func (r *room) reserve(window int64) error {
	window = min(window, mostWindows)
	if window <= r.has {
		return nil
	}
	r.release()
	r.pulse.Rest()
	defer r.pulse.Tick()
	if r.in.Acquire(r.ctx, window) != nil {
		err := context.Cause(r.ctx)
		r.fail(err)
		return err
	}
	r.has = window
	return nil
}

func (r *room) release() {
	r.in.Release(r.has)
	r.has = 0
}
