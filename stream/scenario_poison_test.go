package stream

// Scenarios about records that cannot be handled.

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"inventoryd/internal/sandbox/fault"
)

func withQueue(c *Config) { c.DeadLetterQueue = dlq }

// poisoned makes a handler that fails for good at the item of this id, and counts its attempts.
func poisoned(id string, attempts *atomic.Int32) func(context.Context, []Record) error {
	return func(_ context.Context, batch []Record) error {
		for i, r := range batch {
			if v, _ := r.Keys.Lookup("ID"); text(v) == id {
				attempts.Add(1)
				return FailedAt(i, Permanent(errors.New("cannot be handled")))
			}
		}
		return nil
	}
}

func text(v Value) string {
	s, _ := v.S()
	return s
}

func TestScenario37OnePermanentFailureInABatchIsDivertedOnce(t *testing.T) {
	t.Parallel()
	for _, most := range []int{1, 3} {
		t.Run(fmt.Sprint("max_attempts ", most), func(t *testing.T) {
			scenario(t, 1, func(w *world) {
				var attempts atomic.Int32
				w.behave(poisoned("item-50", &attempts))
				w.spread(100)
				r := w.start(withQueue, func(c *Config) { c.MaxAttempts = most })
				time.Sleep(10 * time.Second)
				r.ready()
				r.stop()
				if int(attempts.Load()) != most {
					t.Errorf("%d attempts, want %d", attempts.Load(), most)
				}
				letters := w.letters()
				if len(letters) != 1 {
					t.Fatalf("%d letters, want 1", len(letters))
				}
				record := letters[0].Record()
				if v, _ := record.Keys.Lookup("ID"); text(v) != "item-50" || letters[0].Error != "cannot be handled" {
					t.Errorf("the letter is %+v", letters[0])
				}
			})
		})
	}
}

func TestScenario37PanicWithoutAnIndexIsFoundByHalvingTheBatch(t *testing.T) {
	t.Parallel()
	scenario(t, 1, func(w *world) {
		w.behave(func(_ context.Context, batch []Record) error {
			for _, r := range batch {
				if v, _ := r.Keys.Lookup("ID"); text(v) == "item-33" {
					panic("cannot be handled")
				}
			}
			return nil
		})
		w.spread(100)
		r := w.start(withQueue)
		time.Sleep(10 * time.Second)
		r.ready()
		r.stop()
		if letters := w.letters(); len(letters) != 1 {
			t.Errorf("%d letters, want 1", len(letters))
		}
	})
}

func TestScenario38DeadLetterQueueDownBlocksAndAttemptsSurviveARestart(t *testing.T) {
	t.Parallel()
	scenario(t, 1, func(w *world) {
		var attempts atomic.Int32
		w.behave(poisoned("item-5", &attempts))
		three := func(c *Config) { c.MaxAttempts = 3 }
		heal := w.fault(fault.Rule{Service: "sqs", Effect: fault.Unavailable})
		w.spread(10)
		r := w.start(withQueue, three)
		time.Sleep(2 * time.Minute)
		r.unready("cannot be diverted")
		if got := w.history.delivered(); got != 5 {
			t.Errorf("%d records were delivered past a record that is not diverted", got)
		}
		r.crash()
		r = w.start(withQueue, three)
		time.Sleep(2 * time.Minute)
		r.unready("cannot be diverted")
		r.stop()
		if row := w.rows()[w.open()]; row.Attempts != 3 || attempts.Load() != 3 {
			t.Errorf("%d attempts, %d in the row, want 3", attempts.Load(), row.Attempts)
		}
		heal()
		r = w.start(withQueue, three)
		time.Sleep(30 * time.Second)
		r.ready()
		r.stop()
		if letters := w.letters(); len(letters) != 1 || attempts.Load() != 3 {
			t.Errorf("%d letters, %d attempts, want 1 and 3", len(letters), attempts.Load())
		}
	})
}

func TestScenario38WithoutAQueueTheRecordBlocksItsShardOnly(t *testing.T) {
	t.Parallel()
	scenario(t, 2, func(w *world) {
		var attempts atomic.Int32
		w.behave(poisoned("item-5", &attempts))
		w.spread(10)
		r := w.start()
		time.Sleep(10 * time.Minute)
		r.unready("blocked by record")
		blocked := ""
		for _, s := range r.Status().Shards {
			if s.Attempts > 0 {
				blocked = s.Shard
			}
		}
		if attempts.Load() < 20 {
			t.Errorf("%d attempts in 10 minutes: a blocked record is tried again and again", attempts.Load())
		}
		w.lost = func(r written) bool { return r.Shard == blocked }
		r.stop()
	})
}
