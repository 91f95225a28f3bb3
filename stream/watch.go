package stream

// This file: the loop that watches the other instances and reads the rows of the shards when they may have changed.

import (
	"context"
	"math/rand/v2"
	"time"

	"go.uber.org/zap"

	"inventoryd/internal/lease"
)

// watch is one goroutine. It owns the observer.
type watch struct {
	*tenure
	group    lease.Group
	observer *lease.Observer
	owners   map[string]bool // instances that were seen to hold shards
	dead     map[string]bool // those that were found dead
	tick     func()
}

func (t *tenure) newWatch(group lease.Group) *watch {
	return &watch{tenure: t, group: group, observer: lease.NewObserver(t.config.LeaseDuration), dead: map[string]bool{}}
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
		pause := time.Duration(float64(w.config.LeaseDuration) / 3 * (0.8 + 0.4*rand.Float64()))
		if due, suspect := w.observer.Due(); suspect {
			pause = min(pause, max(0, time.Until(due)))
		}
		if err := rest(ctx, pause, tick); err != nil {
			return err
		}
	}
}

// look reads the instances' rows and buries the dead. The shards' rows are read only where they may have changed: at
// the start, while another instance lives, and when one has died. An instance that is alone reads none.
func (w *watch) look(ctx context.Context, first bool) error {
	var instances []lease.Instance
	asked := time.Now()
	_, err := w.caller.persist(ctx, leasePlace, w.tick, func(ctx context.Context) (err error) {
		asked = time.Now()
		instances, err = w.group.List(ctx)
		return err
	})
	if err != nil {
		return err
	}
	company, err := w.judge(ctx, asked, instances)
	if err != nil || !w.rescan.Swap(false) && !first && !company {
		return err
	}
	return w.readShards(ctx)
}

// judge has the observer look at the others. It reports whether one lives or has just died.
func (w *watch) judge(ctx context.Context, asked time.Time, instances []lease.Instance) (company bool, err error) {
	rows := map[string]lease.Instance{}
	for _, i := range instances {
		rows[i.ID] = i
	}
	owners := make([]string, 0, len(w.owners))
	for id := range w.owners {
		owners = append(owners, id)
	}
	for id, verdict := range w.observer.Look(asked, time.Now(), instances, owners...) {
		switch {
		case id == w.beat.ID() || w.dead[id]:
			continue
		case verdict != lease.Dead:
			company = true
			continue
		}
		row, ok := rows[id]
		buried := !ok || row.Dead
		if !buried {
			_, err = w.caller.persist(ctx, leasePlace, w.tick, func(ctx context.Context) (err error) {
				buried, err = w.group.Bury(ctx, row)
				return err
			})
			if err != nil {
				return company, err
			}
			w.log.Info("another instance was found dead", zap.String("instance", id), zap.String("host", row.Host), zap.Bool("confirmed", buried))
		}
		company = true
		if buried {
			w.dead[id] = true
		}
	}
	return company, nil
}

// readShards reads all rows of shards and hands them to the coordinator.
func (w *watch) readShards(ctx context.Context) error {
	var rows []shardRow
	asked := time.Now()
	_, err := w.caller.persist(ctx, leasePlace, w.tick, func(ctx context.Context) (err error) {
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
