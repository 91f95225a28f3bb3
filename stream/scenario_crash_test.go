package stream

// Scenarios about crashes, restarts and the lease table.

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"

	"inventoryd/internal/sandbox/fault"
)

// checkpointing matches the writes of checkpoints.
func checkpointing(c fault.Call) bool {
	return c.Operation == "UpdateItem" && strings.Contains(string(c.Body), `":checkpoint"`)
}

func TestScenario20CrashBetweenHandlingAndCheckpoint(t *testing.T) {
	t.Parallel()
	scenario(t, 2, func(w *world) {
		r := w.start()
		w.spread(10)
		time.Sleep(5 * time.Second)
		w.fault(fault.Rule{Client: r.name, Match: checkpointing, Effect: fault.InternalServerError})
		w.spread(10)
		time.Sleep(2 * time.Second)
		r.crash()
		before := len(w.history.seen())
		w.spread(4)
		r = w.start()
		time.Sleep(20 * time.Second)
		again := 0
		for _, d := range w.history.seen()[before:] {
			again += len(d.records)
		}
		if again != 14 {
			t.Errorf("%d records were delivered after the crash, want the 10 without a checkpoint and 4 new ones", again)
		}
		r.ready()
		r.stop()
	})
}

func TestScenario20TakesOverWithinTheLeaseAfterACrash(t *testing.T) {
	t.Parallel()
	golden(t, "20", 4, func(w *world) {
		r := w.start()
		w.spread(20)
		time.Sleep(30 * time.Second)
		r.crash()
		w.spread(20)
		r = w.start()
		time.Sleep(15*time.Second + time.Second)
		if got := w.history.delivered(); got != 40 {
			t.Errorf("%d records were delivered 16 s after the crash, want 40", got)
		}
		r.stop()
	})
}

// TestScenario22WriteCommittedAndItsAnswerLost: the checkpoint, and each other row that is written on a shard's way.
func TestScenario22WriteCommittedAndItsAnswerLost(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"checkpoint": `":checkpoint"`, "claim": ":confirmed", "attempt": `":attempts"`, "end": `":ended_at"`, "child of its parent": "ADD #children",
		"row of a shard": `":label"`, "row of the stream": `":app"`, "release": `"ready"`, "heartbeat": "ADD #counter",
	} {
		t.Run(name, func(t *testing.T) {
			scenario(t, 1, func(w *world) {
				lost := 0
				w.fault(fault.Rule{Operation: "UpdateItem", Times: 3, Match: func(c fault.Call) bool {
					return strings.HasPrefix(c.Client, "reader-") && strings.Contains(string(c.Body), text)
				}, Effect: fault.Effect{Drop: true, Do: func() { lost++ }}})
				var attempts atomic.Int32
				w.behave(poisoned("item-1", &attempts))
				r := w.start(withQueue, func(c *Config) { c.MaxAttempts = 2 })
				w.spread(3)
				time.Sleep(5 * time.Second)
				w.roll(w.open())
				w.spread(3)
				time.Sleep(30 * time.Second)
				r.ready()
				r.stop()
				if lost == 0 {
					t.Error("no answer was lost")
				}
				if w.log.FilterMessage("a shard was lost").Len() > 0 {
					t.Error("a lost answer is taken for a lost shard")
				}
				delivered := 0
				for _, d := range w.history.seen() {
					delivered += d.handled
				}
				if delivered != 4 || attempts.Load() != 4 || len(w.letters()) != 2 {
					t.Errorf("4 good records were handled %d times, 2 bad ones tried %d times", delivered, attempts.Load())
				}
				for id, row := range w.rows() {
					if row.Owner != "" || row.Epoch != 1 {
						t.Errorf("shard %s has the owner %q after %d claims", id, row.Owner, row.Epoch)
					}
				}
			})
		})
	}
}

func TestScenario27LeaseTableDownForAMinute(t *testing.T) {
	t.Parallel()
	golden(t, "27", 2, func(w *world) {
		r := w.start()
		w.spread(10)
		time.Sleep(5 * time.Second)
		heal := w.fault(fault.Rule{Service: "dynamodb", Client: r.name, Effect: fault.Unavailable})
		time.Sleep(20 * time.Second)
		before := len(w.history.seen())
		w.spread(10)
		time.Sleep(40 * time.Second)
		if len(w.history.seen()) != before {
			t.Error("the handler is called although the lease has lapsed")
		}
		r.unready("heartbeat")
		heal()
		time.Sleep(10 * time.Second)
		r.ready()
		r.stop()
	})
}

func TestScenario33RowDeletedUnderItsHolder(t *testing.T) {
	t.Parallel()
	golden(t, "33", 2, func(w *world) {
		metrics := sdkmetric.NewManualReader()
		r := w.start(func(c *Config) { c.Meter = sdkmetric.NewMeterProvider(sdkmetric.WithReader(metrics)).Meter("stream") })
		w.spread(10)
		time.Sleep(5 * time.Second)
		victim := w.open()
		_, err := w.db.DeleteItem(w.Context(), &dynamodb.DeleteItemInput{
			TableName: aws.String(leases), Key: store{table: table}.shardKey(shardKey{labelOf(r.Status().Stream), victim}),
		})
		w.must(err)
		w.spread(10)
		time.Sleep(20 * time.Second)
		if row := w.rows()[victim]; row.State != StateHeld || !row.started() {
			t.Errorf("the row is %+v", row)
		}
		if w.log.FilterMessageSnippet("row of a shard is missing").Len() != 1 {
			t.Error("the loss of the row is not logged")
		}
		if got := values(t, metrics)["leases.lost"]; got != 1 {
			t.Errorf("%v leases are counted as lost, want 1", got)
		}
		w.spread(10)
		time.Sleep(5 * time.Second)
		r.ready()
		r.stop()
	})
}

func TestScenario36StartLatestThenACrashBeforeTheFirstCheckpointAndARollover(t *testing.T) {
	t.Parallel()
	scenario(t, 1, func(w *world) {
		w.spread(5)
		time.Sleep(time.Minute)
		begun := time.Now()
		w.lost = func(r written) bool { return r.At.Before(begun) }
		latest := func(c *Config) { c.Start = "latest" }
		r := w.start(latest)
		w.fault(fault.Rule{Client: r.name, Match: checkpointing, Effect: fault.InternalServerError})
		time.Sleep(5 * time.Second)
		w.spread(5)
		time.Sleep(5 * time.Second)
		r.crash()
		w.spread(5)
		w.roll(w.open())
		w.spread(5)
		time.Sleep(time.Hour)
		r = w.start(latest)
		time.Sleep(30 * time.Second)
		if got := w.history.delivered(); got != 15 {
			t.Errorf("%d records were delivered, want the 15 since the first start", got)
		}
		r.stop()
	})
}

func TestScenario40RowOfAnEndedShardOutlivesAStaleListing(t *testing.T) {
	t.Parallel()
	scenario(t, 1, func(w *world) {
		r := w.start(w.calm)
		w.spread(5)
		parent := w.open()
		w.roll(parent)
		w.spread(5)
		time.Sleep(10 * time.Hour)
		w.must(w.sandbox.Tables.Hide(table, parent, 4*time.Hour)) // then it is listed again, and can still be read
		time.Sleep(2 * time.Hour)
		r.stop()
		iterators := w.calls("GetShardIterator")
		r = w.start(w.calm)
		time.Sleep(4 * time.Hour)
		if row := w.rows()[parent]; row.State != StateEnded {
			t.Errorf("after a listing without it and one with it the row is %+v", row)
		}
		time.Sleep(7 * time.Hour)
		w.must(w.sandbox.Tables.Remove(table, parent, true)) // listed on and on, although its records are gone
		time.Sleep(27 * time.Hour)
		if row := w.rows()[parent]; row.State != StateEnded {
			t.Errorf("the row of a listed shard is %+v after 50 h", row)
		}
		w.must(w.sandbox.Tables.Remove(table, parent, false))
		time.Sleep(10 * time.Minute)
		if row, ok := w.rows()[parent]; ok {
			t.Errorf("the row of a shard that is listed no more is still there: %+v", row)
		}
		r.ready()
		r.stop()
		if n := len(w.history.seen()); n > 10 {
			t.Errorf("%d deliveries of 10 records: some were replayed", n)
		}
		if got := w.calls("GetShardIterator"); got != iterators+1 { // the child's, after the restart
			t.Errorf("%d iterators were opened", got-iterators)
		}
		if len(w.told()) > 0 {
			t.Errorf("gaps %+v", w.told())
		}
	})
}

func TestScenario42HandlersDependencyDownForAnHour(t *testing.T) {
	t.Parallel()
	scenario(t, 3, func(w *world) {
		var down atomic.Bool
		w.behave(func(_ context.Context, batch []Record) error {
			if down.Load() {
				return FailedAt(len(batch)/2, errors.New("down"))
			}
			return nil
		})
		r := w.start(withQueue)
		w.spread(20)
		time.Sleep(5 * time.Second)
		down.Store(true)
		w.spread(20)
		for range 6 {
			time.Sleep(10 * time.Minute)
			r.unready("handler of shard")
		}
		down.Store(false)
		time.Sleep(time.Minute)
		r.ready()
		r.stop()
		if letters := w.letters(); len(letters) > 0 {
			t.Errorf("%d records were diverted", len(letters))
		}
	})
}
