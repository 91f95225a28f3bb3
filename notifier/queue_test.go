package notifier

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

func TestAShelfGivesTheMostUrgentAndOfTheseTheOldestFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(Pace{})
		q.start()
		k := shelfKey{store: "Berlin"}
		add := func(r rank, items ...string) {
			for _, i := range items {
				q.add(k, i, r, time.Time{})
			}
		}
		add(rankOther, "care")
		add(rankReminder, "a", "b")
		add(rankRestock, "c", "a") // a has become more urgent
		add(rankShortage, "d", "e")
		add(rankReminder, "d") // not less
		var got [][]string
		for range 3 {
			w, _, _ := q.take(2)
			got = append(got, w.items)
			q.done(k, true)
		}
		if want := [][]string{{"d", "e"}, {"c", "a"}, {"b", "care"}}; fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%v, want %v", got, want)
		}
		if n, _, _ := q.backlog(); n != 0 {
			t.Errorf("%d are left", n)
		}
	})
}

func TestStoresThatWaitEquallyLongAreToldInTheOrderOfTheirNames(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(Pace{})
		q.start()
		for i := range 20 {
			q.add(shelfKey{store: fmt.Sprintf("S%02d", (7*i)%20)}, "item", rankShortage, time.Time{})
		}
		var got []string
		for range 20 {
			w, _, _ := q.take(0)
			got = append(got, w.store)
		}
		if !slices.IsSorted(got) {
			t.Errorf("%v", got)
		}
	})
}
