package stream

// Scenarios about gaps within a shard, and who is told of them.

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"inventoryd/internal/sandbox/fault"
)

func TestScenario13CheckpointOlderThanADayIsAGap(t *testing.T) {
	t.Parallel()
	old := func(w *world) (lost func(written) bool) {
		r := w.start()
		w.spread(5)
		time.Sleep(5 * time.Second)
		r.stop()
		w.spread(5)
		time.Sleep(25 * time.Hour)
		now := time.Now()
		return func(r written) bool { return r.At.Before(now) }
	}
	t.Run("continue", func(t *testing.T) {
		scenario(t, 1, func(w *world) {
			w.lost = old(w)
			w.fault(fault.Rule{Operation: "UpdateItem", Times: 2, Effect: fault.Effect{Drop: true}, Match: func(c fault.Call) bool {
				return strings.Contains(string(c.Body), `":gap1"`) // its answer is lost
			}})
			for range 3 { // found once, whatever the restarts
				r := w.start()
				time.Sleep(5 * time.Second)
				if gaps := r.shard(w.open()).Gaps; len(gaps) != 1 || gaps[0].After == "" || gaps[0].Pending {
					t.Errorf("the shard shows the gaps %+v", gaps)
				}
				r.ready()
				r.stop()
			}
			if gaps := w.told(); len(gaps) != 1 || gaps[0].After == "" {
				t.Errorf("gaps %+v", gaps)
			}
			if n := w.log.FilterMessageSnippet("changes are lost").Len(); n != 1 {
				t.Errorf("the gap is logged %d times", n)
			}
			w.spread(5)
			r := w.start()
			time.Sleep(5 * time.Second)
			r.stop()
		})
	})
	t.Run("halt", func(t *testing.T) {
		scenario(t, 1, func(w *world) {
			w.lost = old(w)
			w.spread(5)
			halt := func(c *Config) { c.GapPolicy = "halt" }
			r := w.start(halt)
			time.Sleep(10 * time.Minute)
			r.unready("older than 24 hours")
			if got := w.history.delivered(); got != 5 {
				t.Errorf("%d records were delivered, want the 5 before the gap", got)
			}
			if gaps := w.told(); len(gaps) > 0 {
				t.Errorf("gaps %+v", gaps)
			}
			r.Apply(DefaultConfig()) // that is, continue
			time.Sleep(2 * time.Minute)
			if s := r.shard(w.open()); len(s.Gaps) != 1 || s.Blocked != "" {
				t.Errorf("after the policy was changed: %+v", s)
			}
			r.ready()
			r.stop()
		})
	})
}

// TestScenario13ShardWithoutACheckpointThatNobodyReadForADayHasAGap: nothing tells where its loss begins.
func TestScenario13ShardWithoutACheckpointThatNobodyReadForADayHasAGap(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		end  func(*instance)
		off  time.Duration
		want int
	}{
		"stopped for a day":         {(*instance).stop, 25 * time.Hour, 1},
		"crashed for a day":         {(*instance).crash, 25 * time.Hour, 1},
		"stopped for less, no loss": {(*instance).stop, 23 * time.Hour, 0},
	} {
		t.Run(name, func(t *testing.T) {
			scenario(t, 1, func(w *world) {
				r := w.start(w.calm)
				time.Sleep(2 * time.Hour) // in which nothing happens
				c.end(r)
				w.spread(5)
				time.Sleep(c.off)
				now := time.Now()
				w.lost = func(r written) bool { return c.want > 0 && r.At.Before(now) }
				w.spread(5)
				for range 2 {
					r = w.start()
					time.Sleep(15 * time.Minute) // longer than the lease of the one that crashed
					r.ready()
					r.stop()
				}
				if gaps := w.told(); len(gaps) != c.want {
					t.Errorf("gaps %+v, want %d", gaps, c.want)
				}
			})
		})
	}
}

func TestGapIsToldUntilOnGapAcceptsItAlsoAfterARestart(t *testing.T) {
	t.Parallel()
	scenario(t, 1, func(w *world) {
		r := w.start()
		w.spread(3)
		time.Sleep(5 * time.Second)
		r.stop()
		w.spread(3)
		time.Sleep(25 * time.Hour)
		now := time.Now()
		w.lost = func(r written) bool { return r.At.Before(now) }
		w.spread(3)
		var told atomic.Int32
		refusing := func(c *Config) {
			c.OnGap = func(context.Context, Gap) error { told.Add(1); return errors.New("not now") }
		}
		r = w.start(refusing)
		time.Sleep(10 * time.Minute)
		if told.Load() < 10 {
			t.Errorf("OnGap was called %d times in 10 minutes", told.Load())
		}
		r.unready("not now")
		if gaps := r.shard(w.open()).Gaps; len(gaps) != 1 || !gaps[0].Pending {
			t.Errorf("the shard shows the gaps %+v", gaps)
		}
		r.crash()
		r = w.start()
		time.Sleep(30 * time.Second)
		if gaps := w.told(); len(gaps) != 1 || !gaps[0].Pending {
			t.Errorf("after the restart: %+v", gaps)
		}
		for _, s := range r.Status().Shards {
			if len(s.Gaps) != 1 {
				t.Errorf("the shard shows the gaps %+v", s.Gaps)
			}
		}
		r.stop()
		r = w.start()
		time.Sleep(30 * time.Second)
		r.stop()
		if gaps := w.told(); len(gaps) != 1 {
			t.Errorf("an accepted gap is told again: %+v", gaps)
		}
	})
}

// TestRowOfAnEndedShardStaysUntilItsGapIsTold: and goes soon after.
func TestRowOfAnEndedShardStaysUntilItsGapIsTold(t *testing.T) {
	t.Parallel()
	scenario(t, 1, func(w *world) {
		var accept atomic.Bool
		r := w.start(w.calm, func(c *Config) {
			c.OnGap = func(context.Context, Gap) error {
				if accept.Load() {
					return nil
				}
				return errors.New("not now")
			}
		})
		w.spread(3)
		time.Sleep(time.Minute)
		parent := w.open()
		heal := w.fault(fault.Rule{Operation: "GetRecords", Effect: fault.Unavailable})
		w.spread(3)
		w.roll(parent)
		w.spread(3)
		w.must(w.sandbox.Tables.Remove(table, parent, false))
		w.lost = func(r written) bool { return r.Shard == parent }
		heal()
		time.Sleep(4 * time.Hour)
		w.roll(w.open())
		time.Sleep(56 * time.Hour)
		if row, ok := w.rows()[parent]; !ok || len(row.Gaps) != 1 {
			t.Errorf("the row of a shard whose gap nobody took is %+v", row)
		}
		accept.Store(true)
		time.Sleep(10 * time.Minute)
		if row, ok := w.rows()[parent]; ok {
			t.Errorf("the row is still there: %+v", row)
		}
		r.stop()
	})
}

// TestScenario13RecordsTrimmedUnderTheIteratorAreAGap: GetRecords says so, and the gap is behind the last record handled.
func TestScenario13RecordsTrimmedUnderTheIteratorAreAGap(t *testing.T) {
	t.Parallel()
	scenario(t, 1, func(w *world) {
		r := w.start()
		w.spread(5)
		time.Sleep(5 * time.Second)
		last := r.shard(w.open()).Checkpoint
		heal := w.fault(fault.Rule{Operation: "GetRecords", Effect: fault.Unavailable})
		w.spread(5)
		time.Sleep(time.Minute)
		now := time.Now()
		w.lost = func(r written) bool { return r.At.Before(now) }
		w.must(w.sandbox.Tables.Trim(table, now))
		w.spread(5)
		iterators := w.calls("GetShardIterator")
		heal()
		time.Sleep(10 * time.Second)
		if gaps := w.told(); len(gaps) != 1 || gaps[0].After != last {
			t.Errorf("gaps %+v, want one after %s", gaps, last)
		}
		if got := w.calls("GetShardIterator") - iterators; got != 1 {
			t.Errorf("%d new iterators", got)
		}
		r.ready()
		r.stop()
	})
}
