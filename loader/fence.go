package loader

// The fence: a process that was stopped, or a machine that slept, past a message's visibility writes nothing of it any more,
// although its timers have not fired yet.

import (
	"context"
	"time"

	"inventoryd/loader/lanes"
)

// beat is a sign of life that SQS has taken.
type beat struct {
	sent   time.Time     // with its monotonic part, which stands still while the machine sleeps
	asleep time.Duration // for how long it had slept by then
}

// fence returns a table that takes rows only while the message is held; nil is a load by hand, which holds none.
func (h *hold) fence(t lanes.Table) lanes.Table {
	if h == nil {
		return t
	}
	return fenced{t, h}
}

type fenced struct {
	lanes.Table
	held *hold
}

// Put implements lanes.Table.
func (f fenced) Put(ctx context.Context, rows []lanes.Row) ([]lanes.Row, float64, error) {
	if f.held.passed(time.Now(), asleep()) {
		f.held.cancel(errLost) // the lanes see it before they try again
		return rows, 0, errLost
	}
	return f.Table.Put(ctx, rows)
}

// passed reports whether the time for which the message is surely ours is over.
func (h *hold) passed(now time.Time, asleep time.Duration) bool {
	last := h.beat.Load()
	return now.Sub(last.sent)+asleep-last.asleep >= h.patience
}
