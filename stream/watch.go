package stream

// This file: the loop that watches the other instances and reads the rows of the shards when they may have changed.

import (
	"context"
	"maps"
	"slices"
	"time"

	"go.uber.org/zap"

	"inventoryd/internal/lease"
)

// watch is one goroutine.
type watch struct {
	*tenure
	others *lease.Watch
	owners map[string]bool // instances that were seen to hold shards
	dead   map[string]bool // those that are known to be dead
	tick   func()
}

func (t *tenure) newWatch(group lease.Group) *watch {
	return &watch{tenure: t, others: lease.NewWatch(group, t.beat.ID(), t.config.LeaseDuration, nil), dead: map[string]bool{}}
}

// run looks every third of the lease's duration (± 20 %), and exactly when a suspect's time is over.
func (w *watch) run(ctx context.Context) error {
	tick, done := w.loop("stream-watch")
	defer done()
	w.tick = tick
	for first := true; ; first = false {
		if err := w.look(ctx, first); err != nil {
			return err
		}
		if err := rest(ctx, w.others.Pause(), tick); err != nil {
			return err
		}
	}
}

// look reads the instances' rows and buries the dead. The shards' rows are read only where they may have changed: at
// the start, while another instance lives, and when one has died. An instance that is alone reads none.
func (w *watch) look(ctx context.Context, first bool) error {
	owners := slices.Collect(maps.Keys(w.owners))
	var view lease.View
	err := w.caller.persist(ctx, leasePlace, w.tick, func(ctx context.Context) (err error) {
		view, err = w.others.Look(ctx, owners...)
		return err
	})
	if err != nil {
		return err
	}
	for _, i := range view.Buried {
		w.log.Info("another instance was found dead", zap.String("instance", i.ID), zap.String("host", i.Host))
	}
	company := len(view.Alive()) > 1
	for id := range view.Dead {
		company = company || !w.dead[id]
	}
	w.dead = view.Dead
	for id := range w.owners { // an owner without a row may be dead any moment
		company = company || id != w.beat.ID() && !slices.ContainsFunc(view.Instances, func(i lease.Instance) bool { return i.ID == id && !i.Missing })
	}
	if !w.rescan.Swap(false) && !first && !company {
		return nil
	}
	return w.readShards(ctx)
}

// readShards reads all rows of shards and hands them to the coordinator.
func (w *watch) readShards(ctx context.Context) error {
	var rows []shardRow
	asked := time.Now()
	err := w.caller.persist(ctx, leasePlace, w.tick, func(ctx context.Context) (err error) {
		asked = time.Now()
		rows, err = w.store.shards(ctx)
		return err
	})
	if err != nil {
		return err
	}
	w.owners = map[string]bool{}
	dead := map[string]bool{}
	for _, row := range rows {
		w.discovery.note(row.key())
		if row.Owner != "" && row.Owner != w.beat.ID() {
			w.owners[row.Owner] = true
			dead[row.Owner] = w.dead[row.Owner]
		}
	}
	now, service := time.Now(), w.clock.now()
	w.events.put(func(c *catalogue) {
		c.dead = dead
		for _, row := range rows {
			c.learn(row, now, service.Sub(row.Ended))
		}
		c.compare(rows, asked)
	})
	return nil
}
