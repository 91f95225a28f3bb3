package notifier

// From a message that is written down to one that is history.

import (
	"context"
	"fmt"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

	"inventoryd/internal/attribute"
	"inventoryd/internal/state"
)

// deliverAll delivers messages in their order. What is not delivered is taken back, and due again.
func (t *term) deliverAll(ctx context.Context, w *work, s *settings, drafts []state.Outgoing, alerts []*Alert) (told bool, err error) {
	for i := range drafts {
		o := &drafts[i]
		if err := t.n.gate.allowNext(ctx, w); err != nil {
			return told, err
		}
		done, why, err := t.deliver(ctx, o, false)
		if err == nil && done == refusedContent {
			err = t.divide(ctx, w, s, o, alerts, why)
		}
		told = told || done == delivered
		if err != nil {
			return told, err
		}
		if done == undelivered { // the rest need not be tried
			for j := range drafts[i+1:] {
				if err := t.putBack(ctx, &drafts[i+1+j], false); err != nil {
					return told, err
				}
			}
			return told, nil
		}
	}
	return told, nil
}

// outcome is how a delivery ended.
type outcome uint8

const (
	delivered outcome = iota
	undelivered
	refusedContent
)

// deliver publishes a message and finishes it. Where SNS cannot be reached the same message is sent again for some
// minutes; then, and where SNS has surely not taken it, it is taken back. perhaps: SNS may have it from before. why is
// SNS's refusal of the content.
func (t *term) deliver(ctx context.Context, o *state.Outgoing, perhaps bool) (done outcome, why, err error) {
	g := t.n.gate
	for o.Sent == "" {
		if t.n.clock.now().Sub(o.Written) > resendFor { // also one that waited that long for its turn
			return undelivered, nil, t.putBack(ctx, o, perhaps)
		}
		failed := t.attempt(ctx, o)
		switch {
		case failed == nil:
			continue
		case ctx.Err() != nil:
			return undelivered, nil, ctx.Err()
		case failed.fate == content:
			t.n.noteRefused(o, failed.error)
			return refusedContent, failed.error, nil
		}
		t.noteFailure(ctx, failed.error)
		perhaps = perhaps || failed.perhaps
		if failed.fate == undone {
			return undelivered, nil, t.putBack(ctx, o, perhaps)
		}
		if err := g.calm(ctx); err != nil {
			return undelivered, nil, err
		}
	}
	return delivered, nil, t.complete(ctx, o)
}

// attempt sends a message once, or in shadow mode does as if.
func (t *term) attempt(ctx context.Context, o *state.Outgoing) *unpublished {
	n := t.n
	if o.Shadow {
		o.Sent = "-"
		n.meters.shadowed.add(ctx, len(o.Subjects))
		return nil
	}
	if t.publishing.Err() != nil {
		return &unpublished{error: context.Cause(t.publishing), fate: undone}
	}
	id, failed := n.publish(t.publishing, t.topic, o)
	if failed != nil {
		return failed
	}
	o.Sent = id
	n.gate.succeed()
	n.memory.noteAccepted(o)
	n.meters.messages.add(ctx, 1)
	n.meters.published.add(ctx, len(o.Subjects))
	return nil
}

// noteFailure counts and shows that a message did not get out.
func (t *term) noteFailure(ctx context.Context, err error) {
	n := t.n
	n.meters.failed.add(ctx, 1)
	n.memory.notePublishing(err)
	if count, due := n.failures.add(1); due {
		n.log.Warn("messages do not get out, what is due waits", zap.Int("attempts", count), zap.Error(err))
	}
	if n.gate.fail() && n.config.Yield != nil {
		if err := n.config.Yield(ctx); err != nil && ctx.Err() == nil {
			n.log.Warn("another instance could not be asked to tell", zap.Error(err))
		}
	}
}

// complete records that a message is out: first that, then its items, then the history. It has some seconds when the
// daemon stops, so that an orderly stop repeats nothing.
func (t *term) complete(ctx context.Context, o *state.Outgoing) error {
	n := t.n
	ctx, stop := graceful(ctx, ctx)
	defer stop()
	if err := n.tolerate(t.noteSent(ctx, o)); err != nil {
		return fmt.Errorf("record message %s as sent: %w", o.ID, err)
	}
	if err := t.clear(ctx, o); err != nil {
		return err
	}
	h := state.HistoryOf(*o)
	if err := n.tolerate(t.transact(ctx, t.delete(state.OutgoingKey(n.config.App, o.ID)), t.put(h.Row(n.config.App)))); err != nil {
		return fmt.Errorf("write the history of message %s: %w", o.ID, err)
	}
	n.noteTold(o)
	return nil
}

// noteTold logs a message that is out.
func (n *Notifier) noteTold(o *state.Outgoing) {
	fields := []zap.Field{
		zap.String("event", o.Event), zap.String("store", o.Store), zap.String("feed", o.Attributes[attrFeed]),
		zap.Int("items", len(o.Subjects)), zap.String("message", o.ID), zap.String("message_id", o.Sent),
	}
	if o.Shadow {
		n.log.Info("message not sent because notifier.send is false", fields...)
		return
	}
	n.log.Info("message published", fields...)
}

// clear marks the items of a message as told.
func (t *term) clear(ctx context.Context, o *state.Outgoing) error {
	if o.Kind == "" {
		return t.clearFeed(ctx, o)
	}
	marks, ctx := errgroup.WithContext(ctx)
	marks.SetLimit(editsAbout)
	for _, s := range o.Subjects {
		marks.Go(func() error {
			if err := t.n.tolerate(t.mark(ctx, o, s)); err != nil {
				return fmt.Errorf("mark %s/%s as told: %w", o.Store, s.Item, err)
			}
			return nil
		})
	}
	return marks.Wait()
}

// mark is what a message changes of an item's row: what was due goes only if it is the event that was told; that a shortage
// was told, or that it is over, is noted whatever is due by now.
func (t *term) mark(ctx context.Context, o *state.Outgoing, s state.Subject) error {
	n, rules := t.n, &t.n.settings.Load().Rules
	k := state.ItemKey(n.config.App, o.Store, s.Item)
	u := newUpdate()
	event := attribute.S(s.EventID)
	condition := "#due_id = :event"
	switch o.Kind {
	case state.Shortage:
		u.set(state.AttrTold, attribute.S(s.Position))
		u.set(state.AttrToldV, state.Instant(o.V))
		u.setAll(rules.lookAfter(o.V).Attributes(n.config.App, k))
		u.remove(state.AttrDue)
		u.remove(state.AttrDueID)
	case state.Restock:
		u.set(state.AttrBack, attribute.S(s.Position))
		u.set(state.Expires, state.Epoch(rules.expiry(o.V)))
		for _, name := range []string{state.AttrDue, state.AttrDueID, state.LookPKCol, state.Next} {
			u.remove(name)
		}
	case state.Reminder:
		u.set(state.AttrToldV, state.Instant(o.V))
		u.setAll(rules.lookAfter(o.V).Attributes(n.config.App, k))
		condition, event = "#position = :event AND #stock = :out", attribute.S(s.Position)
		u.name(state.AttrPosition)
		u.name(state.AttrStock)
		u.values[":out"] = attribute.S(state.Out)
	}
	if o.Kind != state.Reminder {
		u.name(state.AttrDueID)
	}
	u.values[":event"] = event
	done, err := t.updateIf(ctx, u, k, condition)
	switch {
	case done || err != nil || o.Kind == state.Reminder:
		return err
	case o.Kind == state.Restock:
		return t.raise(ctx, k, state.AttrBack, s.Position, time.Time{})
	}
	return t.raise(ctx, k, state.AttrTold, s.Position, o.V)
}

// raise notes up to which position something was told of an item, whatever is due of it; v, where there is one, with it.
func (t *term) raise(ctx context.Context, k state.Key, name, position string, v time.Time) error {
	u := newUpdate()
	u.set(name, attribute.S(position))
	if !v.IsZero() {
		u.set(state.AttrToldV, state.Instant(v))
	}
	_, err := t.updateIf(ctx, u, k, fmt.Sprintf("attribute_exists(pk) AND (attribute_not_exists(#%[1]s) OR #%[1]s < :%[1]s)", name))
	return err
}

// updateIf updates a row on a condition, and reports whether it held.
func (t *term) updateIf(ctx context.Context, u *update, k state.Key, condition string) (bool, error) {
	in := u.input(t.n.config.StateTable, k)
	in.ConditionExpression = &condition
	err := t.n.persist(ctx, func() error {
		_, err := t.n.clients.State.UpdateItem(ctx, in)
		return err
	})
	if isRefusedCondition(err) {
		return false, nil
	}
	return err == nil, err
}

// putBack takes a message back and puts its items where they are looked at anew. perhaps: people may have it all the same.
// Then what is out stays due, and what is back by then is told to be.
func (t *term) putBack(ctx context.Context, o *state.Outgoing, perhaps bool) error {
	if perhaps {
		if err := t.perhapsTold(ctx, o); err != nil {
			return err
		}
	}
	if err := t.takeBack(ctx, o); err != nil {
		return err
	}
	for _, s := range o.Subjects {
		if o.Kind == "" {
			t.n.queue.add(shelfKey{tell: o.Event}, s.Item, rankFeed, o.V)
			continue
		}
		t.n.queue.add(shelfKey{store: o.Store}, s.Item, rankOf(string(o.Kind)), o.V)
	}
	return nil
}

// perhapsTold notes that people may have a message which is taken back.
func (t *term) perhapsTold(ctx context.Context, o *state.Outgoing) error {
	switch o.Kind {
	case "":
		return t.perhapsToldFeed(ctx, o)
	case state.Shortage:
		for _, s := range o.Subjects {
			if err := t.n.tolerate(t.raise(ctx, state.ItemKey(t.n.config.App, o.Store, s.Item), state.AttrTold, s.Position, time.Time{})); err != nil {
				return fmt.Errorf("note that %s/%s was perhaps told: %w", o.Store, s.Item, err)
			}
		}
	}
	return nil
}

// finish delivers what lies there from before: unchanged while it is fresh, else its items are looked at anew.
func (t *term) finish(ctx context.Context) error {
	left, err := t.outgoing(ctx)
	if err != nil {
		return err
	}
	for i := range left {
		o := &left[i]
		if o.Sent == "" && t.n.clock.now().Sub(o.Written) <= resendFor {
			if err := t.n.gate.allow(ctx); err != nil {
				return err
			}
		}
		done, _, err := t.deliver(ctx, o, true) // who wrote it down may have published it
		if err == nil && done == refusedContent {
			err = t.putBack(ctx, o, false)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
