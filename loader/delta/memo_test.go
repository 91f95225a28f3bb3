package delta

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"inventoryd/loader/lanes"
)

// TestAMemoKnowsWhatWasPut holds a memo to a map.
func TestAMemoKnowsWhatWasPut(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	m, want := newMemo(nil), map[uint64]int64{}
	odd := []int64{0, 1, -1, lowest - 1, lowest, highest, highest + 1, math.MinInt64, math.MaxInt64}
	for n := range 200_000 {
		hash, count := max(1, random.Uint64()), random.Int64N(1000)
		if n%10 == 0 {
			count = odd[n/10%len(odd)]
		}
		if n%100 == 0 {
			hash = uint64(n%2048 + 1) // without any of the upper bits: all of one tag
		}
		if tagOf(hash) == 1 {
			for other := range want {
				if tagOf(other) == 1 && other%segments == hash%segments {
					delete(want, other) // one that is taken for another loses its count
				}
			}
		}
		m.put(hash, count)
		want[hash] = count
		if n%3 == 0 {
			m.set(hash, count+1)
			want[hash] = count + 1
		}
	}
	for hash, count := range want {
		k, ok := m.get(hash)
		if remembered := fits(count); !ok || !k.There || k.Usable != remembered || remembered && k.Count != count {
			t.Fatalf("%x is %+v (%t), not %d", hash, k, ok, count)
		}
		if k.holds(count) != fits(count) {
			t.Fatalf("%x holds %d: %t", hash, count, k.holds(count))
		}
	}
	if strange, ok := m.get(random.Uint64()); ok {
		t.Errorf("a key that was not put is %+v", strange)
	}
	if m.slots > len(want)*4/3 {
		t.Errorf("%d slots for %d keys", m.slots, len(want))
	}
}

// TestWhatIsTakenForAnotherKeyIsWritten has a key that differs from one that was put in bits only that no slot has.
func TestWhatIsTakenForAnotherKeyIsWritten(t *testing.T) {
	m := newMemo(nil)
	same := 0
	for n := range uint64(1000) {
		hash := (n+1)*0x9e3779b97f4a7c15 | 1<<63
		m.put(hash, 5)
		k, ok := m.get(hash ^ 1<<(10+n%14))
		if !ok {
			t.Fatal("they are told apart")
		}
		if k.holds(5) {
			same++
		}
	}
	if same > 0 {
		t.Errorf("%d of 1000 are taken to be unchanged", same)
	}
}

// TestACountThatNoMemoHoldsIsWritten has rows of one key pass that the table has not taken yet: none may be taken for another.
func TestACountThatNoMemoHoldsIsWritten(t *testing.T) {
	s := newShop()
	s.put("s", "i", 1<<40)
	var passed []int64
	d := New(Config{Reads: s.reads(), Budget: NewBudget(1 << 20), Forget: lanes.Ahead, Out: func(_ context.Context, r lanes.Row, _ Known) error {
		passed = append(passed, r.Count)
		return nil
	}})
	for _, count := range []int64{1 << 40, 1<<40 + 7, 1<<40 + 7, 7, 7, 1<<41 + 7} {
		if err := errors.Join(d.Add(t.Context(), rowOf("s", "i", count)), d.Flush(t.Context())); err != nil {
			t.Fatal(err)
		}
	}
	if !slices.Equal(passed, []int64{1<<40 + 7, 1<<40 + 7, 7, 1<<41 + 7}) {
		t.Errorf("passed on: %v", passed)
	}
}
