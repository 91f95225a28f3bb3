package stream

// Scenarios about reading shards: iterators, positions, and the errors of the stream.

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"inventoryd/internal/sandbox/fault"
)

var (
	expiredIterator = fault.Effect{Error: &fault.Error{Status: 400, Code: "ExpiredIteratorException", Message: "The shard iterator has expired"}}
	limitExceeded   = fault.Effect{Error: &fault.Error{Status: 400, Code: "LimitExceededException", Message: "Too many readers"}}
)

func TestScenario10IteratorExpiresMidRead(t *testing.T) {
	scenario(t, 1, func(w *world) {
		r := w.start()
		w.spread(5)
		time.Sleep(5 * time.Second)
		for range 3 {
			before, now := w.calls("GetShardIterator"), time.Now()
			w.fault(fault.Rule{Operation: "GetRecords", Effect: expiredIterator, Match: func(c fault.Call) bool {
				return issued(c.Body).Before(now) // and does so for good
			}})
			w.spread(5)
			time.Sleep(5 * time.Second)
			if got := w.calls("GetShardIterator") - before; got != 1 {
				t.Errorf("%d new iterators for one that expired", got)
			}
		}
		r.ready()
		heal := w.fault(fault.Rule{Operation: "GetRecords", Effect: expiredIterator}) // all of them
		before := w.calls("GetShardIterator")
		w.spread(5)
		time.Sleep(3 * time.Minute)
		if got := w.calls("GetShardIterator") - before; got > 70 { // every 2.5 s at the fastest
			t.Errorf("%d new iterators in 3 minutes: a loop", got)
		}
		r.unready("expired")
		heal()
		time.Sleep(10 * time.Second)
		r.ready()
		r.stop()
		if n := len(w.history.seen()); n > 25 || len(w.told()) > 0 {
			t.Errorf("%d deliveries of 25 records: some were replayed; gaps %+v", n, w.told())
		}
	})
}

// TestScenario10IteratorsAreRenewedWhateverTheHandlerTakes: none is used beyond its 15 minutes.
func TestScenario10IteratorsAreRenewedWhateverTheHandlerTakes(t *testing.T) {
	scenario(t, 1, func(w *world) {
		expired := 0
		w.fault(fault.Rule{Operation: "GetRecords", Match: func(c fault.Call) bool {
			if time.Since(issued(c.Body)) > 15*time.Minute {
				expired++
			}
			return false
		}})
		r := w.start()
		for range 3 {
			w.behave(slow(20 * time.Minute))
			w.spread(5)
			time.Sleep(time.Second)
			w.spread(5) // behind the page that is being handled
			w.behave(nil)
			time.Sleep(40 * time.Minute)
		}
		r.ready()
		r.stop()
		if expired > 0 {
			t.Errorf("%d reads with an iterator that had expired", expired)
		}
	})
}

func TestScenario11StartLatestAndTheIteratorExpiresBeforeTheFirstRead(t *testing.T) {
	scenario(t, 2, func(w *world) {
		w.spread(10)
		time.Sleep(time.Minute)
		begun := time.Now()
		w.lost = func(r written) bool { return r.At.Before(begun) }
		heal := w.fault(fault.Rule{Operation: "GetRecords", Effect: fault.Unavailable})
		r := w.start(func(c *Config) { c.Start = "latest" })
		time.Sleep(time.Second)
		w.spread(10)
		time.Sleep(20 * time.Minute)
		heal()
		time.Sleep(10 * time.Second)
		if got := w.history.delivered(); got != 10 {
			t.Errorf("%d records were delivered, want the 10 after the start", got)
		}
		r.stop()
	})
}

func TestScenario12IteratorExpiredThenTheShardDeletedEndsWithOneLoss(t *testing.T) {
	scenario(t, 1, func(w *world) {
		r := w.start()
		w.spread(5)
		time.Sleep(5 * time.Second)
		parent := w.open()
		heal := w.fault(fault.Rule{Operation: "GetRecords", Effect: fault.InternalServerError, Match: func(c fault.Call) bool {
			return shardOf(c.Body) == parent
		}})
		w.spread(5)
		child := w.roll(parent)
		w.spread(5)
		time.Sleep(16 * time.Minute)
		w.must(w.sandbox.Tables.Remove(table, parent, false))
		w.lost = func(r written) bool { return r.Shard == parent }
		heal()
		time.Sleep(2 * time.Minute)
		if s := r.shard(parent); s.State != stateEnded || len(s.Gaps) != 1 {
			t.Errorf("the deleted shard is %+v", s)
		}
		if s := r.shard(child); s.Checkpoint == "" {
			t.Errorf("the child is %+v", s)
		}
		if gaps := w.told(); len(gaps) != 1 || gaps[0].Shard != parent || gaps[0].After == "" {
			t.Errorf("gaps %+v", gaps)
		}
		r.ready()
		r.stop()
	})
}

func TestScenario13CheckpointOlderThanADayIsAGap(t *testing.T) {
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
					time.Sleep(time.Minute)
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

func TestScenario16GetShardIteratorFailsAndIsNeverTakenForTheEnd(t *testing.T) {
	for name, effect := range map[string]fault.Effect{"throttled": fault.Throttle, "5xx": fault.Unavailable, "reset": {Reset: true}} {
		t.Run(name, func(t *testing.T) {
			scenario(t, 2, func(w *world) {
				heal := w.fault(fault.Rule{Operation: "GetShardIterator", Effect: effect})
				r := w.start()
				w.spread(10)
				time.Sleep(3 * time.Minute)
				for id, row := range w.rows() {
					if row.State != stateHeld {
						t.Errorf("shard %s is %q", id, row.State)
					}
				}
				r.unready("shard")
				heal()
				time.Sleep(15 * time.Second)
				r.ready()
				r.stop()
			})
		})
	}
}

func TestScenario17AccessDeniedIsRetriedSlowlyAndShown(t *testing.T) {
	scenario(t, 1, func(w *world) {
		heal := w.fault(fault.Rule{Operation: "GetRecords", Effect: fault.AccessDeniedJSON})
		r := w.start()
		w.spread(5)
		time.Sleep(5 * time.Minute)
		r.unready("User is not authorized")
		if got := w.calls("GetRecords"); got > 12 {
			t.Errorf("%d calls in 5 minutes without permission", got)
		}
		heal()
		time.Sleep(time.Minute)
		r.ready()
		r.stop()
	})
}

func TestScenario18CorruptSequenceNumberBlocksTheShard(t *testing.T) {
	for name, checkpoint := range map[string]string{
		"no position":           "nonsense",
		"of another stream":     Position("1999-01-01T00:00:00.000", "100000000000000000009"),
		"refused by the stream": "2000-01-01T00:00:00.000#" + strings.Repeat("9", 40),
	} {
		t.Run(name, func(t *testing.T) {
			scenario(t, 2, func(w *world) {
				r := w.start()
				w.spread(8)
				time.Sleep(5 * time.Second)
				r.stop()
				victim := w.open()
				_, err := w.db.UpdateItem(w.Context(), &dynamodb.UpdateItemInput{
					TableName: aws.String(leases), Key: store{table: table}.shardKey(shardKey{labelOf(r.Status().Stream), victim}),
					UpdateExpression: aws.String("SET checkpoint = :c"), ExpressionAttributeValues: item{":c": &types.AttributeValueMemberS{Value: checkpoint}},
				})
				w.must(err)
				w.spread(8)
				w.lost = func(r written) bool { return r.Shard == victim }
				before := w.history.delivered()
				r = w.start()
				time.Sleep(2 * time.Minute)
				r.unready("blocked")
				if s := r.shard(victim); s.Blocked == "" {
					t.Errorf("the shard is %+v", s)
				}
				for _, d := range w.history.seen() {
					if d.instance == r.name && d.shard == victim {
						t.Errorf("the shard is read: %v", d)
					}
				}
				if w.history.delivered() == before {
					t.Error("the other shard is not read either")
				}
				r.stop()
				if got := w.rows()[victim].Checkpoint; got != checkpoint {
					t.Errorf("the checkpoint became %q", got)
				}
			})
		})
	}
}

func TestScenario19TooManyReadersAreReported(t *testing.T) {
	scenario(t, 1, func(w *world) {
		r := w.start()
		w.spread(5)
		time.Sleep(5 * time.Second)
		heal := w.fault(fault.Rule{Operation: "GetRecords", Effect: limitExceeded})
		before := w.calls("GetRecords")
		w.spread(5)
		time.Sleep(3 * time.Minute)
		r.unready("too many readers on this shard")
		if got := w.calls("GetRecords") - before; got > 90 {
			t.Errorf("%d calls in 3 minutes: no back-off", got)
		}
		heal()
		time.Sleep(20 * time.Second)
		r.ready()
		r.stop()
	})
}

func TestScenario19OneLimitExceededAfterAnOutageIsNoTooManyReaders(t *testing.T) {
	scenario(t, 1, func(w *world) {
		r := w.start()
		w.spread(5)
		time.Sleep(5 * time.Second)
		heal := w.fault(fault.Rule{Operation: "GetRecords", Effect: fault.Unavailable})
		w.spread(5)
		time.Sleep(2 * time.Minute)
		heal()
		heal = w.fault(fault.Rule{Operation: "GetRecords", Effect: limitExceeded})
		time.Sleep(30 * time.Second)
		if err := r.Ready(); err == nil || strings.Contains(err.Error(), "too many readers") {
			t.Errorf("Ready is %v", err)
		}
		heal()
		time.Sleep(20 * time.Second)
		r.ready()
		r.stop()
	})
}

// TestScenario25WallClocksApartWithAStartTime: two instances, of which one's clock is an hour fast and the other's an
// hour slow.
func TestScenario25WallClocksApartWithAStartTime(t *testing.T) {
	skewed := func(skew time.Duration) func(*Config) {
		return func(c *Config) { c.wall = func() time.Time { return time.Now().Add(skew) } }
	}
	for name, skew := range map[string]time.Duration{"the first is fast": time.Hour, "the first is slow": -time.Hour} {
		for _, start := range []string{"time", "latest"} {
			t.Run(name+", start "+start, func(t *testing.T) {
				scenario(t, 2, func(w *world) {
					w.spread(10)
					time.Sleep(10 * time.Minute)
					begun, want := time.Now(), 30
					from := func(c *Config) { c.Start = begun.Format(time.RFC3339) }
					if start == "latest" {
						from, want = func(c *Config) { c.Start = "latest" }, 20
						time.Sleep(time.Second)
					} else {
						w.spread(10)
						time.Sleep(10 * time.Minute)
					}
					started := time.Now()
					w.lost = func(r written) bool { return r.At.Before(begun) }
					if start == "latest" {
						w.lost = func(r written) bool { return r.At.Before(started) }
					}
					first := w.start(from, skewed(skew))
					time.Sleep(2 * time.Second) // it has all shards now
					second := w.start(from, skewed(-skew))
					time.Sleep(time.Minute)
					w.behave(func(context.Context, []Record) error { return errors.New("down") })
					w.spread(10)
					time.Sleep(time.Minute)
					for _, s := range first.Status().Shards {
						if s.Age > 2*time.Minute || s.Owner != first.Status().Instance {
							t.Errorf("%+v", s)
						}
					}
					w.behave(nil)
					time.Sleep(time.Minute)
					first.ready()
					first.crash()
					w.spread(10)
					time.Sleep(30 * time.Second) // the second takes over, not before the checker allows
					second.ready()
					second.stop()
					if got := w.history.delivered(); got != want {
						t.Errorf("%d records were delivered, want the %d since the start", got, want)
					}
				})
			})
		}
	}
}

func TestScenario39SequenceNumberGrowsADigit(t *testing.T) {
	scenario(t, 1, func(w *world) {
		w.must(w.sandbox.Tables.SetNextSequence(table, strings.Repeat("9", 22)+"7"))
		r := w.start()
		w.spread(3)
		time.Sleep(5 * time.Second)
		r.stop()
		w.spread(7) // from 10^23 on
		r = w.start()
		time.Sleep(5 * time.Second)
		w.spread(3)
		time.Sleep(5 * time.Second)
		r.stop()
		if n := len(w.history.seen()); n > 8 {
			t.Errorf("%d deliveries of 13 records: some were replayed", n)
		}
	})
}
