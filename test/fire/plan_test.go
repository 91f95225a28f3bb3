package fire

import (
	"slices"
	"testing"
	"time"
)

func TestASeedMakesTheSamePlan(t *testing.T) {
	a, b := plan(7, 3*time.Minute), plan(7, 3*time.Minute)
	if !slices.Equal(a, b) {
		t.Error("two plans of one seed differ")
	}
	if slices.Equal(a, plan(8, 3*time.Minute)) {
		t.Error("another seed makes the same plan")
	}
}

func TestAPlanHasEverything(t *testing.T) {
	seen := map[kind]int{}
	for _, s := range plan(1, 10*time.Minute) {
		seen[s.Kind]++
		if s.At < 0 || s.At >= 10*time.Minute {
			t.Errorf("out of the day: %v", s)
		}
	}
	for _, k := range []kind{upload, write, kill, stop, pause, broken, silence, reenable, leap, unwritable, roll, release, overdue} {
		if seen[k] == 0 {
			t.Errorf("no %s", k)
		}
	}
}

// What is to be held back is so whatever was loaded before it, and what is to pass passes: by the gate's defaults, from any good upload to any
// other one.
func TestUploadsAreFarFromTheGatesLimits(t *testing.T) {
	zeros := func(s sheet) (n int) {
		for _, count := range s.rows {
			if count <= 0 {
				n++
			}
		}
		return n
	}
	few, most := 60, 0 // rows, zeros
	for seed := range uint64(300) {
		s := newSheet(whole.from, fresh, seed)
		few, most = min(few, len(s.rows)), max(most, zeros(s))
		if cut := newSheet(whole.from, truncated, seed); !cut.held || 2*len(cut.rows) >= 59-1 || len(cut.rows) == 0 {
			t.Fatalf("seed %d: a truncated one has %d rows", seed, len(cut.rows))
		}
	}
	if few != 59 || most*100/few >= 50 {
		t.Errorf("a good upload has %d rows at least and %d zeros at most", few, most)
	}
	// One item of those that are left may be absent, and is less than a tenth of them.
	if left := 60 - most - 1; left < 11 {
		t.Errorf("%d items are left", left)
	}
}
