package notifier

import (
	"cmp"
	"context"
	"fmt"
	"sync"
	"sync/atomic"

	"inventoryd/internal/inventory"
	"inventoryd/internal/state"
)

// delivery is one call of Handle at work: it publishes and marks the units of its batch.
type delivery struct {
	n      *Notifier
	topic  *topic
	send   bool        // false: shadow mode
	halted atomic.Bool // since the first transient failure: no further unit begins
}

// run does the units, begun in order and as many at once as there are slots, and waits for all of them.
func (d *delivery) run(ctx context.Context, units []*unit) {
	var begun sync.WaitGroup
	defer begun.Wait()
	for _, u := range units {
		for _, before := range u.after {
			<-before.ended
		}
		select {
		case d.n.slots <- struct{}{}:
		case <-ctx.Done():
			return
		}
		if d.halted.Load() || ctx.Err() != nil {
			<-d.n.slots
			return
		}
		begun.Go(func() {
			defer close(u.ended)
			defer func() { <-d.n.slots }()
			d.do(ctx, u)
		})
	}
}

// do publishes what of the unit is to be published, then marks what has been.
func (d *delivery) do(ctx context.Context, u *unit) {
	if d.send {
		d.publish(ctx, u)
	}
	d.settle(ctx, u)
	for _, s := range u.steps {
		if s.err != nil && !isRefusal(s.err) {
			d.halted.Store(true)
		}
	}
}

// publish sends the alerts of the unit, but for those that SNS accepted in an earlier call whose marks failed.
func (d *delivery) publish(ctx context.Context, u *unit) {
	receipts := &d.n.receipts
	var send []*step
	for _, s := range u.steps {
		if s.alert != nil && s.messageID == "" {
			send = append(send, s)
		}
	}
	if len(send) == 0 {
		return
	}
	if err := receipts.reserve(len(send), d.n.config.wall()); err != nil {
		for _, s := range send {
			s.err = err
		}
		return
	}
	d.n.publish(ctx, d.topic, send)
	receipts.collect(send, d.n.config.wall())
	for _, s := range send {
		d.n.noteSent(ctx, s)
	}
}

// settle writes the rows of the unit's steps that need no further message: first the history, so that an alert that is
// marked is always in it, then the marks.
func (d *delivery) settle(ctx context.Context, u *unit) {
	var ready []*step
	var history []state.AlertHistory
	for _, s := range u.steps {
		if s.err != nil {
			continue
		}
		ready = append(ready, s)
		if s.alert != nil {
			history = append(history, d.n.historyOf(s))
		}
	}
	if err := d.n.writeHistory(ctx, history); err != nil {
		for _, s := range ready {
			s.err = fmt.Errorf("write the history of alerts to %s: %w", d.n.config.StateTable, err)
		}
		return
	}
	var marks sync.WaitGroup
	for _, s := range ready {
		marks.Go(func() {
			if err := d.n.mark(ctx, s.row); err != nil {
				s.err = fmt.Errorf("mark alert row in %s: %w", d.n.config.StateTable, err)
				return
			}
			s.done = true
			d.n.noteDone(ctx, s, d.send)
			if s.alert != nil {
				d.n.receipts.settle(s.alert.id)
			}
		})
	}
	marks.Wait()
}

// failure is the error of the first change that is not done; nil when all are. A step that was not tried has the error
// of one that was, or ctx's where none was.
func failure(ctx context.Context, steps []*step) error {
	var first *step
	var passing error // of any step
	for _, s := range steps {
		if s.done {
			continue
		}
		if first == nil || s.undone() < first.undone() {
			first = s
		}
		if s.err != nil && !isRefusal(s.err) {
			passing = cmp.Or(passing, s.err)
		}
	}
	if first == nil {
		return nil
	}
	err := cmp.Or(first.err, passing, ctx.Err())
	return &inventory.Failure{Index: first.undone(), Permanent: isRefusal(err), Err: err}
}

// undone is the change at which a step that is not done stands. A refusal is that of the alert's own change, not of those
// before it whose marks have waited for it: they matter no more once the alert is given up.
func (s *step) undone() int {
	if isRefusal(s.err) {
		return s.told
	}
	return s.first
}
