package notifier

import (
	"testing"
	"time"

	"inventoryd/internal/inventory"
	"inventoryd/internal/state"
)

// What a page asks for: how much is due, what was told, what of one item, and since when items are out.
func TestWhatAPageAsksFor(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		n, stop := w.running("a", func(c *Config) { c.GroupInterval = 0 })
		w.happen(n, "Bonn/echo:5>0 Bonn/lima:5>0 Rome/echo:5>0")
		time.Sleep(time.Minute)
		stop()
		ctx, book := t.Context(), w.book()
		if b, err := book.Backlog(ctx, time.Now()); err != nil || b.Due != 0 || b.Failed != 0 || b.More || !b.Oldest.IsZero() {
			t.Errorf("all is told: %+v, %v", b, err)
		}
		told, err := book.Recent(ctx, time.Now(), 20)
		if err != nil || len(told) != 2 {
			t.Errorf("%d messages, %v: one for each store", len(told), err)
		}
		if told, err := book.Recent(ctx, time.Now(), 1); err != nil || len(told) != 1 {
			t.Errorf("%d of 1, %v", len(told), err)
		}
		days := []time.Time{time.Now()}
		of, err := book.Told(ctx, inventory.Key{Store: "Bonn", Item: "lima"}, days)
		if err != nil || len(of) != 1 || of[0].Store != "Bonn" {
			t.Errorf("%+v, %v", of, err)
		}
		if of, err := book.Told(ctx, inventory.Key{Store: "Rome", Item: "lima"}, days); err != nil || len(of) != 0 {
			t.Errorf("another store's: %+v, %v", of, err)
		}
		rows, err := book.Items(ctx, []inventory.Key{{Store: "Bonn", Item: "echo"}, {Store: "Bonn", Item: "nothing"}, {Store: "Rome", Item: "echo"}})
		if err != nil || len(rows) != 2 || rows[0].Stock != state.Out {
			t.Errorf("%+v, %v", rows, err)
		}
		m := w.instance("b", nil) // nobody tells
		w.happen(m, "Bonn/kilo:5>0 Rome/kilo:5>0")
		if b, err := book.Backlog(ctx, time.Now().Add(time.Minute)); err != nil || b.Due != 2 || b.Oldest.IsZero() {
			t.Errorf("two are due: %+v, %v", b, err)
		}
	})
}
