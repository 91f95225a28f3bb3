package stream

// Scenarios about reading shards: iterators, positions, and the errors of the stream.

import (
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
		w.fault(fault.Rule{Operation: "GetRecords", Times: 3, Effect: expiredIterator})
		w.spread(5)
		time.Sleep(30 * time.Second)
		if got := w.calls("GetShardIterator"); got > 4 {
			t.Errorf("%d iterators for 3 that expired", got)
		}
		heal := w.fault(fault.Rule{Operation: "GetRecords", Effect: fault.InternalServerError})
		w.spread(5)
		time.Sleep(16 * time.Minute) // the iterator at hand really expires
		heal()
		time.Sleep(10 * time.Second)
		r.ready()
		r.stop()
		if len(w.told()) > 0 {
			t.Errorf("gaps %+v", w.told())
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
		w.spread(5)
		return func(r written) bool { return r.At.Before(now) }
	}
	t.Run("continue", func(t *testing.T) {
		scenario(t, 1, func(w *world) {
			w.lost = old(w)
			r := w.start()
			time.Sleep(5 * time.Second)
			r.stop()
			r = w.start() // the gap is not told again
			time.Sleep(5 * time.Second)
			r.stop()
			if gaps := w.told(); len(gaps) != 1 || gaps[0].After == "" {
				t.Errorf("gaps %+v", gaps)
			}
		})
	})
	t.Run("halt", func(t *testing.T) {
		scenario(t, 1, func(w *world) {
			old(w)
			w.lost = func(written) bool { return true }
			r := w.start(func(c *Config) { c.GapPolicy = "halt" })
			time.Sleep(time.Minute)
			r.unready("older than 24 hours")
			r.stop()
			if got := w.history.delivered(); got != 5 {
				t.Errorf("%d records were delivered, want the 5 before the gap", got)
			}
		})
	})
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

func TestScenario25WallClocksApartByAnHourWithAStartTime(t *testing.T) {
	for name, skew := range map[string]time.Duration{"fast": time.Hour, "slow": -time.Hour} {
		t.Run(name, func(t *testing.T) {
			scenario(t, 2, func(w *world) {
				w.spread(10)
				time.Sleep(10 * time.Minute)
				begun := time.Now()
				w.lost = func(r written) bool { return r.At.Before(begun) }
				w.spread(10)
				time.Sleep(10 * time.Minute)
				r := w.start(func(c *Config) {
					c.Start = begun.Format(time.RFC3339)
					c.wall = func() time.Time { return time.Now().Add(skew) }
				})
				w.spread(10)
				time.Sleep(10 * time.Second)
				if got := w.history.delivered(); got != 20 {
					t.Errorf("%d records were delivered, want the 20 since the start", got)
				}
				for _, s := range r.Status().Shards {
					if s.Age > time.Minute {
						t.Errorf("shard %s is said to be %v behind", s.Shard, s.Age)
					}
				}
				r.ready()
				r.stop()
			})
		})
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
