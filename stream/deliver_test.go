package stream

// The memory of pages, and calls of the handler: how long they may go on, and what is stored between them.

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"inventoryd/internal/lease"
	"inventoryd/internal/sandbox/fault"
)

func TestMemoryIsBoundedAndAShardThatWaitsKeepsItsLease(t *testing.T) {
	t.Parallel()
	scenario(t, 8, func(w *world) {
		var held, most atomic.Int64 // bytes of records that handlers have
		w.behave(func(_ context.Context, batch []Record) error {
			size := int64(0)
			for _, r := range batch {
				size += int64(len(r.Keys.JSON()) + len(r.Old.JSON()) + len(r.New.JSON()))
			}
			most.Store(max(most.Load(), held.Add(size)))
			defer held.Add(-size)
			time.Sleep(time.Minute) // longer than the lease, and than a call may wait
			return nil
		})
		const limit = 4 << 20
		total := 0
		for i := range 1800 { // of more than 3 KB each
			id := strings.Repeat("x", 1500) + fmt.Sprint(i)
			w.put(id, 1)
			total += 2 * len(id)
		}
		r := w.start(func(c *Config) { c.Memory = limit })
		time.Sleep(10 * time.Minute)
		if got := most.Load(); got < limit/4 || got > limit || // a hundred records of each page
			total < limit*9/8 {
			t.Errorf("handlers had at most %d bytes at once of %d; the limit is %d", got, total, limit)
		}
		if got := w.history.delivered(); got != 1800 {
			t.Errorf("%d records were delivered", got)
		}
		if w.log.FilterMessage("a shard was lost").Len() > 0 {
			t.Error("a shard was lost")
		}
		r.stop()
		if free := r.budget.free(); free != limit {
			t.Errorf("%d bytes were never given back", limit-free)
		}
	})
}

// TestSmallPagesDoNotWaitForEachOther: a page takes what it needs and no more.
func TestSmallPagesDoNotWaitForEachOther(t *testing.T) {
	t.Parallel()
	scenario(t, 16, func(w *world) {
		var busy atomic.Int32
		w.behave(func(context.Context, []Record) error { busy.Add(1); time.Sleep(time.Minute); return nil })
		w.put(strings.Repeat("x", 1900), 1) // more than is not worth counting
		for i := range 200 {
			w.put(strings.Repeat("x", 1900)+fmt.Sprint(i), 1)
		}
		r := w.start(func(c *Config) { c.Memory = 4 << 20 })
		time.Sleep(30 * time.Second)
		if got := busy.Load(); got != 16 {
			t.Errorf("%d of 16 shards' pages of a few KB are handled at once", got)
		}
		time.Sleep(10 * time.Minute)
		r.stop()
	})
}

// TestHandlersContextEndsWithTheLease: at the deadline, in the middle of a call, and no call begins before the next
// good renewal.
func TestHandlersContextEndsWithTheLease(t *testing.T) {
	t.Parallel()
	for name, obeys := range map[string]bool{"a handler that obeys": true, "a handler that ignores it": false} {
		t.Run(name, func(t *testing.T) {
			scenario(t, 1, func(w *world) {
				ended := make(chan time.Time, 1)
				var calls atomic.Int32
				w.behave(func(ctx context.Context, _ []Record) error {
					if calls.Add(1) > 1 {
						return nil
					}
					<-ctx.Done()
					ended <- time.Now()
					if !errors.Is(context.Cause(ctx), lease.ErrLapsed) {
						t.Errorf("the context ended for %v", context.Cause(ctx))
					}
					if obeys {
						return context.Cause(ctx)
					}
					time.Sleep(time.Minute)
					return nil
				})
				r := w.start()
				time.Sleep(10 * time.Second)
				w.spread(5)
				time.Sleep(2 * time.Second)
				down := time.Now()
				heal := w.fault(fault.Rule{Service: "dynamodb", Client: r.name, Effect: fault.Throttle})
				time.Sleep(30 * time.Second)
				if calls.Load() != 1 {
					t.Errorf("%d calls of the handler while the lease is over", calls.Load())
				}
				// renewed every 3 s, good for 12 s
				if after := (<-ended).Sub(down); after < 9*time.Second || after > 12*time.Second {
					t.Errorf("the call's context ended %v after the last renewal became impossible", after)
				}
				heal()
				time.Sleep(2 * time.Minute)
				r.ready()
				r.stop()
				if want := map[bool]int32{true: 2, false: 1}[obeys]; calls.Load() != want {
					t.Errorf("%d calls of the handler, want %d", calls.Load(), want)
				}
			})
		})
	}
}

// TestCheckpointsGoOnWithinAPage: also where the handler takes the records of a page one by one.
func TestCheckpointsGoOnWithinAPage(t *testing.T) {
	t.Parallel()
	scenario(t, 1, func(w *world) {
		w.behave(func(_ context.Context, batch []Record) error {
			if len(batch) > 1 {
				return Permanent(errors.New("too many at once"))
			}
			time.Sleep(time.Minute)
			return nil
		})
		w.spread(20)
		r := w.start(withQueue)
		time.Sleep(5*time.Minute + 30*time.Second)
		if row := w.rows()[w.open()]; !row.started() {
			t.Error("there is no checkpoint after five minutes of handling")
		}
		r.crash()
		before := len(w.history.seen())
		w.behave(nil)
		r = w.start(withQueue)
		time.Sleep(time.Minute)
		r.stop()
		again := 0
		for _, d := range w.history.seen()[before:] {
			again += len(d.records)
		}
		if again > 20-4 {
			t.Errorf("%d records are delivered after the crash", again)
		}
	})
}

func TestStopWaitsForTheHandlerAndNoLongerThanAllowed(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ takes, want time.Duration }{
		"within the time": {10 * time.Second, 10 * time.Second}, "beyond it": {time.Hour, 30 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			scenario(t, 1, func(w *world) {
				w.behave(func(ctx context.Context, _ []Record) error { return rest(ctx, c.takes, nil) })
				w.spread(3)
				r := w.start()
				time.Sleep(time.Second)
				begun := time.Now()
				r.cancel()
				<-r.done
				if took := time.Since(begun); took < c.want-2*time.Second || took > c.want+time.Second {
					t.Errorf("the stop took %v, want %v", took, c.want)
				}
				if c.takes > c.want {
					w.lost = func(written) bool { return true }
				} else if row := w.rows()[w.open()]; !row.started() || row.Owner != "" {
					t.Errorf("the shard was not given back: %+v", row)
				}
			})
		})
	}
}

// free is what nobody has taken at this moment.
func (b *budget) free() int64 {
	for n := b.size; n > 0; n -= 16 << 10 {
		if b.parts.TryAcquire(n) {
			b.parts.Release(n)
			return n
		}
	}
	return 0
}

// TestShardOfASlowHandlerIsHandedOver: a call with a thousand records would take longer than a hand-over waits for, so it
// gets fewer. Whose handler is slow needs others the most.
func TestShardOfASlowHandlerIsHandedOver(t *testing.T) {
	t.Parallel()
	scenario(t, 2, func(w *world) {
		w.behave(func(ctx context.Context, batch []Record) error {
			time.Sleep(time.Duration(len(batch)) * 50 * time.Millisecond)
			return nil
		})
		w.spread(4000)
		a := w.start()
		time.Sleep(20 * time.Second)
		b := w.start()
		time.Sleep(15 * time.Second)
		w.balanced(a, b)
		if w.log.FilterMessageSnippet("not handed over").Len() > 0 {
			t.Error("a call of the handler took too long for a hand-over")
		}
		w.behave(nil)
		time.Sleep(2 * time.Minute)
		stopAll([]*instance{a, b})
	})
}
