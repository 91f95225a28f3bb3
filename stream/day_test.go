package stream

import (
	"context"
	"runtime"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"

	"inventoryd/internal/sandbox"
)

// TestADayOfRolloversGrowsNeitherHeapNorGoroutines: 24 hours, in which each of 4 shards rolls over six times.
func TestADayOfRolloversGrowsNeitherHeapNorGoroutines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{T: t, sandbox: sandbox.New()} // without a history, which would grow
		w.db = dynamodb.NewFromConfig(w.sandbox.Config("writer"))
		w.createTable()
		config := DefaultConfig()
		config.IdlePoll, config.LeaseDuration = 30*time.Second, 5*time.Minute
		var handled atomic.Int64
		cfg := w.sandbox.Config("reader")
		r, err := New(dynamodbstreams.NewFromConfig(cfg), dynamodb.NewFromConfig(cfg), table, func(_ context.Context, batch []Record) error {
			handled.Add(int64(len(batch)))
			return nil
		}, config)
		w.must(err)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- r.Run(ctx) }()

		written := int64(0)
		hours := func(n int) (heap uint64, goroutines int) {
			for range 4 * n {
				w.spread(8)
				written += 8
				time.Sleep(15 * time.Minute)
			}
			runtime.GC()
			runtime.GC()
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			return m.HeapAlloc, runtime.NumGoroutine()
		}
		heap, goroutines := hours(5) // the first generation is over
		later, more := hours(24)
		t.Logf("heap %d KiB, then %d KiB; %d goroutines, then %d", heap>>10, later>>10, goroutines, more)
		if later > heap+1<<20 {
			t.Errorf("the heap grew from %d to %d KiB in 24 hours", heap>>10, later>>10)
		}
		if more > goroutines+2 {
			t.Errorf("%d goroutines became %d in 24 hours", goroutines, more)
		}
		if n := len(r.Status().Shards); n < 4*7 {
			t.Errorf("only %d shards were seen: the shards did not roll over", n)
		}
		if handled.Load() != written {
			t.Errorf("%d of %d records were handled", handled.Load(), written)
		}
		w.must(r.Ready())
		cancel()
		w.must(<-done)
	})
}
