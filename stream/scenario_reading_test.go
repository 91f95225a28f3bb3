package stream

// Scenarios about reading shards: iterators and positions.

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"inventoryd/internal/attribute"
	"inventoryd/internal/sandbox/fault"
)

var expiredIterator = fault.Effect{Error: &fault.Error{Status: 400, Code: "ExpiredIteratorException", Message: "The shard iterator has expired"}}

func TestScenario10IteratorExpiresMidRead(t *testing.T) {
	t.Parallel()
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
	t.Parallel()
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
	t.Parallel()
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
	t.Parallel()
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
		if s := r.shard(parent); s.State != StateEnded || len(s.Gaps) != 1 {
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

// TestScenario25WallClocksApartWithAStartTime: two instances, of which one's clock is an hour fast and the other's an
// hour slow.
func TestScenario25WallClocksApartWithAStartTime(t *testing.T) {
	t.Parallel()
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
					from := func(c *Config) { c.Start = StartAt(begun) }
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
					time.Sleep(2 * time.Second)
					second := w.start(from, skewed(-skew))
					time.Sleep(time.Minute)
					w.behave(func(context.Context, []Record) error { return errors.New("down") })
					w.spread(10)
					time.Sleep(time.Minute)
					for _, s := range first.Status().Shards {
						if s.Age > 2*time.Minute {
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

// TestSequenceNumbersAreGivenBackAsTheyAreSpelled: with their leading zeros.
func TestSequenceNumbersAreGivenBackAsTheyAreSpelled(t *testing.T) {
	t.Parallel()
	scenario(t, 1, func(w *world) {
		w.must(w.sandbox.Tables.SetNextSequence(table, strings.Repeat("0", 12)+"100000000000000000500"))
		strict := w.fault(fault.Rule{Operation: "GetShardIterator", Effect: trimmedAway, Match: func(c fault.Call) bool {
			var in struct{ SequenceNumber string }
			w.must(json.Unmarshal(c.Body, &in))
			return in.SequenceNumber != "" && len(in.SequenceNumber) != 33
		}})
		defer strict()
		r := w.start()
		w.spread(3)
		time.Sleep(5 * time.Second)
		r.stop()
		w.spread(3)
		r = w.start()
		time.Sleep(5 * time.Second)
		if s := r.shard(w.open()); len(s.Checkpoint) != 33 {
			t.Errorf("the shard shows the checkpoint %s", s.Checkpoint)
		}
		r.ready()
		r.stop()
		if got := w.history.delivered(); got != 6 || len(w.told()) > 0 {
			t.Errorf("%d records, gaps %+v", got, w.told())
		}
	})
}

var trimmedAway = fault.Effect{Error: &fault.Error{Status: 400, Code: "TrimmedDataAccessException", Message: "trimmed"}}

// TestTrimmedAnswerOnAYoungShardIsNoGap: one stand-in gives it where nothing was ever written.
func TestTrimmedAnswerOnAYoungShardIsNoGap(t *testing.T) {
	t.Parallel()
	scenario(t, 1, func(w *world) {
		w.fault(fault.Rule{Operation: "GetShardIterator", Times: 2, Effect: trimmedAway})
		w.fault(fault.Rule{Operation: "GetRecords", Times: 2, Effect: trimmedAway})
		r := w.start()
		w.spread(3)
		time.Sleep(30 * time.Second)
		r.ready()
		r.stop()
		if len(w.told()) > 0 {
			t.Errorf("gaps %+v", w.told())
		}
	})
}

// TestScenario59HostClocksADayApart: both ways. Nothing expires, no gap is told, and the records that count are read.
func TestScenario59HostClocksADayApart(t *testing.T) {
	t.Parallel()
	for _, hours := range []int{-26, 26} {
		t.Run(fmt.Sprint(hours, " hours"), func(t *testing.T) {
			scenario(t, 2, func(w *world) {
				skewed := func(d time.Duration) func(*Config) {
					return func(c *Config) { c.wall = func() time.Time { return time.Now().Add(d) } }
				}
				skew := time.Duration(hours) * time.Hour
				meter, read := metered(t)
				r := w.start(skewed(skew), meter)
				w.spread(10)
				time.Sleep(time.Minute)
				if row, _, err := (store{w.db, leases, table}).stream(w.Context()); err != nil || time.Since(row.Since).Abs() > 2*time.Minute {
					t.Errorf("the reading began at %v, %v", row.Since, err)
				}
				time.Sleep(time.Minute)
				if age := read()["iterator.age"]; age != 0 {
					t.Errorf("iterator.age is %v", age)
				}
				w.must(w.expiries(func(at time.Time) bool { return time.Until(at) > time.Hour && time.Until(at) < 48*time.Hour }))
				r.stop()
				r = w.start(skewed(-skew))
				w.roll(w.open()) // of the child nothing but its age tells what may have been lost
				w.spread(10)
				time.Sleep(2 * time.Minute)
				w.must(w.expiries(func(at time.Time) bool { return time.Until(at) > time.Hour && time.Until(at) < 48*time.Hour }))
				r.ready()
				r.stop()
				if got := w.history.delivered(); got != 20 || len(w.told()) > 0 {
					t.Errorf("%d records, gaps %+v", got, w.told())
				}
			})
		})
	}
}

// expiries checks when the rows of the lease table expire that do.
func (w *world) expiries(good func(time.Time) bool) error {
	out, err := w.db.Scan(w.Context(), &dynamodb.ScanInput{TableName: aws.String(leases)})
	if err != nil {
		return err
	}
	found := false
	for _, row := range out.Items {
		if n := attribute.Int(row["expires"]); n > 0 {
			found = true
			if at := time.Unix(n, 0); !good(at) {
				return fmt.Errorf("a row expires at %v, now is %v: %v", at, time.Now(), readable(row))
			}
		}
	}
	if !found {
		return errors.New("no row expires")
	}
	return nil
}

func TestScenario39SequenceNumberGrowsADigit(t *testing.T) {
	t.Parallel()
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
