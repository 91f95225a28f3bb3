package stock

import (
	"context"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"inventoryd/internal/inventory"
	"inventoryd/internal/sandbox"
	"inventoryd/internal/sandbox/fault"
)

// world is a sandbox with the table, and a Reader that runs.
type world struct {
	*Reader
	t      *testing.T
	box    *sandbox.Sandbox
	writer *dynamodb.Client

	uncount []func()       // remove the rules that count
	count   sync.Mutex     // guards made
	made    map[string]int // calls of the reader, by operation
}

// calls is what the reader has called so far, once it rests.
func (w *world) calls() map[string]int {
	synctest.Wait()
	w.count.Lock()
	defer w.count.Unlock()
	return maps.Clone(w.made)
}

func inWorld(t *testing.T, change func(*Config), test func(t *testing.T, w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		box := sandbox.New()
		if err := box.Provision(t.Context()); err != nil {
			t.Fatal(err)
		}
		w := &world{t: t, box: box, writer: dynamodb.NewFromConfig(box.Config("writer")), made: map[string]int{}}
		for _, op := range []string{"Query", "Scan", "BatchGetItem"} {
			w.uncount = append(w.uncount, box.Fault(fault.Rule{Client: "page", Operation: op, Effect: fault.Effect{Do: func() { w.count.Lock(); w.made[op]++; w.count.Unlock() }}}))
		}
		c := Config{Table: inventory.DefaultTable, Units: 50}
		if change != nil {
			change(&c)
		}
		w.Reader = New(dynamodb.NewFromConfig(box.Config("page")), c)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { defer close(ended); w.Run(ctx) }()
		test(t, w)
		cancel()
		<-ended
	})
}

func (w *world) put(store, item string, count int64) {
	w.t.Helper()
	_, err := w.writer.PutItem(w.t.Context(), &dynamodb.PutItemInput{
		TableName: aws.String(sandbox.Table),
		Item:      inventory.DefaultTable.Attributes(inventory.Item{Key: inventory.Key{Store: store, Item: item}, Count: count}),
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

// fill puts n items into a store; each tenth is out.
func (w *world) fill(store string, n int) {
	w.t.Helper()
	var batch []types.WriteRequest
	for i := range n {
		row := inventory.Item{Key: inventory.Key{Store: store, Item: fmt.Sprintf("Item %06d", i)}, Count: int64(i % 10)}
		batch = append(batch, types.WriteRequest{PutRequest: &types.PutRequest{Item: inventory.DefaultTable.Attributes(row)}})
		if len(batch) == 25 || i == n-1 {
			_, err := w.writer.BatchWriteItem(w.t.Context(), &dynamodb.BatchWriteItemInput{RequestItems: map[string][]types.WriteRequest{sandbox.Table: batch}})
			if err != nil {
				w.t.Fatal(err)
			}
			batch = nil
		}
	}
}

func (w *world) remembered() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.subjects)
}

func rowsOf(v *View) (rows []Row) {
	for i := range v.Len() {
		rows = append(rows, v.Row(i))
	}
	return rows
}

func TestAStoreIsShownAsItIs(t *testing.T) {
	inWorld(t, func(c *Config) { c.Threshold = func() int64 { return 4 } }, func(t *testing.T, w *world) {
		w.put("Berlin", "Kettle", 0)
		w.put("Berlin", "Lamp", 4)
		w.put("Berlin", "Umbrella", 5)
		w.put("Lisbon", "Kettle", 7)
		s := w.Look(t.Context(), "Berlin")
		want := []Row{{Item: "Kettle", Level: Out}, {Item: "Lamp", Count: 4, Level: Low}, {Item: "Umbrella", Count: 5}}
		if d := cmp.Diff(want, rowsOf(s.View)); d != "" || s.Trouble != "" {
			t.Error(s.Trouble, d)
		}
		if s.View.Totals != (Totals{Items: 3, Out: 1, Low: 1}) || !s.View.Whole {
			t.Errorf("%+v", s.View.Totals)
		}
	})
}

func TestTheSumSaysInHowManyStoresAnItemIsOut(t *testing.T) {
	inWorld(t, nil, func(t *testing.T, w *world) {
		w.put("Berlin", "Kettle", 0)
		w.put("Lisbon", "Kettle", 7)
		w.put("Osaka", "Kettle", -2)
		w.put("Osaka", "Lamp", 1)
		v := w.Look(t.Context(), "").View
		want := []Row{{Item: "Kettle", Count: 5, Level: Out, Stores: 3, Out: 2}, {Item: "Lamp", Count: 1, Stores: 1}}
		if d := cmp.Diff(want, rowsOf(v)); d != "" {
			t.Error(d)
		}
		stores := []Summary{{"Berlin", Totals{Items: 1, Out: 1}}, {"Lisbon", Totals{Items: 1}}, {"Osaka", Totals{Items: 2, Out: 1}}}
		if d := cmp.Diff(stores, v.Stores); d != "" {
			t.Error(d)
		}
		short := []Row{{Store: "Berlin", Item: "Kettle", Level: Out}, {Store: "Osaka", Item: "Kettle", Count: -2, Level: Out}}
		if d := cmp.Diff(short, v.Shortages); d != "" {
			t.Error(d)
		}
	})
}

func TestWhatNobodyLooksAtIsNotRead(t *testing.T) {
	inWorld(t, nil, func(t *testing.T, w *world) {
		w.put("Berlin", "Kettle", 1)
		time.Sleep(time.Hour)
		w.Look(t.Context(), "Berlin")
		time.Sleep(time.Hour)
		if d := cmp.Diff(map[string]int{"Query": 1}, w.calls()); d != "" {
			t.Error(d)
		}
	})
}

func TestLookersShareOneQueryOfAStoreAndInterval(t *testing.T) {
	inWorld(t, nil, func(t *testing.T, w *world) {
		const lookers, stores, seconds = 200, 20, 60
		for i := range stores {
			w.put(fmt.Sprint("Store ", i), "Kettle", 1)
		}
		var all []*Looker
		for i := range lookers {
			l, err := w.Watch(fmt.Sprint("Store ", i%stores))
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, l)
		}
		time.Sleep(seconds*time.Second - time.Millisecond)
		if want := stores * seconds / 2; w.calls()["Query"] != want || w.calls()["Scan"] != 0 {
			t.Errorf("%v calls in %d s, want %d", w.calls(), seconds, want)
		}
		if limit := 50.0 * seconds; w.Spent() > limit {
			t.Errorf("%v units, the budget is %v", w.Spent(), limit)
		}
		for _, l := range all {
			l.Close()
		}
		before := w.calls()["Query"]
		time.Sleep(time.Minute)
		if w.calls()["Query"] != before {
			t.Error("the stores are read on though all have gone")
		}
	})
}

func TestTheBudgetStretchesTheInterval(t *testing.T) {
	inWorld(t, func(c *Config) { c.Units = 2 }, func(t *testing.T, w *world) {
		for i := range 20 {
			w.put(fmt.Sprint("Store ", i), "Kettle", 1)
			l, err := w.Watch(fmt.Sprint("Store ", i))
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
		}
		time.Sleep(time.Minute)
		if w.Spent() > 2*62+0.5 || w.Spent() < 2*58 {
			t.Errorf("%v units in a minute", w.Spent())
		}
		for i := range 20 { // each takes its turn: 20 stores at half a unit need 5 s
			if age := time.Since(w.Last(fmt.Sprint("Store ", i)).View.AsOf); age > 6*time.Second {
				t.Errorf("store %d is %v old", i, age)
			}
		}
	})
}

func TestAChangeIsThereAtTheNextReading(t *testing.T) {
	inWorld(t, nil, func(t *testing.T, w *world) {
		w.put("Berlin", "Kettle", 1)
		l, _ := w.Watch("Berlin")
		defer l.Close()
		_, turn := l.State()
		<-turn
		s, turn := l.State()
		first := s.View.Version
		<-turn
		if s, turn = l.State(); s.View.Version != first {
			t.Error("the version differs, the content does not")
		}
		w.put("Berlin", "Kettle", 0)
		begin := time.Now()
		<-turn
		s, _ = l.State()
		if row, _ := s.View.Find("Kettle"); row.Level != Out || s.View.Version == first || time.Since(begin) > Interval {
			t.Errorf("%+v after %v", row, time.Since(begin))
		}
	})
}

func TestInAnOutageTheLastViewStays(t *testing.T) {
	for name, effect := range map[string]fault.Effect{
		"DynamoDB does not answer":                                              {Hang: true},
		"DynamoDB cannot be reached":                                            {Reset: true},
		"DynamoDB answers InternalServerError":                                  {Error: &fault.Error{Status: 500, Code: "InternalServerError", Message: "x"}},
		"the daemon is not permitted to read the table (AccessDeniedException)": fault.AccessDeniedJSON,
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, nil, func(t *testing.T, w *world) {
				w.put("Berlin", "Kettle", 1)
				before := w.Look(t.Context(), "Berlin").View
				l, _ := w.Watch("Berlin")
				defer l.Close()
				for _, remove := range w.uncount { // the first rule that fits is the one that applies
					remove()
				}
				mend := w.box.Fault(fault.Rule{Client: "page", Effect: effect})
				time.Sleep(5 * time.Minute)
				s := w.Look(t.Context(), "Berlin")
				if s.View.Version != before.Version || s.Trouble != name || time.Since(s.Since) < 4*time.Minute {
					t.Errorf("%+v", s)
				}
				if age := time.Since(s.View.AsOf); age < 4*time.Minute {
					t.Errorf("a view that could not be read says that it is %v old", age)
				}
				mend()
				time.Sleep(longestRest + callTimeout + Interval)
				if s := w.Last("Berlin"); s.Trouble != "" || time.Since(s.View.AsOf) > Interval+callTimeout {
					t.Errorf("after it: %+v", s)
				}
			})
		})
	}
}

func TestAViewHoldsTheFirstItemsAndEveryShortageAndCountsTheRest(t *testing.T) {
	b := newStoreBuilder("Berlin", maxView)
	for i := range 3 * maxItems {
		count := int64(7)
		if i%1000 == 999 {
			count = 0
		}
		b.add(inventory.Item{Key: inventory.Key{Store: "Berlin", Item: fmt.Sprintf("Item %06d", i)}, Count: count}, 0)
	}
	v := b.view(time.Now(), true)
	if v.Totals != (Totals{Items: 60_000, Out: 60}) || v.Len() != maxItems+40 || v.Hidden != 60_000-maxItems-40 {
		t.Errorf("%+v, %d listed, %d hidden", v.Totals, v.Len(), v.Hidden)
	}
	if rows, hidden := v.Short(); len(rows) != 60 || hidden != 0 || rows[59].Item != "Item 059999" {
		t.Error(len(rows), hidden)
	}
	if _, ok := v.Find("Item 059999"); !ok {
		t.Error("a shortage beyond the first items is not found")
	}
}

func TestViewsKeepToTheirShareOfMemory(t *testing.T) {
	long := strings.Repeat("x", inventory.MaxItem-8)
	for _, bytes := range []int{share(1), share(50), share(MaxLookers)} {
		store, sum := newStoreBuilder("Berlin", bytes), newSumBuilder(bytes)
		for i := range 20_000 {
			item := inventory.Item{Key: inventory.Key{Store: "Berlin", Item: fmt.Sprintf("%s%08d", long, i)}, Count: int64(i % 2)}
			store.add(item, 0)
			sum.add(item, 0)
			if sum.names > 2*bytes+inventory.MaxItem {
				t.Fatalf("the sums hold %d bytes of names of %d", sum.names, bytes)
			}
		}
		for _, v := range []*View{store.view(time.Now(), true), sum.view(time.Now(), true)} {
			if size := len(v.names) + rowBytes*v.Len(); size > bytes || v.Hidden != 20_000-v.Len() || v.Len() == 0 {
				t.Errorf("%d bytes of %d, %d rows, %d hidden", size, bytes, v.Len(), v.Hidden)
			}
		}
	}
}

// The sums that are shown are those of all rows, whatever had to be dropped on the way.
func TestSumsThatAreShownAreWhole(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		bytes := rapid.IntRange(100, 4000).Draw(t, "bytes")
		stores := rapid.IntRange(1, 6).Draw(t, "stores")
		items := rapid.IntRange(1, 300).Draw(t, "items")
		random := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
		b, want, rows := newSumBuilder(bytes), map[string]int64{}, 0
		for s := range stores {
			for i := range items {
				if random.IntN(3) == 0 {
					continue
				}
				k, n := inventory.Key{Store: fmt.Sprint(s), Item: fmt.Sprintf("%04d", i)}, int64(random.IntN(5))
				b.add(inventory.Item{Key: k, Count: n}, 0)
				want[k.Item] += n
				rows++
				if random.IntN(50) == 0 {
					b.view(time.Now(), false)
				}
			}
		}
		v := b.view(time.Now(), true)
		listed, names := 0, []string{}
		for i := range v.Len() {
			r := v.Row(i)
			listed += r.Stores
			names = append(names, r.Item)
			if r.Count != want[r.Item] {
				t.Errorf("%s: %d, want %d", r.Item, r.Count, want[r.Item])
			}
		}
		if listed+v.Hidden != rows || !slices.IsSorted(names) {
			t.Errorf("%d rows in sums and %d hidden are not %d", listed, v.Hidden, rows)
		}
	})
}

func TestASumBeyond64BitsStaysAtItsEnd(t *testing.T) {
	b := newSumBuilder(maxView)
	for i, n := range []int64{math.MaxInt64, 5, -7} {
		b.add(inventory.Item{Key: inventory.Key{Store: fmt.Sprint(i), Item: "Kettle"}, Count: n}, 0)
	}
	if r := b.view(time.Now(), true).Row(0); r.Count != math.MaxInt64 {
		t.Error(r.Count)
	}
}

func TestALargeStoreIsShownWhileItIsReadTheFirstTime(t *testing.T) {
	inWorld(t, func(c *Config) { c.Units = 4 }, func(t *testing.T, w *world) {
		w.fill("Berlin", 5000) // 31 units
		ctx, cancel := context.WithTimeout(t.Context(), 1500*time.Millisecond)
		defer cancel()
		if v := w.Look(ctx, "Berlin").View; v == nil || v.Whole || v.Totals.Items == 0 {
			t.Fatalf("%+v", v)
		}
		time.Sleep(20 * time.Second)
		v := w.Last("Berlin").View
		if !v.Whole || v.Totals.Items != 5000 || v.Totals.Out != 500 {
			t.Fatalf("%+v", v.Totals)
		}
		begin := time.Now()
		if again := w.Look(t.Context(), "Berlin").View; again != v || time.Since(begin) > 0 {
			t.Error("whoever comes later waits for a reading that takes long")
		}
	})
}

func TestAFloodOfStoresThatAreNotThereIsBounded(t *testing.T) {
	inWorld(t, nil, func(t *testing.T, w *world) {
		for i := range 2000 {
			ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
			w.Look(ctx, fmt.Sprint("no store ", i))
			cancel()
			if n := w.remembered(); n > maxSubjects {
				t.Fatalf("%d subjects", n)
			}
		}
		time.Sleep(time.Hour)
		w.Look(t.Context(), "Berlin")
		time.Sleep(time.Second)
		w.nudge()
		synctest.Wait()
		if n := w.remembered(); n > 2 {
			t.Errorf("%d subjects are remembered", n)
		}
		if w.Spent() > 50*(2+120) {
			t.Errorf("%v units", w.Spent())
		}
	})
}

func TestNoMoreLookersThanTheLimit(t *testing.T) {
	inWorld(t, nil, func(t *testing.T, w *world) {
		for range MaxLookers {
			l, err := w.Watch("Berlin")
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
		}
		if _, err := w.Watch("Berlin"); err != ErrTooMany {
			t.Error(err)
		}
	})
}

func TestRowsBeyondAViewAreReadByPages(t *testing.T) {
	inWorld(t, nil, func(t *testing.T, w *world) {
		w.fill("Berlin", 2500)
		var items []string
		for after, more := "", true; more; {
			var rows []Row
			var err error
			if rows, more, err = w.After(t.Context(), "Berlin", after); err != nil {
				t.Fatal(err)
			}
			for _, r := range rows {
				items = append(items, r.Item)
			}
			after = items[len(items)-1]
		}
		if len(items) != 2500 || !slices.IsSorted(items) {
			t.Error(len(items))
		}
	})
}

func TestAnItemIsReadInSeveralStores(t *testing.T) {
	inWorld(t, func(c *Config) { c.ThresholdAttribute = "Reorder" }, func(t *testing.T, w *world) {
		w.put("Berlin", "Kettle", 3)
		_, err := w.writer.UpdateItem(t.Context(), &dynamodb.UpdateItemInput{
			TableName: aws.String(sandbox.Table), Key: inventory.DefaultTable.KeyAttributes(inventory.Key{Store: "Berlin", Item: "Kettle"}),
			UpdateExpression:          aws.String("SET Reorder = :n"),
			ExpressionAttributeValues: attributes{":n": &types.AttributeValueMemberN{Value: "5"}},
		})
		if err != nil {
			t.Fatal(err)
		}
		w.put("Lisbon", "Kettle", 0)
		found, err := w.Items(t.Context(), "Kettle", []string{"Berlin", "Lisbon", "Osaka"})
		if err != nil || len(found) != 2 {
			t.Fatal(found, err)
		}
		slices.SortFunc(found, func(a, b Found) int { return compare(a.Store, b.Store) })
		want := []Found{
			{Row: Row{Store: "Berlin", Item: "Kettle", Count: 3, Level: Low}, Threshold: 5},
			{Row: Row{Store: "Lisbon", Item: "Kettle", Level: Out}},
		}
		if d := cmp.Diff(want, found); d != "" {
			t.Error(d)
		}
	})
}

func TestOrders(t *testing.T) {
	b := newStoreBuilder("Berlin", maxView)
	for _, i := range []struct {
		name  string
		count int64
	}{{"Zange", 9}, {"apple", 2}, {"Äpfel", 0}, {"iPad", 5}, {"Ärmel", 1}} {
		b.add(inventory.Item{Key: inventory.Key{Item: i.name}, Count: i.count}, 1)
	}
	v := b.view(time.Now(), true)
	for by, want := range map[Order]string{
		ByItem: "Äpfel apple Ärmel iPad Zange", ByCount: "Äpfel Ärmel apple iPad Zange", ByNeed: "Äpfel Ärmel apple iPad Zange",
	} {
		var got []string
		for _, i := range v.Select("", by, false) {
			got = append(got, v.Row(int(i)).Item)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("by %s: %v", by, got)
		}
	}
	if found := v.Select("a PA", ByItem, false); len(found) != 1 || v.name(int(found[0])) != "iPad" {
		t.Error(found)
	}
}

func BenchmarkOrderOfAFullView(b *testing.B) {
	s := newStoreBuilder("Berlin", maxView)
	for i := range maxItems {
		s.add(inventory.Item{Key: inventory.Key{Item: fmt.Sprintf("Item number %06d", i)}, Count: int64(i % 100)}, 0)
	}
	for b.Loop() {
		s.view(time.Now(), true).Select("", ByNeed, false)
	}
}

func TestTheListOfStoresDoesNotHoldUpTheStoreThatIsWaitedFor(t *testing.T) {
	inWorld(t, nil, func(t *testing.T, w *world) {
		for i := range 2 {
			w.fill(fmt.Sprint("Store ", i), 20_000) // about 90 units each; 100 are there at the beginning
		}
		w.Ask("")
		begin := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		if v := w.Look(ctx, "Store 1").View; v == nil || !v.Whole || time.Since(begin) > time.Second {
			t.Errorf("after %v: %+v", time.Since(begin), v)
		}
		time.Sleep(time.Minute)
		if v := w.Last("").View; v == nil || !v.Whole || v.Totals.Items != 40_000 {
			t.Error("the list of stores is never read")
		}
	})
}
