package stream

import (
	"context"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"

	"inventoryd/internal/sandbox"
)

// TestADayOfRolloversGrowsNeitherHeapNorGoroutines: 24 hours, in which each of two shards rolls over six times, after the
// two days for which the rows of shards that have ended are kept.
func TestADayOfRolloversGrowsNeitherHeapNorGoroutines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{TB: t, sandbox: sandbox.New()} // without a history, which would grow
		w.db = dynamodb.NewFromConfig(w.sandbox.Config("writer"))
		w.sandbox.Tables.SetShards(2)
		w.createTable(bothImages)
		config := DefaultConfig()
		config.App = "inventoryd"
		w.calm(&config)
		var handled atomic.Int64
		cfg := w.sandbox.Config("reader")
		tables := quickTables{dynamodb.NewFromConfig(cfg), wire{w.sandbox, "reader"}}
		r, err := New(dynamodbstreams.NewFromConfig(cfg), tables, table, func(_ context.Context, batch []Record) error {
			handled.Add(int64(len(batch)))
			return nil
		}, config)
		w.must(err)
		r.fetcher = quickPages{wire{w.sandbox, "reader"}}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- r.Run(ctx) }()

		written := int64(0)
		hours := func(n int) (heap int64, goroutines int, shards map[string]bool) {
			shards = map[string]bool{}
			for range 2 * n {
				w.spread(8)
				written += 8
				time.Sleep(30 * time.Minute)
				for _, s := range r.Status().Shards {
					shards[s.Shard] = true
				}
			}
			goroutines = len(readersGoroutines())
			for range 30 { // the least: the pool keeps a goroutine for a while after a call
				time.Sleep(time.Second)
				goroutines = min(goroutines, len(readersGoroutines()))
			}
			runtime.GC()
			runtime.GC()
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			return int64(m.HeapAlloc), goroutines, shards
		}
		heap, goroutines, before := hours(54)
		later, more, after := hours(24)
		t.Logf("heap %d KiB, then %d KiB; %d goroutines, then %d", heap>>10, later>>10, goroutines, more)
		if later > heap+growth {
			t.Errorf("the heap grew from %d to %d KiB in 24 hours", heap>>10, later>>10)
		}
		if more > goroutines {
			t.Errorf("%d goroutines became %d in 24 hours:\n%s", goroutines, more, strings.Join(readersGoroutines(), "\n\n"))
		}
		rolled := 0
		for id := range after {
			if !before[id] {
				rolled++
			}
		}
		if rolled < 2*5 {
			t.Errorf("only %d shards were new on the last day: the shards did not roll over", rolled)
		}
		if handled.Load() != written {
			t.Errorf("%d of %d records were handled", handled.Load(), written)
		}
		w.must(r.Ready())
		cancel()
		w.must(<-done)
	})
}

// growth is what the heap may vary by from one measurement to the next.
const growth = 128 << 10
