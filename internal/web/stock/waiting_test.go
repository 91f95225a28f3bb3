package stock

import (
	"context"
	"fmt"
	"testing"
	"time"
)

// Others look at more than the budget can have read, and the list of all stores is wanted too; whoever comes to a store that
// two seconds' worth of units read sees all of it at once.
func TestWhoComesToAStoreSeesItWhileOthersUseTheBudgetUp(t *testing.T) {
	inWorld(t, func(c *Config) { c.Units = 5 }, func(t *testing.T, w *world) {
		for i := range 3 {
			w.fill(fmt.Sprint("Store ", i), 2_500)
		}
		w.Ask("")
		for _, store := range []string{"Store 0", "Store 1"} {
			l, err := w.Watch(store)
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
		}
		time.Sleep(15 * time.Second)
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		begin := time.Now()
		v := w.Look(ctx, "Store 2").View
		if took := time.Since(begin); v == nil || !v.Whole || v.Totals.Items != 2_500 || took > 500*time.Millisecond {
			t.Errorf("after %v: %+v", took, v)
		}
	})
}

// However many come, those who look already keep four fifths of the budget.
func TestWhoeverComesDoesNotHoldUpThoseWhoLook(t *testing.T) {
	inWorld(t, func(c *Config) { c.Units = 4 }, func(t *testing.T, w *world) {
		w.put("Berlin", "Kettle", 1)
		l, err := w.Watch("Berlin")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		for i := range 200 {
			w.put(fmt.Sprint("Store ", i), "Kettle", 1)
		}
		began, spent := time.Now(), w.Spent()
		for i := range 200 { // ten a second, of half a unit each: more than there is
			ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
			w.Look(ctx, fmt.Sprint("Store ", i))
			<-ctx.Done()
			cancel()
			if v := w.Last("Berlin").View; v == nil || time.Since(v.AsOf) > 15*time.Second {
				t.Fatalf("after %d have come: %+v", i, v)
			}
		}
		if units, most := w.Spent()-spent, 4*(time.Since(began).Seconds()+mostSaved+mostHeld)+0.5; units > most {
			t.Errorf("%v units, %v at most", units, most)
		}
	})
}
