package stream

// What must be right before reading begins, what ends it, and what operators do to the lease table.

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/google/go-cmp/cmp"

	"inventoryd/internal/attribute"
	"inventoryd/internal/sandbox/fault"
)

// fails waits for the reader's end and checks its error.
func (i *instance) fails(texts ...string) {
	i.world.Helper()
	var err error
	select {
	case err = <-i.done:
	case <-time.After(time.Hour):
		i.world.Fatal("Run goes on")
	}
	for _, text := range texts {
		if err == nil || !strings.Contains(err.Error(), text) {
			i.world.Errorf("Run returned %v, want an error with %q", err, text)
		}
	}
}

func TestStartIsRefusedWithTheRemedy(t *testing.T) {
	t.Parallel()
	remedy := "aws dynamodb update-table --table-name Orders --stream-specification StreamEnabled=true,StreamViewType=NEW_AND_OLD_IMAGES"
	t.Run("view type without new images", func(t *testing.T) {
		scenario(t, 1, func(w *world) {
			w.must(w.sandbox.Tables.DisableStream(table))
			_, err := w.sandbox.Tables.EnableStream(table, "KEYS_ONLY")
			w.must(err)
			w.start().fails("KEYS_ONLY", "disable it first", remedy)
		})
	})
	t.Run("disabled for more than a day", func(t *testing.T) {
		scenario(t, 1, func(w *world) {
			w.must(w.sandbox.Tables.DisableStream(table))
			time.Sleep(25 * time.Hour)
			w.start().fails("table Orders has none", remedy)
		})
	})
	t.Run("never enabled", func(t *testing.T) {
		scenario(t, 1, func(w *world) {
			_, err := w.db.DeleteTable(w.Context(), &dynamodb.DeleteTableInput{TableName: aws.String(table)})
			w.must(err)
			w.createTable(nil)
			w.start().fails("table Orders has none", remedy)
		})
	})
	t.Run("another program's lease table", func(t *testing.T) {
		scenario(t, 1, func(w *world) {
			r := w.start()
			time.Sleep(time.Second)
			r.stop()
			w.start(func(c *Config) { c.App = "other" }).fails(`is read by "inventoryd", not by "other"`, "lease_table")
		})
	})
	t.Run("a lease table that is none", func(t *testing.T) {
		scenario(t, 1, func(w *world) { w.start(func(c *Config) { c.LeaseTable = table }).fails("does not fit", "lease_table") })
	})
	t.Run("lease table that may not be made", func(t *testing.T) {
		scenario(t, 1, func(w *world) {
			w.fault(fault.Rule{Operation: "CreateTable", Effect: fault.AccessDeniedJSON})
			w.start().fails("does not exist and cannot be created", "setup")
		})
	})
}

// TestTablesAndStreamsInTheMakingAreWaitedFor: CREATING and ENABLING.
func TestTablesAndStreamsInTheMakingAreWaitedFor(t *testing.T) {
	t.Parallel()
	scenario(t, 1, func(w *world) {
		w.sandbox.Tables.SetTransition(30 * time.Second)
		w.fault(fault.Rule{Operation: "DescribeTable", Effect: fault.Effect{Delay: 100 * time.Millisecond}}) // the time is up between two looks
		w.reenable(time.Second)
		r := w.start()
		w.spread(3)
		time.Sleep(20 * time.Second)
		r.unready("not read yet")
		time.Sleep(settling + time.Minute) // the stream before is read first
		r.ready()
		r.stop()
	})
}

func TestOutagesAtTheStartAreWaitedOut(t *testing.T) {
	t.Parallel()
	scenario(t, 1, func(w *world) {
		heal := w.fault(fault.Rule{Service: "dynamodb", Client: "reader-1", Effect: fault.AccessDeniedJSON})
		r := w.start()
		w.spread(3)
		time.Sleep(10 * time.Minute)
		r.unready("User is not authorized")
		heal()
		time.Sleep(40 * time.Second)
		r.ready()
		r.stop()
	})
}

func TestLeaseTableThatVanishesEndsTheRun(t *testing.T) {
	t.Parallel()
	scenario(t, 2, func(w *world) {
		r := w.start()
		w.spread(4)
		time.Sleep(10 * time.Second)
		_, err := w.db.DeleteTable(w.Context(), &dynamodb.DeleteTableInput{TableName: aws.String(leases)})
		w.must(err)
		r.fails("the lease table is gone")
	})
}

func TestNewStreamWithoutNewImagesIsNotRead(t *testing.T) {
	t.Parallel()
	scenario(t, 1, func(w *world) {
		r := w.start()
		w.spread(3)
		time.Sleep(5 * time.Second)
		w.must(w.sandbox.Tables.DisableStream(table))
		_, err := w.sandbox.Tables.EnableStream(table, "KEYS_ONLY")
		w.must(err)
		time.Sleep(10 * time.Minute)
		r.unready("KEYS_ONLY")
		r.stop()
	})
}

func TestThiefOfARowIsWaitedForAndTheShardTakenBack(t *testing.T) {
	t.Parallel()
	scenario(t, 1, func(w *world) {
		r := w.start()
		w.spread(3)
		time.Sleep(5 * time.Second)
		shard := w.open()
		row := w.rows()[shard]
		_, err := w.db.UpdateItem(w.Context(), &dynamodb.UpdateItemInput{
			TableName: aws.String(leases), Key: store{table: table}.shardKey(row.key()),
			UpdateExpression: aws.String("SET #o = :o ADD #e :one"), ExpressionAttributeNames: map[string]string{"#o": colOwner, "#e": colEpoch},
			ExpressionAttributeValues: item{":o": attribute.S("thief"), ":one": attribute.N(1)},
		})
		w.must(err)
		w.spread(3)
		time.Sleep(5 * time.Second)
		if got := w.rows()[shard].Owner; got != "thief" {
			t.Errorf("the row is taken back from %q at once", got)
		}
		time.Sleep(30 * time.Second)
		if got := w.rows()[shard].Owner; got == "thief" {
			t.Error("the row of an owner that nobody knows is not taken")
		}
		r.ready()
		r.stop()
	})
}

func TestReaderBuriedByAnotherStartsAnew(t *testing.T) {
	t.Parallel()
	scenario(t, 2, func(w *world) {
		r := w.start()
		w.spread(4)
		time.Sleep(5 * time.Second)
		old := r.Status().Instance
		_, err := w.db.UpdateItem(w.Context(), &dynamodb.UpdateItemInput{
			TableName: aws.String(leases), Key: item{colPK: attribute.S(table + "#instances"), colSK: attribute.S(old)},
			UpdateExpression: aws.String("SET dead = :t"), ExpressionAttributeValues: item{":t": attribute.Bool(true)},
		})
		w.must(err)
		w.spread(4)
		time.Sleep(10 * time.Second)
		w.spread(4)
		time.Sleep(5 * time.Second)
		if now := r.Status().Instance; now == old {
			t.Error("it goes on under its old name")
		}
		r.ready()
		r.stop()
	})
}

func TestListAndReset(t *testing.T) {
	t.Parallel()
	scenario(t, 2, func(w *world) {
		r := w.start()
		w.spread(10)
		time.Sleep(5 * time.Second)
		if _, err := Reset(w.Context(), w.db, leases, table, ResetOptions{}); err == nil || !strings.Contains(err.Error(), "stop it first") {
			t.Errorf("reset under a running reader: %v", err)
		}
		r.stop()
		listed, err := List(w.Context(), w.db, leases, table)
		w.must(err)
		want := r.Status()
		want.Instance, want.Leader = "", ""
		for i := range want.Shards {
			want.Shards[i].Age, want.Shards[i].AtTip = 0, false
			listed.Shards[i].Age = 0
		}
		if diff := cmp.Diff(want, listed); diff != "" {
			t.Errorf("List differs from the reader's own status: %s", diff)
		}
		one := listed.Shards[0].Shard
		if _, err := Reset(w.Context(), w.db, leases, table, ResetOptions{Shards: []string{one, "nonsense"}}); err == nil || !strings.Contains(err.Error(), "no row of shard nonsense") {
			t.Errorf("reset of a shard that is not there: %v", err)
		}
		before := len(w.history.seen())
		r = w.start()
		time.Sleep(5 * time.Second)
		r.stop()
		for _, d := range w.history.seen()[before:] {
			if d.shard != one {
				t.Errorf("another shard is read again: %v", d.shard)
			}
		}
		if len(w.history.seen()) == before {
			t.Error("the shard is not read again")
		}
	})
}

func TestSettingsAreChecked(t *testing.T) {
	if err := DefaultConfig().Validate(); err != nil {
		t.Errorf("the defaults are refused: %v", err)
	}
	wrong := Config{Start: "yesterday", LeaseDuration: time.Second, IdlePoll: time.Hour, Memory: 1, PoisonPolicy: "divert", GapPolicy: "panic"}
	err := wrong.Validate()
	for _, text := range []string{
		`start: is "yesterday"; it must be`, "lease_table: is empty", "lease_duration: is 1s; the least is 2s", "idle_poll: is 1h0m0s",
		"memory: is 1B; the least is 4MiB", "max_attempts: is 0", "on_poison: is divert, which needs dead_letter_queue", `on_gap: is "panic"`,
	} {
		if err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("%v\nlacks %q", err, text)
		}
	}
	if _, err := New(nil, nil, table, nil, wrong); err == nil {
		t.Error("New takes what is wrong")
	}
	config := DefaultConfig()
	if _, err := New(nil, nil, table, nil, config); err == nil || !strings.Contains(err.Error(), "Config.App") {
		t.Errorf("no name of the program: %v", err)
	}
	config.App = "test"
	config.DeadLetterQueue = "queue"
	if _, err := New(nil, nil, table, nil, config); err == nil || !strings.Contains(err.Error(), "Config.Divert") {
		t.Errorf("a queue without its client: %v", err)
	}
}

func TestStopDuringTheStartIsNoError(t *testing.T) {
	t.Parallel()
	scenario(t, 1, func(w *world) {
		w.fault(fault.Rule{Service: "dynamodb", Client: "reader-1", Effect: fault.Unavailable})
		r := w.start()
		time.Sleep(time.Minute)
		r.stop()
	})
}

// TestLoopsTickAlsoInOutages: whoever watches the loops sees each of them at least every 11 s: a call may take 10.
func TestLoopsTickAlsoInOutages(t *testing.T) {
	t.Parallel()
	scenario(t, 150, func(w *world) {
		var mu sync.Mutex
		last, widest := map[string]time.Time{}, map[string]time.Duration{}
		seen := func(name string) {
			mu.Lock()
			defer mu.Unlock()
			if at, ok := last[name]; ok {
				widest[name] = max(widest[name], time.Since(at))
			}
			last[name] = time.Now()
		}
		r := w.start(rarely, func(c *Config) {
			c.Loop = func(name string) (tick, done func()) {
				seen(name)
				return func() { seen(name) }, func() { mu.Lock(); defer mu.Unlock(); delete(last, name) }
			}
		})
		time.Sleep(time.Minute)
		for _, f := range []fault.Rule{
			{Operation: "DescribeStream", Client: r.name, Effect: fault.Effect{Hang: true}},
			{Operation: "DescribeTable", Client: r.name, Effect: fault.AccessDeniedJSON},
			{Service: "dynamodb", Client: r.name, Effect: fault.Throttle},
		} {
			heal := w.fault(f)
			time.Sleep(5 * time.Minute)
			heal()
			time.Sleep(time.Minute)
		}
		r.stop()
		for _, name := range []string{"stream", "stream.discovery", "stream.watch"} {
			if gap, ok := widest[name]; !ok || gap > 11*time.Second {
				t.Errorf("loop %s did not tick for %v", name, gap)
			}
		}
		if len(last) > 0 {
			t.Errorf("loops that are not done: %v", last)
		}
	})
}
