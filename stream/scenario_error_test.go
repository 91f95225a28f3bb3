package stream

// Scenarios about errors of the stream's calls that last.

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
	limitExceeded = fault.Effect{Error: &fault.Error{Status: 400, Code: "LimitExceededException", Message: "Too many readers"}}
	notFound      = fault.Effect{Error: &fault.Error{Status: 400, Code: "ResourceNotFoundException", Message: "Requested resource not found"}}
)

func TestScenario16GetShardIteratorFailsAndIsNeverTakenForTheEnd(t *testing.T) {
	t.Parallel()
	for name, effect := range map[string]fault.Effect{"throttled": fault.Throttle, "5xx": fault.Unavailable, "reset": {Reset: true}} {
		t.Run(name, func(t *testing.T) {
			scenario(t, 2, func(w *world) {
				heal := w.fault(fault.Rule{Operation: "GetShardIterator", Effect: effect})
				r := w.start()
				w.spread(10)
				time.Sleep(3 * time.Minute)
				for id, row := range w.rows() {
					if row.State != StateHeld {
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
	t.Parallel()
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
	t.Parallel()
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
	t.Parallel()
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
	t.Parallel()
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

// TestStreamThatIsNotFoundButTheTablesOwnIsWaitedFor: nothing ends, and the shards are read on.
func TestStreamThatIsNotFoundButTheTablesOwnIsWaitedFor(t *testing.T) {
	t.Parallel()
	scenario(t, 2, func(w *world) {
		r := w.start()
		w.spread(5)
		time.Sleep(10 * time.Second)
		heal := w.fault(fault.Rule{Operation: "DescribeStream", Effect: notFound})
		time.Sleep(2 * time.Minute)
		w.spread(5)
		time.Sleep(10 * time.Second)
		r.unready("it is still the table's stream")
		if got := w.history.delivered(); got != 10 {
			t.Errorf("%d records were delivered, want 10", got)
		}
		for id, row := range w.rows() {
			if row.State != StateHeld {
				t.Errorf("shard %s is %q", id, row.State)
			}
		}
		heal()
		time.Sleep(80 * time.Second)
		r.ready()
		r.stop()
	})
}

// TestScenario12ShardThatIsListedButNotFoundIsWaitedFor: a listing without it is the only proof that it is gone.
func TestScenario12ShardThatIsListedButNotFoundIsWaitedFor(t *testing.T) {
	t.Parallel()
	scenario(t, 1, func(w *world) {
		r := w.start()
		w.spread(5)
		time.Sleep(5 * time.Second)
		parent := w.open()
		w.lost = func(r written) bool { return r.Shard == parent }
		heal := w.fault(fault.Rule{Operation: "GetRecords", Effect: fault.InternalServerError})
		w.spread(5)
		w.roll(parent)
		w.spread(5)
		w.must(w.sandbox.Tables.Remove(table, parent, true))
		heal()
		listings := w.calls("DescribeStream")
		time.Sleep(5 * time.Minute)
		if s := r.shard(parent); s.State != StateHeld || len(s.Gaps) > 0 {
			t.Errorf("a shard that is still listed is %+v", s)
		}
		if got := w.calls("DescribeStream") - listings; got > 70 {
			t.Errorf("%d listings in 5 minutes: no back-off", got)
		}
		r.unready("Shard does not exist")
		w.must(w.sandbox.Tables.Remove(table, parent, false))
		time.Sleep(time.Minute)
		if s := r.shard(parent); s.State != StateEnded || len(s.Gaps) != 1 {
			t.Errorf("a shard that is listed no more is %+v", s)
		}
		r.ready()
		r.stop()
	})
}

// TestAnswersThatBreakOffAreReadAgain: of each call, whether it took effect or not.
func TestAnswersThatBreakOffAreReadAgain(t *testing.T) {
	t.Parallel()
	for name, effect := range map[string]fault.Effect{"half an answer": {Half: true}, "none": {Drop: true}, "no effect either": {Reset: true}} {
		t.Run(name, func(t *testing.T) {
			scenario(t, 2, func(w *world) {
				w.fault(fault.Rule{Every: 3, Effect: effect, Match: func(c fault.Call) bool { return strings.HasPrefix(c.Client, "reader-") }})
				w.spread(20)
				r := w.start()
				for range 5 {
					w.spread(20)
					w.roll(w.open())
					time.Sleep(time.Minute)
				}
				if s := r.Status(); len(s.Shards) != 2+5 {
					t.Errorf("%d shards are known, want 7", len(s.Shards))
				}
				r.stop()
				if got := len(w.told()) + w.log.FilterMessage("a shard was lost").Len(); got > 0 {
					t.Errorf("%d gaps and lost shards", got)
				}
			})
		})
	}
}

// TestScenario50OneStrayNotFoundBuriesNothing: of the first page of a stream that is off, or of a later one.
func TestScenario50OneStrayNotFoundBuriesNothing(t *testing.T) {
	t.Parallel()
	later := func(c fault.Call) bool { return strings.Contains(string(c.Body), "ExclusiveStartShardId") }
	for name, second := range map[string]bool{"page one": false, "page two": true} {
		t.Run(name, func(t *testing.T) {
			scenario(t, 110, func(w *world) {
				w.slowReads(time.Second)
				r := w.start(w.calm)
				w.spread(100)
				time.Sleep(5 * time.Minute)
				w.behave(func(context.Context, []Record) error { return errors.New("down") })
				w.spread(30)
				w.must(w.sandbox.Tables.DisableStream(table))
				time.Sleep(2 * time.Minute)
				w.fault(fault.Rule{Operation: "DescribeStream", Effect: notFound, Times: 1, Match: func(c fault.Call) bool {
					return !filtered(c) && later(c) == second
				}})
				time.Sleep(10 * time.Minute)
				for id, row := range w.rows() {
					if row.ended() && len(row.Gaps) > 0 {
						t.Fatalf("shard %s was buried: %+v", id, row)
					}
				}
				w.behave(nil)
				time.Sleep(10 * time.Minute)
				if got := w.history.delivered(); got != 130 {
					t.Errorf("%d records were delivered, want 130", got)
				}
				r.ready()
				r.stop()
			})
		})
	}
}

// TestScenario50StrayNotFoundAtTheStart: a stream that is off is asked for again before the start is refused.
func TestScenario50StrayNotFoundAtTheStart(t *testing.T) {
	t.Parallel()
	scenario(t, 1, func(w *world) {
		w.spread(5)
		w.must(w.sandbox.Tables.DisableStream(table))
		w.fault(fault.Rule{Operation: "DescribeStream", Effect: notFound, Times: 1})
		r := w.start()
		time.Sleep(time.Minute)
		r.unready("given up if it stays so")
		time.Sleep(2 * time.Minute)
		r.ready()
		r.stop()
	})
}

// TestNothingWorksAgainBecauseTheReadingEnds: recoveries are told when a call has worked.
func TestNothingWorksAgainBecauseTheReadingEnds(t *testing.T) {
	t.Parallel()
	scenario(t, 2, func(w *world) {
		r := w.start()
		w.spread(4)
		time.Sleep(10 * time.Second)
		w.behave(func(context.Context, []Record) error { return errors.New("down") })
		w.fault(fault.Rule{Operation: "GetRecords", Effect: fault.Unavailable, Match: func(c fault.Call) bool { return shardOf(c.Body) == w.shards()[1].ID }})
		w.fault(fault.Rule{Operation: "DescribeStream", Effect: fault.Unavailable})
		w.lost = func(r written) bool { return r.Value > 4 }
		w.spread(4)
		time.Sleep(2 * time.Minute)
		r.unready("Service is unavailable")
		r.stop()
		if again := w.log.FilterMessageSnippet("works again"); again.Len() > 0 {
			t.Errorf("told to work again: %v", again.All()[0].ContextMap())
		}
	})
}
