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
	for _, k := range []kind{upload, write, kill, stop, pause, broken, silence, reenable, leap, unwritable, roll} {
		if seen[k] == 0 {
			t.Errorf("no %s", k)
		}
	}
}
