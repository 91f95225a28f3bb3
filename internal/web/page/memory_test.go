package page

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"inventoryd/internal/sandbox"
	"inventoryd/internal/web/stock"
)

// Two hundred lookers at twenty stores whose counts change all the time: after each round of readings as much is live as
// after the first.
func TestMemoryIsFlatWhileTwoHundredLook(t *testing.T) {
	inWorld(t, func(_ *Config, c *stock.Config) { c.Units = 500 }, func(t *testing.T, w *world) {
		const lookers, stores, items, rounds = 200, 20, 20, 4
		for s := range stores {
			for i := range items {
				w.put(fmt.Sprint("Store ", s), fmt.Sprint("Item ", i), 5)
			}
		}
		ctx, cancel := context.WithCancel(t.Context())
		client := &http.Client{Transport: sandbox.Direct(w)}
		var all sync.WaitGroup
		for i := range lookers {
			all.Go(func() {
				r, err := http.NewRequestWithContext(ctx, "GET", fmt.Sprintf("http://page/api/v1/events?store=Store+%d", i%stores), nil)
				if err != nil {
					t.Error(err)
					return
				}
				a, err := client.Do(r)
				if err != nil {
					t.Error(err)
					return
				}
				defer a.Body.Close()
				_, _ = io.Copy(io.Discard, a.Body)
			})
		}
		live := func() (bytes int64, goroutines int) {
			synctest.Wait()
			for range 2 { // finalizers and pools take a second collection
				runtime.GC()
			}
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			return int64(m.HeapAlloc), runtime.NumGoroutine()
		}
		var bytes []int64
		var goroutines []int
		for round := range rounds {
			for n := range 10 {
				time.Sleep(2 * time.Second)
				if n%3 == 0 {
					w.put(fmt.Sprint("Store ", n%stores), "Item 7", int64(round*n%4))
				}
			}
			b, n := live()
			bytes, goroutines = append(bytes, b), append(goroutines, n)
		}
		cancel()
		all.Wait()
		const slack = 512 << 10 // the sandbox keeps a stream record of each change
		for i := range rounds {
			if grown := bytes[i] - bytes[0]; grown > slack {
				t.Errorf("after round %d the heap has grown by %d KiB: %v", i+1, grown>>10, bytes)
			}
			if goroutines[i] != goroutines[0] {
				t.Errorf("goroutines %v", goroutines)
			}
		}
		t.Logf("live bytes %v, goroutines %v", bytes, goroutines)
	})
}
