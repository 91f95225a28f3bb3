package page

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"inventoryd/internal/inventory"
	"inventoryd/internal/web/stock"
)

func TestSinceWhenIsAskedAPartAtATimeAndRememberedForAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		asked, down := 0, false
		s := newShortages(func(_ context.Context, keys []inventory.Key) (map[inventory.Key]time.Time, error) {
			if down {
				return nil, errors.New("down")
			}
			asked += len(keys)
			since := map[inventory.Key]time.Time{}
			for _, k := range keys {
				since[k] = began
			}
			return since, nil
		})
		keys := make([]inventory.Key, 1200)
		for i := range keys {
			keys[i] = inventory.Key{Store: "Berlin", Item: fmt.Sprint(i)}
		}
		for round, want := range []struct{ known, asked int }{{500, 500}, {1000, 1000}, {1200, 1200}} {
			for range 3 { // lookers
				since, pending := s.of(t.Context(), keys)
				if len(since) != want.known || pending != 1200-want.known || asked != want.asked {
					t.Errorf("round %d: %d known, %d pending, %d asked", round, len(since), pending, asked)
				}
			}
			time.Sleep(operatorInterval)
		}
		down = true
		time.Sleep(sinceKept)
		if since, pending := s.of(t.Context(), keys); len(since) != 1200 || pending != 0 {
			t.Errorf("in an outage %d are known, %d pending", len(since), pending)
		}
		down = false
		for range 30 { // a shop whose shortages change all the time
			for i := range keys {
				keys[i].Item = fmt.Sprint(len(keys)+asked, " ", i)
			}
			s.of(t.Context(), keys)
			time.Sleep(operatorInterval)
		}
		if len(s.known) > sinceMost {
			t.Errorf("%d are remembered", len(s.known))
		}
		if most := 500 * (30 + 4); asked > most {
			t.Errorf("%d were asked for in %v", asked, time.Since(began))
		}
	})
}

func TestTheRestockListBeginsWithTheOldestShortage(t *testing.T) {
	began := time.Date(2026, 11, 20, 8, 0, 0, 0, time.UTC)
	sources := Sources{Since: func(context.Context, []inventory.Key) (map[inventory.Key]time.Time, error) {
		return map[inventory.Key]time.Time{
			{Store: "Berlin", Item: "Young"}: began.Add(48 * time.Hour), {Store: "Berlin", Item: "Old"}: began,
			{Store: "Bonn", Item: "Middle"}: began.Add(24 * time.Hour),
		}, nil
	}}
	inWorld(t, func(c *Config, _ *stock.Config) { c.Sources = sources }, func(t *testing.T, w *world) {
		for _, item := range []string{"Young", "Old", "Unknown"} {
			w.put("Berlin", item, 0)
		}
		w.put("Bonn", "Middle", 0)
		body := w.ask("/restock").Body.String()
		at := -1
		for _, item := range []string{"Old", "Middle", "Young", "Unknown"} {
			next := strings.Index(body, ">"+item+"<")
			if next <= at {
				t.Errorf("%s is not in its place:\n%s", item, body)
			}
			at = next
		}
		if !strings.Contains(body, "the oldest shortage first") {
			t.Error(body)
		}
	})
}
