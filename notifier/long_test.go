//go:build long

package notifier

import (
	"fmt"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"inventoryd/internal/inventory"
	"inventoryd/internal/sandbox"
	"inventoryd/internal/sandbox/fault"
)

func TestThreeDaysWithoutSNSLoseNothingAndHoldNothingUp(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		n := w.unstarted("a", nil)
		m := w.meter(n, "a")
		w.run(n)
		heal := w.Fault(fault.Rule{Service: "sns", Client: "a", Effect: fault.Unavailable})
		for day := range 3 {
			var words []string
			for i := range 40 {
				words = append(words, fmt.Sprintf("S%d/d%d-%d:5>0", i%4, day, i))
			}
			changes := w.script(strings.Join(words, " "))
			for i := range changes {
				changes[i].Position = at(1000*day + i + 1)
			}
			w.store(changes)
			w.handle(n, changes) // the stream goes on
			time.Sleep(24 * time.Hour)
		}
		back := w.script("S0/d0-0:0>5 S1/d1-1:0>5")
		for i := range back {
			back[i].Position = at(9000 + i)
		}
		w.store(back)
		w.handle(n, back)
		rested(m, t, "three days")
		heal()
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		notes := w.inbox()
		times := map[string]int{}
		for _, n := range notes {
			for line := range strings.Lines(n.Message) {
				times[strings.TrimSuffix(line, "\n")]++
			}
		}
		for line, n := range times {
			if n != 1 {
				t.Errorf("%q was told %d times", line, n)
			}
		}
		if len(times) != 118 {
			t.Errorf("%d items told, want 118", len(times))
		}
		t.Logf("%d items in %d messages", len(times), len(notes))
	})
}

// storeMany is store for changes of items of their own.
func (w *world) storeMany(changes []inventory.Change) {
	w.Helper()
	for some := range slices.Chunk(changes, 25) {
		var puts []types.WriteRequest
		for _, c := range some {
			puts = append(puts, types.WriteRequest{PutRequest: &types.PutRequest{Item: inventory.DefaultTable.Attributes(*c.New)}})
		}
		if _, err := w.tables("test").BatchWriteItem(w.Context(), &dynamodb.BatchWriteItemInput{RequestItems: map[string][]types.WriteRequest{sandbox.Table: puts}}); err != nil {
			w.Fatal(err)
		}
	}
}

func TestAHundredThousandZerosInOneLoad(t *testing.T) {
	for _, stores := range []int{20, 2000} {
		t.Run(fmt.Sprintf("%d stores", stores), func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				const reader = "shop@example.com"
				if err := w.Topics.SubscribeMail(sandbox.Topic, reader); err != nil {
					t.Fatal(err)
				}
				w.Fault(fault.Rule{Service: "dynamodb", Client: "a", Effect: fault.Effect{Delay: 5 * time.Millisecond}})
				n, _ := w.running("a", nil)
				items := 100_000
				if s := os.Getenv("TEST_ZEROS"); s != "" {
					items, _ = strconv.Atoi(s)
				}
				began := time.Now()
				var written time.Duration
				for page := range items / 1000 {
					changes := make([]inventory.Change, 1000)
					for i := range changes {
						number := page*1000 + i
						k := inventory.Key{Store: fmt.Sprintf("Store %04d", number%stores), Item: fmt.Sprintf("Item %06d", number)}
						changes[i] = inventory.Change{
							Key: k, Old: &inventory.Item{Key: k, Count: 5}, New: &inventory.Item{Key: k}, ID: fmt.Sprintf("%032d", number),
							Position: at(number + 1), Created: time.Now().Truncate(time.Second),
						}
					}
					w.storeMany(changes)
					since := time.Now()
					w.handle(n, changes)
					written += time.Since(since)
				}
				t.Logf("%.0f transitions a second at 5 ms a call", float64(items)/written.Seconds())
				var most uint64
				for range 20 {
					time.Sleep(time.Minute)
					var m runtime.MemStats
					runtime.ReadMemStats(&m)
					most = max(most, m.HeapAlloc)
				}
				synctest.Wait()
				notes := w.inbox()
				told := map[string]int{}
				for _, n := range notes {
					for line := range strings.Lines(n.Message) {
						if !strings.HasPrefix(line, "(part ") {
							told[line]++
						}
					}
				}
				for line, n := range told {
					if n != 1 {
						t.Fatalf("%q was told %d times", line, n)
					}
				}
				if len(told) != items || !w.Topics.Subscribed(sandbox.Topic, reader) {
					t.Errorf("%d items told; subscribed %v", len(told), w.Topics.Subscribed(sandbox.Topic, reader))
				}
				t.Logf("%d items in %d messages, %s from the first change; heap with the sandbox %d MB at most", len(told), len(notes), time.Since(began).Round(time.Minute), most>>20)
			})
		})
	}
}
