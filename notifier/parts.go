package notifier

// From what is due of a store to the messages that are written down.

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"inventoryd/internal/state"
)

// maxRow is the most that a message's row may hold: DynamoDB's 400 KB less room for its names ("Quotas in Amazon
// DynamoDB").
const maxRow = 380 << 10

// drafts makes the messages that tell of items of one store and event: one, or parts where it would be too long. Its
// error says which template did not work; the messages are good all the same.
func (t *texts) drafts(kind state.Kind, alerts []*Alert, v time.Time) (drafts []state.Outgoing, err error) {
	slices.SortFunc(alerts, func(a, b *Alert) int { return strings.Compare(a.name, b.name) })
	t.fillLines(alerts)
	for share := 1.0; ; share /= 2 { // of the room, that a part's items are taken to need for themselves
		groups := t.cut(alerts, share)
		drafts, err = t.draftAll(kind, groups, v)
		if !errors.Is(err, errTooLong) || len(groups) == len(alerts) {
			break
		}
	}
	for i := range drafts { // a part of one item that is still too long
		drafts[i].Body = cutBody(drafts[i].Body, maxBody)
		if size(&drafts[i]) > maxMessage {
			delete(drafts[i].Attributes, attrItem)
		}
	}
	return drafts, err
}

// fillLines makes what is said of each item alone, once for all attempts.
func (t *texts) fillLines(alerts []*Alert) {
	if t.json {
		return
	}
	for _, a := range alerts {
		if a.Line == "" {
			a.Line, a.broken = t.line(a)
		}
	}
}

// cut makes groups that ought to fit both limits, and have room for the rest.
func (t *texts) cut(alerts []*Alert, share float64) [][]*Alert {
	const rest = 4 << 10 // subject, other attributes, the number of the part
	var groups [][]*Alert
	begin, message, row := 0, rest, rest
	for i, a := range alerts {
		said := len(a.Line) + 1
		if t.json {
			said = 180 + len(a.name)
		}
		said += len(a.name) + 3 // in the attribute
		kept := said + state.Subject{Item: a.name, EventID: a.id, Position: a.position}.Size()
		if i > begin && (float64(message+said) > share*maxBody || float64(row+kept) > share*maxRow) {
			groups = append(groups, alerts[begin:i])
			begin, message, row = i, rest, rest
		}
		message, row = message+said, row+kept
	}
	return append(groups, alerts[begin:])
}

// draftAll makes a message of each group; errTooLong where one of several items does not fit.
func (t *texts) draftAll(kind state.Kind, groups [][]*Alert, v time.Time) (drafts []state.Outgoing, err error) {
	for i, some := range groups {
		d, broken := t.draft(kind, groupOf(some, i+1, len(groups)), v)
		if len(some) > 1 && (errors.Is(broken, errTooLong) || !fits(&d)) {
			return nil, errTooLong
		}
		err = errors.Join(err, broken)
		drafts = append(drafts, d)
	}
	return drafts, err
}

func fits(o *state.Outgoing) bool {
	bytes := size(o)
	for _, s := range o.Subjects {
		bytes += s.Size()
	}
	return size(o) <= maxMessage && len(o.Body) <= maxBody && bytes <= maxRow
}

// size is what a message counts for at SNS.
func size(o *state.Outgoing) int { return len(o.Subject) + len(o.Body) + weight(o.Attributes) }

// draft makes one message.
func (t *texts) draft(kind state.Kind, g *Group, v time.Time) (state.Outgoing, error) {
	subject, body, err := t.write(g)
	o := state.Outgoing{
		Notice:     state.Notice{Event: string(g.Event), Kind: kind, Store: g.Items[0].store, Subject: subject, Body: body},
		Attributes: filterBy(g), V: v,
	}
	for _, a := range g.Items {
		o.Subjects = append(o.Subjects, state.Subject{Item: a.name, EventID: a.id, Position: a.position})
	}
	o.Dedup = fingerprint(&o)
	return o, err
}

// fingerprint is the same for the same alerts, however often they are written down: but a reminder is a new one each
// time.
func fingerprint(o *state.Outgoing) string {
	h := sha256.New()
	say := func(s string) { fmt.Fprintf(h, "%d:%s", len(s), s) }
	say(o.Event)
	say(o.Store)
	if o.Kind == state.Reminder {
		say(o.V.Format(time.RFC3339))
	}
	for _, s := range o.Subjects {
		say(s.Item)
		say(s.EventID)
	}
	return hex.EncodeToString(h.Sum(nil))
}
