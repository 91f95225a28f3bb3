package notifier

// One turn: verify what is due of a store, write it down, deliver it.

import (
	"context"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"inventoryd/internal/inventory"
	"inventoryd/internal/state"
)

// fresh is how long what a look has found is told; what has its turn later, because those before it took so long, is looked
// at anew.
const fresh = 10 * time.Second

// editsAbout is how many rows a turn writes at once.
const editsAbout = 16

// turn tells what is due of a shelf; it reports whether a message went out.
func (t *term) turn(ctx context.Context, w *work) (told bool, err error) {
	if w.tell != "" {
		return t.tellFeeds(ctx, w)
	}
	s := t.n.settings.Load()
	seen, err := t.look(ctx, s, keysOf(w.store, w.items))
	if err != nil {
		return false, err
	}
	for _, kind := range []state.Kind{state.Shortage, state.Restock, state.Reminder} {
		for _, alerts := range batches(seen.alerts[kind], s.GroupItems) {
			if told && t.n.clock.now().Sub(seen.v) > fresh {
				for _, a := range alerts {
					t.n.queue.add(w.shelfKey, a.name, rankOf(string(kind)), a.Since)
				}
				continue
			}
			sent, err := t.send(ctx, w, s, kind, alerts, seen.v)
			told = told || sent
			if err != nil {
				return told, err
			}
		}
	}
	return told, nil
}

// batches are the alerts that go into one message: of one event, and not more than that many.
func batches(alerts []*Alert, most int) [][]*Alert {
	byEvent := map[Event][]*Alert{}
	for _, a := range alerts {
		byEvent[a.Event] = append(byEvent[a.Event], a)
	}
	var all [][]*Alert
	for _, e := range []Event{OutOfStock, LowStock, Restocked, Reminder} {
		some := byEvent[e]
		if most == 0 && len(some) > 0 {
			all = append(all, some)
			continue
		}
		if most > 0 {
			all = slices.AppendSeq(all, slices.Chunk(some, most))
		}
	}
	return all
}

// seen is what a look found due.
type seen struct {
	alerts map[state.Kind][]*Alert
	v      time.Time
}

// look reads rows, then counts, and does what is to be done besides telling.
func (t *term) look(ctx context.Context, s *settings, keys []inventory.Key) (*seen, error) {
	n := t.n
	rows, err := n.knownRows(ctx, keys)
	if err != nil {
		return nil, err
	}
	for _, b := range rows.broken {
		if err := t.mend(ctx, s, b); err != nil {
			return nil, err
		}
	}
	var open []inventory.Key // those of which the count matters
	for _, k := range keys {
		if i, ok := rows.rows[k]; ok && phaseOf(i) != inStock && phaseOf(i) != refusedRow {
			open = append(open, k)
		}
	}
	present, err := n.presentStock(ctx, open, s.texts.attributes)
	if err != nil {
		return nil, err
	}
	found := &seen{alerts: map[state.Kind][]*Alert{}, v: rows.v}
	edits, inner := errgroup.WithContext(ctx)
	edits.SetLimit(editsAbout)
	for _, k := range keys {
		i, ok := rows.rows[k]
		if !ok {
			continue
		}
		x := &sight{row: i, present: present.items[k], unreadable: present.unreadable[k], rules: &s.Rules, v: rows.v}
		do, after := x.decide()
		if do == tell {
			kind := kindOf(phaseOf(i))
			found.alerts[kind] = append(found.alerts[kind], s.alertOf(x, kind, present.others[k]))
			continue
		}
		edits.Go(func() error { return t.settle(inner, i, after, do) })
	}
	return found, edits.Wait()
}

// settle writes what a look leads to besides telling. What has moved meanwhile is looked at again.
func (t *term) settle(ctx context.Context, was, is state.Item, do deed) error {
	n := t.n
	written, err := n.edit(ctx, was, is)
	if refused(err) {
		return n.tolerate(err)
	}
	if err != nil {
		return fmt.Errorf("write row of %s/%s: %w", was.Store, was.Item, err)
	}
	switch {
	case !written:
		n.queue.add(shelfKey{store: was.Store}, was.Item, rankShortage, was.At)
	case do == revoke:
		n.queue.add(shelfKey{store: was.Store}, was.Item, rankRestock, is.At)
	case do == delay:
		n.meters.delayed.add(ctx, 1)
	}
	if written && (do == closed || do == revoke) && phaseOf(was) == untold {
		n.meters.recovered.add(ctx, 1)
	}
	return nil
}

// mend writes a row anew that is none of ours, by what the table holds.
func (t *term) mend(ctx context.Context, s *settings, b brokenRow) error {
	n := t.n
	n.noteMended(b.err)
	present, err := n.presentStock(ctx, []inventory.Key{b.key}, false)
	if err != nil {
		return err
	}
	is := s.madeTrue(state.Item{Store: b.key.Store, Item: b.key.Item}, present.items[b.key], n.clock.now())
	err = n.persist(ctx, func() error { return n.overwrite(ctx, b.row, is) })
	if isRefusedCondition(err) {
		err = nil // somebody was faster
	}
	if err := n.tolerate(err); err != nil {
		return err
	}
	if is.Due.Kind != "" {
		n.queue.add(shelfKey{store: b.key.Store}, b.key.Item, rankShortage, is.At)
	}
	return nil
}

// alertOf is what is said of an item.
func (s *settings) alertOf(x *sight, kind state.Kind, others map[string]string) *Alert {
	i := x.row
	a := &Alert{
		Store: shown(i.Store), Item: shown(i.Item), Count: i.Count, PreviousCount: i.Previous, Threshold: s.Threshold,
		Since: i.At.UTC(), store: i.Store, name: i.Item, id: i.Due.EventID, position: i.Began.Position,
	}
	if x.present != nil {
		a.Count, a.Threshold = x.present.Count, s.limit(x.present)
	}
	if others != nil {
		a.Attributes = make(map[string]string, len(others))
		for name, value := range others {
			a.Attributes[name] = shown(value)
		}
	}
	switch kind {
	case state.Restock:
		a.Event, a.position = Restocked, i.Told.Position
	case state.Reminder:
		a.Event, a.Since, a.id, a.position = Reminder, i.Began.At.UTC(), i.EventID, i.Position
	default:
		a.Event = OutOfStock
		if a.Threshold > 0 {
			a.Event = LowStock
		}
	}
	if a.id == "" {
		a.id = i.EventID
	}
	return a
}

// send writes down what is to be said of the alerts, and delivers it.
func (t *term) send(ctx context.Context, w *work, s *settings, kind state.Kind, alerts []*Alert, v time.Time) (told bool, err error) {
	drafts, broken := s.texts.drafts(kind, alerts, v)
	if broken != nil {
		t.n.noteBrokenText(broken)
	}
	if err := t.writeDown(ctx, drafts, nil); err != nil {
		return false, t.n.tolerate(err) // what cannot be written down stays due
	}
	told, err = t.deliverAll(ctx, w, s, drafts, alerts)
	if told && kind != state.Reminder {
		now := t.n.clock.now()
		for _, a := range alerts {
			t.n.meters.latency.Record(ctx, max(0, now.Sub(a.Since).Seconds()))
		}
	}
	return told, err
}
