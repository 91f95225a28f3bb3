package delta

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"

	"inventoryd/loader/lanes"
)

// shop is a Table in memory, of items of 50 bytes each, with sorted stores.
type shop struct {
	mu     sync.Mutex // guards what follows
	stores map[string]*shelf
	units  float64
	gets   int // keys
	fault  func() error
	leave  float64 // the share of keys that a Get leaves
}

type shelf struct {
	names  []string // sorted
	counts map[string]int64
}

const itemBytes = 50

func newShop() *shop { return &shop{stores: map[string]*shelf{}} }

func (s *shop) put(store, item string, count int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	h := s.stores[store]
	if h == nil {
		h = &shelf{counts: map[string]int64{}}
		s.stores[store] = h
	}
	if _, there := h.counts[item]; !there {
		at, _ := slices.BinarySearch(h.names, item)
		h.names = slices.Insert(h.names, at, item)
	}
	h.counts[item] = count
}

func (s *shop) Get(_ context.Context, keys []Key, found func(Item)) (left []Key, units float64, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fault != nil {
		if err := s.fault(); err != nil {
			return keys, 0, err
		}
	}
	seen := map[string]bool{}
	for i, k := range keys {
		name := string(k.Store) + "\x00" + string(k.Item)
		if seen[name] || len(keys) > BatchSize {
			return keys, 0, errors.New("a key twice, or too many")
		}
		seen[name] = true
		if i > 0 && rand.Float64() < s.leave {
			left = append(left, k)
			continue
		}
		units++
		s.gets++
		if h := s.stores[string(k.Store)]; h != nil {
			if count, there := h.counts[string(k.Item)]; there {
				found(Item{k, Known{There: true, Usable: true, Count: count}})
			}
		}
	}
	s.units += units
	return left, units, nil
}

func (s *shop) Range(_ context.Context, r Range, found func(Item)) (last []byte, units float64, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fault != nil {
		if err := s.fault(); err != nil {
			return nil, 0, err
		}
	}
	h := s.stores[string(r.Store)]
	if h == nil {
		s.units++
		return nil, 1, nil
	}
	at, _ := slices.BinarySearch(h.names, string(r.First))
	if r.After != nil {
		at, _ = slices.BinarySearch(h.names, string(r.After))
		at++
	}
	n := 0
	for ; at < len(h.names) && h.names[at] <= string(r.Last); at++ {
		if n == r.Limit {
			last = []byte(h.names[at-1])
			break
		}
		found(Item{Key{r.Store, []byte(h.names[at])}, Known{There: true, Usable: true, Count: h.counts[h.names[at]]}})
		n++
	}
	units = float64(max(1, (n*itemBytes+unitBytes-1)/unitBytes))
	s.units += units
	return last, units, nil
}

var errThrottled = errors.New("throttled")

func (s *shop) reads() Reads {
	return Reads{Table: s, Pace: &lanes.Pace{}, Trouble: func(error) {}, Judge: func(err error) lanes.Verdict {
		if errors.Is(err, errThrottled) {
			return lanes.Throttle
		}
		return lanes.Retry
	}}
}

// feed passes rows through a Delta into the table.
func (s *shop) feed(t *testing.T, budget int64, rows []lanes.Row) (d *Delta, written int) {
	t.Helper()
	d = New(Config{Reads: s.reads(), Budget: NewBudget(budget), Forget: lanes.Ahead, Out: func(_ context.Context, r lanes.Row, before Known) error {
		if before.holds(r.Count) {
			t.Errorf("%s/%s %d is passed on, and is known", r.Store, r.Item, r.Count)
		}
		written++
		s.put(string(r.Store), string(r.Item), r.Count)
		return nil
	}})
	for _, r := range rows {
		if err := d.Add(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
	if err := d.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	return d, written
}

func rowOf(store, item string, count int64) lanes.Row {
	return lanes.Row{Store: []byte(store), Item: []byte(item), Count: count}
}

// TestTheTableIsAsIfEachRowWasWritten compares random feeds with what putting every row would leave, in little memory and in
// much, with faults and without.
func TestTheTableIsAsIfEachRowWasWritten(t *testing.T) {
	for seed := range uint64(60) {
		synctest.Test(t, func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 1))
			s, want := newShop(), map[string]int64{}
			stores, items := 1+random.IntN(8), 1+random.IntN(400)
			key := func() (string, string) {
				return fmt.Sprint("s", random.IntN(stores)), fmt.Sprint("i", random.IntN(items))
			}
			for range random.IntN(600) {
				store, item := key()
				count := int64(random.IntN(3))
				s.put(store, item, count)
				want[store+"/"+item] = count
			}
			if seed%3 == 0 {
				s.fault = func() error { return []error{nil, nil, errThrottled, errors.New("down")}[random.IntN(4)] }
				s.leave = 0.3
			}
			var rows []lanes.Row
			for range random.IntN(3000) {
				store, item := key()
				count := int64(random.IntN(3))
				rows = append(rows, rowOf(store, item, count))
				want[store+"/"+item] = count
			}
			d, written := s.feed(t, []int64{0, 1 << 12, 1 << 20}[seed%3], rows)
			merged, unchanged := d.Tally()
			if int(merged+unchanged)+written != len(rows) || d.Waiting() > 0 {
				t.Errorf("seed %d: of %d rows %d were merged, %d unchanged, %d written", seed, len(rows), merged, unchanged, written)
			}
			for name, count := range want {
				store, item, _ := bytes.Cut([]byte(name), []byte("/"))
				if got := s.stores[string(store)].counts[string(item)]; got != count {
					t.Fatalf("seed %d: %s is %d, want %d", seed, name, got, count)
				}
			}
		})
	}
}

// TestWhatIsUnderWayIsNotAskedFor lets the table be behind: a row that was passed on, and is not written yet, must not be compared
// with what the table holds.
func TestWhatIsUnderWayIsNotAskedFor(t *testing.T) {
	s := newShop()
	s.put("s", "i", 5)
	var passed []int64
	d := New(Config{Reads: s.reads(), Budget: NewBudget(1 << 20), Forget: lanes.Ahead, Out: func(_ context.Context, r lanes.Row, _ Known) error {
		passed = append(passed, r.Count) // and never written
		return nil
	}})
	for _, count := range []int64{5, 7, 5, 5, 9} { // 5 is what the table holds all the time
		if err := d.Add(t.Context(), rowOf("s", "i", count)); err != nil {
			t.Fatal(err)
		}
		if err := d.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if !slices.Equal(passed, []int64{7, 5, 9}) {
		t.Errorf("passed on: %v", passed)
	}
}

// TestTheCheaperWayIsTaken reads stores of different sizes for feeds of different orders, and holds the read units to what the
// cheaper of both ways would take.
func TestTheCheaperWayIsTaken(t *testing.T) {
	const unit = unitBytes / itemBytes // items
	for name, c := range map[string]struct {
		stores, size int // of the table
		rows         func(random *rand.Rand, key func(n int) (string, string), all int) []lanes.Row
		most         float64 // read units
	}{
		"one store, sorted":             {1, 30_000, inOrder, 30_000/unit*1.05 + 10},
		"one store, shuffled":           {1, 30_000, shuffled, 30_000/unit*1.3 + 10},
		"many stores, sorted":           {200, 300, inOrder, 200*4*1.1 + 150},
		"many stores, shuffled":         {200, 300, shuffled, 3 * 200 * 4 * 1.5},
		"stores of two items":           {10_000, 2, inOrder, 20_000},
		"a few rows of a large store":   {1, 30_000, sparse(20), 20 + 15},
		"every twentieth of two stores": {2, 15_000, sparse(1500), 2 * 15_000 / unit * 1.1},
	} {
		t.Run(name, func(t *testing.T) {
			random := rand.New(rand.NewPCG(7, 7))
			key := func(n int) (string, string) { return fmt.Sprintf("s%05d", n/c.size), fmt.Sprintf("i%06d", n%c.size) }
			s := newShop()
			for n := range c.stores * c.size {
				store, item := key(n)
				s.put(store, item, 1)
			}
			rows := c.rows(random, key, c.stores*c.size)
			d, written := s.feed(t, 16<<20, rows)
			_, unchanged := d.Tally()
			t.Logf("%d rows: %.0f read units (%d keys one by one), %.4f a row", len(rows), s.units, s.gets, s.units/float64(len(rows)))
			if written > 0 || int(unchanged) != len(rows) || s.units > c.most {
				t.Errorf("%d rows: %d written, %.0f read units, at most %.0f expected", len(rows), written, s.units, c.most)
			}
		})
	}
}

func inOrder(_ *rand.Rand, key func(int) (string, string), all int) (rows []lanes.Row) {
	for n := range all {
		store, item := key(n)
		rows = append(rows, rowOf(store, item, 1))
	}
	return rows
}

func shuffled(random *rand.Rand, key func(int) (string, string), all int) []lanes.Row {
	rows := inOrder(random, key, all)
	random.Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
	return rows
}

func sparse(n int) func(*rand.Rand, func(int) (string, string), int) []lanes.Row {
	return func(random *rand.Rand, key func(int) (string, string), all int) []lanes.Row {
		return shuffled(random, key, all)[:n]
	}
}

// TestMemoryIsBounded reads a store that does not fit, and one more load beside it.
func TestMemoryIsBounded(t *testing.T) {
	s := newShop()
	for n := range 30_000 {
		s.put("s", fmt.Sprintf("i%06d", n), 1)
	}
	rows := shuffled(rand.New(rand.NewPCG(1, 1)), func(n int) (string, string) { return "s", fmt.Sprintf("i%06d", n) }, 30_000)
	budget := NewBudget(100_000)
	two := [2]*Delta{}
	for n := range two {
		two[n] = New(Config{Reads: s.reads(), Budget: budget, Forget: lanes.Ahead, Out: func(context.Context, lanes.Row, Known) error { return nil }})
		for _, r := range rows {
			if err := two[n].Add(t.Context(), r); err != nil {
				t.Fatal(err)
			}
		}
	}
	if a, b := two[0].kept, two[1].kept; (a.slots+b.slots)*slotBytes > 100_000 || a.len() == 0 {
		t.Errorf("%d and %d slots", a.slots, b.slots)
	}
	two[0].Close()
	two[1].Close()
	if left := budget.left.Load(); left != 100_000 {
		t.Errorf("%d bytes are given back", left)
	}
}

func TestAnEndedContextEndsAFlush(t *testing.T) {
	s := newShop()
	s.fault = func() error { return errors.New("down") }
	d := New(Config{Reads: s.reads(), Budget: NewBudget(0), Out: func(context.Context, lanes.Row, Known) error { return nil }})
	cause := errors.New("stopped")
	ctx, cancel := context.WithCancelCause(t.Context())
	for n := range 10 {
		if err := d.Add(ctx, lanes.Row{Store: []byte("s"), Item: fmt.Append(nil, n), Line: int64(n + 2)}); err != nil {
			t.Fatal(err)
		}
	}
	cancel(cause)
	if err := d.Flush(ctx); !errors.Is(err, cause) {
		t.Errorf("%v", err)
	}
	if line, ok := d.Oldest(); !ok || line != 2 || d.Waiting() != 10 {
		t.Errorf("line %d, %t, %d rows", line, ok, d.Waiting())
	}
}
