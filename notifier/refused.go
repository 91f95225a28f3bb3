package notifier

// Messages that SNS refuses for their content.

import (
	"context"

	"go.uber.org/zap"

	"inventoryd/internal/attribute"
	"inventoryd/internal/state"
)

// noteRefused logs a message that SNS refuses for its content.
func (n *Notifier) noteRefused(o *state.Outgoing, why error) {
	n.log.Warn("message refused by SNS for its content", zap.String("store", o.Store), zap.Int("items", len(o.Subjects)), zap.Error(why))
}

// divide halves a message whose content SNS refuses, until the item stands alone that is to blame: it fails, and holds
// nobody up.
func (t *term) divide(ctx context.Context, w *work, s *settings, o *state.Outgoing, alerts []*Alert, why error) error {
	var mine []*Alert
	for _, subject := range o.Subjects {
		for _, a := range alerts {
			if a.name == subject.Item {
				mine = append(mine, a)
			}
		}
	}
	if len(mine) < 2 {
		return t.giveUp(ctx, o, why)
	}
	var halves []state.Outgoing
	for _, half := range [][]*Alert{mine[:len(mine)/2], mine[len(mine)/2:]} {
		drafts, _ := s.texts.drafts(o.Kind, half, o.V)
		halves = append(halves, drafts...)
	}
	if err := t.writeDown(ctx, halves, o); err != nil {
		return err
	}
	_, err := t.deliverAll(ctx, w, s, halves, mine)
	return err
}

// giveUp marks what SNS refuses as failed.
func (t *term) giveUp(ctx context.Context, o *state.Outgoing, why error) error {
	n := t.n
	n.meters.refused.add(ctx, 1)
	s := o.Subjects[0]
	n.log.Error("alert cannot be told: SNS refuses its content", zap.String("event", o.Event), zap.String("store", o.Store), zap.String("item", s.Item), zap.Error(why))
	k := state.ItemKey(n.config.App, o.Store, s.Item)
	u := newUpdate()
	condition := "#due_id = :event"
	switch o.Kind {
	case "":
		k, condition = state.TellKey(n.config.App, o.Event, s.Item), "#id = :event"
		u.name("id")
	case state.Reminder:
		condition = "#position = :event"
		s.EventID = s.Position
		u.name(state.AttrPosition)
	default:
		u.name(state.AttrDueID)
	}
	u.set(state.AttrFailed, attribute.S(why.Error()))
	u.setAll(state.Look{For: state.AttrFailed}.Attributes(n.config.App, k))
	u.values[":event"] = attribute.S(s.EventID)
	_, err := t.updateIf(ctx, u, k, condition)
	if err := n.tolerate(err); err != nil {
		return err
	}
	return t.takeBack(ctx, o)
}
