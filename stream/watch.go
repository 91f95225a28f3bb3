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
	view   lease.View      // as the last look showed it
	owners map[string]bool // instances that were seen to hold shards
	read   time.Time       // when the shards' rows were read last; zero: not yet
	tick   func()
}

func (t *tenure) newWatch() *watch {
	return &watch{tenure: t, others: lease.NewWatch(t.group, t.beat.ID(), t.config.LeaseDuration, t.config.random())}
}

// rowsEvery is how often every instance reads all rows, whatever it is told.
const rowsEvery = time.Minute

// run looks at the instances every third of the lease's duration (± 20 %) and exactly when a suspect's time is over, and
// reads the shards' rows once a minute, when it is told to and, with company, where it leads, after each look.
func (w *watch) run(ctx context.Context) error {
	tick, done := w.loop("stream.watch")
	defer done()
	w.tick = tick
	for {
		rows, err := w.look(ctx)
		if err != nil {
			return err
		}
		if err := w.tell(ctx, rows); err != nil {
			return err
		}
		for due := time.Now().Add(w.others.Pause()); ; {
			rung, err := w.wait(ctx, time.Until(due))
			if err != nil {
				return err
			}
			if !rung {
				break
			}
			if err := w.tell(ctx, true); err != nil {
				return err
			}
		}
	}
}

// wait rests until a look is due or it is told to read the rows.
func (w *watch) wait(ctx context.Context, pause time.Duration) (rung bool, err error) {
	for pause > 0 {
		part := min(pause, tickEvery)
		timer := time.NewTimer(part)
		select {
		case <-w.readRows:
			rung = true
		case <-timer.C:
		case <-ctx.Done():
		}
		timer.Stop()
		w.tick()
		if rung || ctx.Err() != nil {
			return rung, context.Cause(ctx)
		}
		pause -= part
	}
	return false, nil
}

// look reads the instances' rows and buries the dead. It reports whether the shards' rows are to be read too.
func (w *watch) look(ctx context.Context) (rows bool, err error) {
	owners := slices.Collect(maps.Keys(w.owners))
	var view lease.View
	err = w.caller.persist(ctx, leasePlace, w.tick, func(ctx context.Context) (err error) {
		view, err = w.others.Look(ctx, owners...)
		return err
	})
	if err != nil {
		return false, err
	}
	for _, i := range view.Buried {
		w.log.Info("another instance was found dead", zap.String("instance", i.ID), zap.String("host", i.Host))
	}
	died := false
	for id := range view.Dead {
		died = died || !w.view.Dead[id]
	}
	w.view = view
	w.longest.Store(int64(w.others.Longest()))
	w.discovery.share(len(view.Alive()))
	leader, _ := view.Leader("")
	leads := leader.ID == w.beat.ID()
	if leads && !w.leads.Swap(true) {
		w.listedAt.Store(time.Now().UnixNano())
		w.asked.put(question{now: true})
	} else if !leads {
		w.leads.Store(false)
	}
	if err := w.yield(ctx); err != nil {
		return false, err
	}
	company := slices.ContainsFunc(view.Instances, func(i lease.Instance) bool { return i.ID != w.beat.ID() && !i.Dead && !view.Dead[i.ID] })
	return w.read.IsZero() || died || time.Since(w.read) >= rowsEvery || leads && company, nil
}

// yieldAfter is for how long a leader may be without a complete listing while another reads well.
const yieldAfter = 2 * time.Minute

// yield takes a new number where this instance leads and cannot list, and another reads well: that one leads then.
func (w *watch) yield(ctx context.Context) error {
	if !w.leads.Load() || time.Since(time.Unix(0, w.listedAt.Load())) < yieldAfter {
		return nil
	}
	now := w.clock.now()
	if !slices.ContainsFunc(w.view.Alive(), func(i lease.Instance) bool {
		return i.ID != w.beat.ID() && !i.Leaving && now.Sub(i.ReadAt) <= readsWell
	}) {
		return nil
	}
	w.log.Warn("this instance cannot list the shards, another reads: it leads no more")
	w.leads.Store(false)
	return w.caller.persist(ctx, leasePlace, w.tick, w.beat.Renumber)
}

// tell hands on what is known of the instances and, where asked for, of the shards.
func (w *watch) tell(ctx context.Context, rows bool) error {
	s := survey{view: w.view}
	if rows {
		w.read = time.Now()
		err := w.caller.persist(ctx, leasePlace, w.tick, func(ctx context.Context) (err error) {
			s.asked = time.Now()
			if s.rows, err = w.store.shards(ctx); err == nil && !w.leads.Load() {
				s.stream, _, err = w.store.stream(ctx) // the leader goes over to a new stream, the others hear of it
			}
			return err
		})
		if err != nil {
			return err
		}
		w.owners = map[string]bool{}
		for _, row := range s.rows {
			w.discovery.note(row.key())
			if row.Owner != "" && row.Owner != w.beat.ID() {
				w.owners[row.Owner] = true
			}
		}
	}
	w.events.put(func(c *coordinator) { c.surveyed(s) })
	return nil
}
