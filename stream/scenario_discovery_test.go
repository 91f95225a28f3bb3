package stream

// Scenarios about finding shards: lineage, listings and their faults.

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"inventoryd/internal/sandbox/fault"
)

func TestScenario01SplitChildrenStartAfterTheParentsLastRecord(t *testing.T) {
	t.Parallel()
	scenario(t, 1, func(w *world) {
		w.spread(10)
		children, err := w.sandbox.Tables.Split(table, w.open())
		w.must(err)
		w.survey()
		w.spread(20)
		w.behave(slow(5 * time.Second))
		r := w.start() // its first listing shows parent and children
		time.Sleep(4 * time.Second)
		for _, child := range children {
			if s := r.shard(child); s.State != StateWaiting {
				t.Errorf("child %s is %q while its parent's records are being handled", child, s.State)
			}
		}
		time.Sleep(16 * time.Second)
		r.ready()
		for _, child := range children {
			if s := r.shard(child); s.State != StateHeld || s.Checkpoint == "" {
				t.Errorf("child %s: %+v", child, s)
			}
		}
		r.stop()
	})
}

// slow is a handler that takes its time.
func slow(d time.Duration) func(context.Context, []Record) error {
	return func(context.Context, []Record) error { time.Sleep(d); return nil }
}

func TestScenario02ChainOfRolloversEachGenerationIsRead(t *testing.T) {
	t.Parallel()
	scenario(t, 1, func(w *world) {
		w.spread(3)
		for range 3 { // before the reader's start
			w.roll(w.open())
			w.spread(3)
		}
		r := w.start()
		for range 3 { // while it runs
			time.Sleep(time.Minute)
			w.roll(w.open())
			w.spread(3)
		}
		time.Sleep(10 * time.Second)
		if got := len(r.Status().Shards); got != 7 {
			t.Errorf("%d shards are known, want 7", got)
		}
		r.stop()
	})
}

func TestScenario03ChildListedWhileTheParentIsOpenWaits(t *testing.T) {
	t.Parallel()
	scenario(t, 1, func(w *world) {
		parent := w.open()
		children, err := w.sandbox.Tables.Announce(table, parent, 2)
		w.must(err)
		r := w.start()
		for range 10 {
			w.spread(3)
			time.Sleep(20 * time.Second)
		}
		for _, child := range children {
			if s := r.shard(child); s.State != StateWaiting {
				t.Errorf("child %s is %q while its parent is open", child, s.State)
			}
		}
		_, err = w.sandbox.Tables.Split(table, parent)
		w.must(err)
		w.spread(6)
		time.Sleep(10 * time.Second)
		r.stop()
	})
}

// TestScenario04ChildInvisibleForThreeMinutesIsFound: by asking for it, and by the listing where that does not help.
func TestScenario04ChildInvisibleForThreeMinutesIsFound(t *testing.T) {
	t.Parallel()
	const lag = 3 * time.Minute
	for name, c := range map[string]struct {
		fails  func(fault.Call) bool
		within time.Duration // after it became visible
	}{
		"by asking":      {func(c fault.Call) bool { return !filtered(c) }, 61 * time.Second},
		"by the listing": {filtered, 75 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			scenario(t, 1, func(w *world) {
				r := w.start()
				w.spread(3)
				time.Sleep(5 * time.Second)
				w.must(w.sandbox.Tables.SetListingLag(table, lag))
				child := w.roll(w.open())
				w.spread(5)
				w.fault(fault.Rule{Operation: "DescribeStream", Match: c.fails, Effect: fault.InternalServerError})
				time.Sleep(lag)
				if s := r.shard(child); s.Shard != "" {
					t.Fatalf("the child is known too soon: %+v", s)
				}
				time.Sleep(c.within)
				if s := r.shard(child); s.Checkpoint == "" {
					t.Errorf("%v after it became visible the child is %+v", c.within, s)
				}
				r.stop()
			})
		})
	}
}

// filtered matches the calls that ask for the children of one shard.
func filtered(c fault.Call) bool { return strings.Contains(string(c.Body), "ShardFilter") }

func TestScenario05LastPageHoldsRecordsAndNoIterator(t *testing.T) {
	t.Parallel()
	scenario(t, 1, func(w *world) {
		r := w.start()
		time.Sleep(30 * time.Second)
		shard := w.open()
		w.spread(7)
		w.roll(shard) // before the next read: its page holds the records and no iterator
		time.Sleep(3 * time.Second)
		if s := r.shard(shard); s.State != StateEnded {
			t.Errorf("the shard is %+v", s)
		}
		r.stop()
	})
}

// rarely has a quiet shard read every minute only, where there are hundreds of them; with slow reads that is so soon.
// rarely has the reader read quiet shards as seldom as may be, also after a new iterator.
func rarely(c *Config) { c.IdlePoll, c.tip = time.Minute, 3 }

func (w *world) slowReads(d time.Duration) {
	w.fault(fault.Rule{Operation: "GetRecords", Effect: fault.Effect{Delay: d}})
}

func TestScenario06ShardsOfThreePagesAreFoundWithinTheBudget(t *testing.T) {
	t.Parallel()
	scenario(t, 250, func(w *world) {
		w.slowReads(5 * time.Second)
		r := w.start(rarely)
		time.Sleep(10 * time.Second)
		if got := len(r.Status().Shards); got != 250 {
			t.Errorf("%d shards are known, want 250", got)
		}
		w.spread(300)
		time.Sleep(3 * time.Minute)
		if got, most := w.calls("DescribeStream"), 3*5; got > most { // a listing each 48 s at the most
			t.Errorf("%d calls of DescribeStream in 190 s, want at most %d", got, most)
		}
		r.stop()
	})
}

// perSecond fails if an operation was called more often than that within any second.
func (w *world) perSecond(operation string, most int) {
	w.Helper()
	w.history.mu.Lock()
	defer w.history.mu.Unlock()
	times := w.history.operations[operation]
	for i := range times {
		if j := i + most; j < len(times) && times[j].Sub(times[i]) < time.Second-time.Microsecond { // the limiter counts in floats
			w.Errorf("more than %d calls of %s within %v from %v on", most, operation, times[j].Sub(times[i]), times[i].Format(time.TimeOnly))
			return
		}
	}
}

func TestScenario07ManyShardsWithFaultsOnSomeMakeSteadyProgress(t *testing.T) {
	t.Parallel()
	scenario(t, 700, func(w *world) {
		w.spread(1400)
		sick := map[string]bool{}
		for i, s := range w.shards() {
			sick[s.ID] = i%10 == 0
		}
		heal := w.fault(fault.Rule{Operation: "GetRecords", Effect: fault.InternalServerError, Match: func(c fault.Call) bool {
			return sick[shardOf(c.Body)]
		}})
		w.fault(fault.Rule{Operation: "GetShardIterator", Every: 7, Effect: fault.Throttle})
		w.fault(fault.Rule{Operation: "DescribeStream", Every: 3, Effect: fault.InternalServerError})
		w.fault(fault.Rule{Operation: "UpdateItem", Client: "reader-1", Every: 11, Effect: fault.ThroughputExceeded})
		w.slowReads(time.Second)
		r := w.start(rarely)
		time.Sleep(time.Minute)
		for _, s := range r.Status().Shards {
			if !sick[s.Shard] && s.State != StateHeld {
				t.Fatalf("healthy shard %s is %q after a minute", s.Shard, s.State)
			}
		}
		if got := w.history.delivered(); got < 1200 {
			t.Errorf("%d records were delivered after a minute", got)
		}
		heal()
		time.Sleep(90 * time.Second)
		r.stop()
		w.perSecond("DescribeStream", describeRate)
	})
}

func TestScenario08SecondPageThrottledKeepsTheFirstAndDeletesNothing(t *testing.T) {
	t.Parallel()
	scenario(t, 150, func(w *world) {
		w.slowReads(5 * time.Second)
		const old = "shardId-00000000000000000001-00000001"
		w.plant(shardRow{ID: old, State: StateEnded, Checkpoint: ended, Progress: Progress{Ended: time.Now().Add(-keepEnded - time.Hour)}})
		second := func(c fault.Call) bool { return strings.Contains(string(c.Body), "ExclusiveStartShardId") }
		heal := w.fault(fault.Rule{Operation: "DescribeStream", Match: second, Effect: fault.Throttle})
		r := w.start(rarely)
		w.spread(400)
		time.Sleep(time.Minute)
		rows := w.rows()
		if got := len(rows); got != 100+1 {
			t.Errorf("%d rows after a minute of throttling, want the first page's 100 and an old one", got)
		}
		for id, row := range rows {
			if row.State != StateHeld && id != old {
				t.Fatalf("shard %s of the first page is %q", id, row.State)
			}
		}
		r.unready("Rate exceeded")
		heal()
		time.Sleep(30 * time.Second) // the listing has come to its end: each page was answered at last
		if rows := w.rows(); len(rows) != 150 {
			t.Errorf("%d rows, want 150 after a complete listing", len(rows))
		}
		r.ready()
		r.stop()
	})
}

func TestScenario09ListingThatRepeatsItsCursorIsIncomplete(t *testing.T) {
	t.Parallel()
	scenario(t, 250, func(w *world) {
		w.must(w.sandbox.Tables.RepeatCursors(table, 100))
		w.slowReads(5 * time.Second)
		r := w.start(rarely)
		time.Sleep(2 * time.Minute)
		if got := w.calls("DescribeStream"); got > 12 {
			t.Errorf("%d calls of DescribeStream in 2 minutes: the listing goes round", got)
		}
		r.unready("repeats its cursor")
		w.must(w.sandbox.Tables.RepeatCursors(table, 0))
		w.spread(500)
		time.Sleep(2 * time.Minute)
		r.ready()
		r.stop()
	})
}

func TestScenario14ParentTrimmedBeforeItWasSeen(t *testing.T) {
	t.Parallel()
	scenario(t, 1, func(w *world) {
		parent := w.open()
		w.roll(parent)
		w.spread(5)
		w.must(w.sandbox.Tables.Remove(table, parent, false))
		r := w.start()
		time.Sleep(10 * time.Second)
		r.stop()
	})
}

func TestScenario15ParentWithoutARowThatIsListedHoldsTheChild(t *testing.T) {
	t.Parallel()
	scenario(t, 1, func(w *world) {
		parent := w.open()
		w.behave(func(context.Context, []Record) error { return errors.New("down") })
		r := w.start()
		w.spread(5)
		child := w.roll(parent)
		w.spread(5)
		time.Sleep(2 * time.Minute)
		r.stop()
		w.behave(nil)
		_, err := w.db.DeleteItem(w.Context(), &dynamodb.DeleteItemInput{
			TableName: aws.String(leases), Key: store{table: table}.shardKey(shardKey{labelOf(r.Status().Stream), parent}),
		})
		w.must(err)
		heal := w.fault(fault.Rule{Operation: "UpdateItem", Effect: fault.ThroughputExceeded, Match: func(c fault.Call) bool {
			return strings.Contains(string(c.Body), "#"+parent)
		}})
		r = w.start()
		time.Sleep(2 * time.Minute)
		if rows := w.rows(); rows[parent].ID != "" || rows[child].ID == "" {
			t.Errorf("parent %+v, child %+v", rows[parent], rows[child])
		}
		if n := w.history.delivered(); n > 0 {
			t.Errorf("%d records were delivered", n)
		}
		heal()
		time.Sleep(time.Minute)
		r.ready()
		r.stop()
	})
}

func TestScenario21CrashBetweenTheEndAndTheChildrensRows(t *testing.T) {
	t.Parallel()
	golden(t, "21", 1, func(w *world) {
		r := w.start()
		w.spread(5)
		time.Sleep(5 * time.Second)
		w.fault(fault.Rule{Operation: "DescribeStream", Client: r.name, Effect: fault.Effect{Reset: true}})
		parent := w.open()
		child := w.roll(parent)
		time.Sleep(5 * time.Second)
		r.crash()
		if rows := w.rows(); rows[parent].State != StateEnded || rows[child].ID != "" {
			t.Fatalf("the crash comes at the wrong time: %+v", rows)
		}
		w.spread(5)
		r = w.start()
		time.Sleep(takeOver) // what nobody has is given away by a leader, and the one that crashed leads until it is dead
		r.stop()
	})
}

// TestScenario49ThrottledPageThatIsThenAnsweredLeavesTheListingComplete: absence is proven, and nothing is asked for
// again.
func TestScenario49ThrottledPageThatIsThenAnsweredLeavesTheListingComplete(t *testing.T) {
	t.Parallel()
	answered := func(throttled bool) (calls int) {
		scenario(t, 150, func(w *world) {
			w.slowReads(5 * time.Second)
			const old = "shardId-00000000000000000001-00000001"
			w.plant(shardRow{ID: old, State: StateEnded, Checkpoint: ended, Progress: Progress{Ended: time.Now().Add(-keepEnded - time.Hour)}})
			parent := w.open()
			w.roll(parent)
			w.must(w.sandbox.Tables.Remove(table, parent, false)) // a child waits for the proof that it is gone
			if throttled {
				n := 0
				w.fault(fault.Rule{Operation: "DescribeStream", Effect: fault.Throttle, Match: func(c fault.Call) bool {
					if filtered(c) || !strings.Contains(string(c.Body), "ExclusiveStartShardId") {
						return false
					}
					n++
					return n%2 == 1
				}})
			}
			r := w.start(w.calm)
			time.Sleep(time.Minute)
			w.spread(300)
			time.Sleep(time.Hour)
			if rows := w.rows(); len(rows) != 150 {
				t.Errorf("%d rows, want 150: an absent shard's is still there, or a shard's is missing", len(rows))
			}
			r.ready()
			r.stop()
			calls = len(w.history.answered["DescribeStream"])
		})
		return calls
	}
	undisturbed, disturbed := answered(false), answered(true)
	t.Logf("DescribeStream answered %d times undisturbed, %d times with a throttled page in each listing", undisturbed, disturbed)
	if disturbed > undisturbed*11/10 {
		t.Errorf("DescribeStream was answered %d times, %d undisturbed", disturbed, undisturbed)
	}
}

// TestNoRowIsMadeFromAnOldPage: what it shows may be long gone.
func TestNoRowIsMadeFromAnOldPage(t *testing.T) {
	t.Parallel()
	scenario(t, 2, func(w *world) {
		shard := w.open()
		heal := w.fault(fault.Rule{Operation: "UpdateItem", Client: "reader-1", Effect: fault.Throttle, Match: func(c fault.Call) bool {
			return strings.Contains(string(c.Body), "#"+shard)
		}})
		r := w.start()
		time.Sleep(9 * time.Minute)
		w.roll(shard)
		w.must(w.sandbox.Tables.Remove(table, shard, false))
		time.Sleep(2 * time.Minute)
		heal()
		time.Sleep(2 * time.Minute)
		if row, ok := w.rows()[shard]; ok {
			t.Errorf("a row was made of a shard that was listed 11 minutes ago: %+v", row)
		}
		r.ready()
		r.stop()
	})
}
