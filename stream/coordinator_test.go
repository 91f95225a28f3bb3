package stream

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"inventoryd/internal/lease"
)

// desk is a coordinator of n shards that other instances read; it leads, and no goroutine runs.
func desk(tb testing.TB, n int) *coordinator {
	config := DefaultConfig()
	config.App = "inventoryd"
	r, err := New(nil, nil, table, func(context.Context, []Record) error { return nil }, config)
	if err != nil {
		tb.Fatal(err)
	}
	t := &tenure{Reader: r, labels: map[string]bool{"2026": true}, mail: newMail(), left: make(chan struct{})}
	t.stream.ARN = "arn:aws:dynamodb:us-east-1:123456789012:table/Orders/stream/2026"
	t.lives.stop, t.lives.work = tb.Context(), tb.Context()
	t.beat = lease.New(lease.Group{}, lease.Instance{ID: "me", Duration: time.Minute}, nil)
	t.discovery = newDiscovery(nil, store{}, r.caller, &r.clock, t.found)
	c := newCoordinator(t)
	var rows []shardRow
	for i := range n {
		rows = append(rows, shardRow{Label: "2026", ID: fmt.Sprintf("shard-%05d", i), Owner: fmt.Sprint("other-", i%4), Epoch: 1, Confirmed: 1})
	}
	view := lease.View{Dead: map[string]bool{}, Instances: []lease.Instance{{ID: "me", Joined: 1}}}
	for i := range 4 {
		view.Instances = append(view.Instances, lease.Instance{ID: fmt.Sprint("other-", i), Joined: int64(2 + i)})
	}
	c.seen(view)
	c.catalogue.loads["me"] = 1e9 // so that nothing starts here
	for _, row := range rows {
		c.catalogue.learn(row, time.Now(), 0)
	}
	c.advance()
	return c
}

// rollOver is the event of a shard that has ended and of its child, which nobody has yet.
func rollOver(c *coordinator, i int) {
	parent := shardRow{Label: "2026", ID: fmt.Sprintf("shard-%05d", i), Epoch: 1, Checkpoint: ended, Children: []string{"x"}}
	c.catalogue.learn(parent, time.Now(), 0)
	c.catalogue.learn(shardRow{Label: "2026", ID: parent.ID + "-child", Parent: parent.ID}, time.Now(), 0)
	c.advance()
}

// TestAnEventCostsTheSameHoweverManyShardsThereAre: a shard's end and its child's beginning.
func TestAnEventCostsTheSameHoweverManyShardsThereAre(t *testing.T) {
	cost := func(n int) time.Duration { // of one event in the quicker half: a busy machine interrupts some
		var took []time.Duration
		for range 3 {
			c := desk(t, n)
			for i := range 100 {
				begun := time.Now()
				rollOver(c, i)
				took = append(took, time.Since(begun))
			}
			if got := len(c.orders.take()); got != 100 {
				t.Fatalf("%d orders after 100 events", got)
			}
		}
		slices.Sort(took)
		return took[len(took)/4]
	}
	few, many := cost(200), cost(5000)
	t.Logf("stream_event_us_200 %.1f us", float64(few.Nanoseconds())/1000)
	t.Logf("stream_event_us_5000 %.1f us", float64(many.Nanoseconds())/1000)
	if many > 8*few+100*time.Microsecond {
		t.Errorf("an event takes %v with 200 shards, %v with 5,000", few, many)
	}
}

func BenchmarkEventWith5000Shards(b *testing.B) {
	c := desk(b, 5000)
	for i := range b.N {
		if i%4000 == 3999 {
			b.StopTimer()
			c = desk(b, 5000)
			b.StartTimer()
		}
		rollOver(c, i%4000)
	}
}
