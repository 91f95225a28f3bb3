package notifier

// What there is to say of feeds: a row of its own for each, told once by the same teller.

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"inventoryd/internal/attribute"
	"inventoryd/internal/state"
)

// FeedEvent is what happened to a feed and people should know.
type FeedEvent struct {
	Kind   string // feed_held, feed_late, feed_came or feed_failed
	Feed   string // its name
	ID     string // of what happened: the same one is told once
	Reason string // why, in words, with line numbers where there are some
	Remedy string // what to do: a command
	At     time.Time
}

// feedWords begin the messages.
var feedWords = map[string]string{
	"feed_held": "was held back and is not loaded", "feed_late": "is late", "feed_came": "has come", "feed_failed": "could not be loaded",
}

// Tell writes down what is to be told of a feed; the teller tells it. The same event again changes nothing.
func (n *Notifier) Tell(ctx context.Context, e FeedEvent) error {
	if !strings.HasPrefix(e.Kind, "feed_") || e.Feed == "" || e.ID == "" {
		return fmt.Errorf("tell of feed %q: kind %q and id %q: the kind must begin with feed_, feed and id must not be empty", e.Feed, e.Kind, e.ID)
	}
	row := state.Tell{Kind: e.Kind, Feed: e.Feed, ID: e.ID, Reason: e.Reason, Remedy: e.Remedy, At: e.At, Due: true}
	attributes := row.Attributes(n.config.App)
	delete(attributes, state.PK)
	delete(attributes, state.SK)
	u := newUpdate()
	u.setAll(attributes)
	u.remove(state.AttrFailed)
	u.remove(state.Expires)
	u.remove(state.AttrToldV) // that was another event
	in := u.input(n.config.StateTable, row.Key(n.config.App))
	in.ConditionExpression = aws.String("attribute_not_exists(#id) OR #id <> :id")
	err := retry(ctx, n.jitter, func() error {
		_, err := n.clients.State.UpdateItem(ctx, in)
		return err
	})
	if isRefusedCondition(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("write what is to be told of feed %s to %s: %w", e.Feed, n.config.StateTable, err)
	}
	n.queue.add(shelfKey{tell: e.Kind}, e.Feed, rankFeed, e.At)
	return nil
}

// tellFeeds tells what is due of the feeds on a shelf.
func (t *term) tellFeeds(ctx context.Context, w *work) (told bool, err error) {
	n := t.n
	keys := make([]attributeMap, len(w.items))
	for i, feed := range w.items {
		keys[i] = state.TellKey(n.config.App, w.tell, feed).Attributes()
	}
	rows, v, err := n.read(ctx, n.clients.State, n.config.StateTable, types.KeysAndAttributes{}, keys)
	if err != nil {
		return false, err
	}
	for _, row := range rows {
		about, err := state.TellOf(row)
		if err != nil {
			n.noteMended(err)
			if err := t.dropRow(ctx, row); err != nil {
				return told, err
			}
			continue
		}
		if !about.Due || about.Failed != "" {
			continue
		}
		do, err := t.judgeFeed(ctx, about)
		if err == nil && do == drop {
			err = t.closeFeed(ctx, about.Kind, about.Feed, about.ID, time.Time{})
		}
		if err != nil {
			return told, err
		}
		if do != tell {
			continue
		}
		sent, err := t.sendFeed(ctx, w, about, v)
		told = told || sent
		if err != nil {
			return told, err
		}
	}
	return told, nil
}

// The two that belong together: that a feed is late, and that it has come, for the same deadline.
const (
	feedLate = "feed_late"
	feedCame = "feed_came"
)

// judgeFeed says what is to be done with what is due of a feed. That it is late is not told once it has come; that it has
// come is told after that it was late, and only then.
func (t *term) judgeFeed(ctx context.Context, about state.Tell) (deed, error) {
	other := map[string]string{feedLate: feedCame, feedCame: feedLate}[about.Kind]
	if other == "" {
		return tell, nil
	}
	rows, _, err := t.n.read(ctx, t.n.clients.State, t.n.config.StateTable, types.KeysAndAttributes{}, []attributeMap{state.TellKey(t.n.config.App, other, about.Feed).Attributes()})
	if err != nil || len(rows) == 0 {
		return tell, err
	}
	is, err := state.TellOf(rows[0])
	switch {
	case err != nil, is.ID != about.ID: // broken, or of another deadline
		return tell, nil
	case about.Kind == feedLate && about.Told.IsZero():
		return drop, nil
	case about.Kind == feedLate: // people may know: they hear it for sure, and then that it has come
		return tell, nil
	case is.Due && is.Failed == "":
		return keep, nil // it is looked at again after that it was late
	case is.Told.IsZero():
		return drop, nil
	}
	return tell, nil
}

// sendFeed writes down and delivers what is to be told of one feed.
func (t *term) sendFeed(ctx context.Context, w *work, about state.Tell, v time.Time) (bool, error) {
	drafts := []state.Outgoing{t.n.settings.Load().texts.feed(about, v)}
	if err := t.writeDown(ctx, drafts, nil); err != nil {
		return false, err
	}
	return t.deliverAll(ctx, w, t.n.settings.Load(), drafts, nil)
}

// feed makes the message about a feed.
func (t *texts) feed(about state.Tell, v time.Time) state.Outgoing {
	words, ok := feedWords[about.Kind]
	if !ok {
		words = strings.TrimPrefix(about.Kind, "feed_")
	}
	o := state.Outgoing{
		Notice: state.Notice{
			Event: about.Kind, Subjects: []state.Subject{{Item: about.Feed, EventID: about.ID}},
			Subject: mendSubject("Feed " + about.Feed + " " + words),
		},
		Attributes: map[string]string{attrEvent: about.Kind}, V: v,
	}
	if holdable(about.Feed) {
		o.Attributes[attrFeed] = about.Feed
	}
	if t.json {
		o.Body = encode(struct {
			Version int       `json:"version"`
			Event   string    `json:"event"`
			Feed    string    `json:"feed"`
			Reason  string    `json:"reason"`
			Remedy  string    `json:"remedy"`
			Since   time.Time `json:"since"`
			ID      string    `json:"id"`
		}{1, about.Kind, about.Feed, about.Reason, about.Remedy, about.At, about.ID})
	} else {
		o.Body = "The feed " + shown(about.Feed) + " " + words + "."
		for _, more := range []string{about.Reason, about.Remedy} {
			if more != "" {
				o.Body += "\n" + shownLines(more)
			}
		}
	}
	o.Body = cutBody(o.Body, maxBody)
	o.Dedup = fingerprint(&o)
	return o
}

// shownLines is shown for a text of several lines.
func shownLines(s string) string {
	lines := strings.Split(s, "\n")
	for i, l := range lines {
		lines[i] = shown(l)
	}
	return strings.Join(lines, "\n")
}

// clearFeed marks what a message told of a feed.
func (t *term) clearFeed(ctx context.Context, o *state.Outgoing) error {
	for _, s := range o.Subjects {
		if err := t.closeFeed(ctx, o.Event, s.Item, s.EventID, o.V); err != nil {
			return err
		}
	}
	return nil
}

// closeFeed takes what was due of a feed from its row, unless something else has happened to it since. v is when it was told;
// zero: it was not.
func (t *term) closeFeed(ctx context.Context, kind, feed, id string, v time.Time) error {
	n, u := t.n, newUpdate()
	if !v.IsZero() {
		u.set(state.AttrToldV, state.Instant(v))
	}
	u.set(state.Expires, state.Epoch(n.clock.now().Add(state.TellKept)))
	for _, name := range []string{state.AttrDue, state.LookPKCol, state.Next} {
		u.remove(name)
	}
	if _, err := t.updateIf(ctx, u, state.TellKey(n.config.App, kind, feed), u.isEvent(id)); err != nil {
		return fmt.Errorf("mark feed %s as told: %w", feed, err)
	}
	if kind == feedLate {
		n.queue.add(shelfKey{tell: feedCame}, feed, rankFeed, n.clock.now())
	}
	return nil
}

// isEvent is the condition that a row is about the event with that id.
func (u *update) isEvent(id string) string {
	u.values[":event"] = attribute.S(id)
	return u.name("id") + " = :event"
}

// perhapsToldFeed notes that people may have what is due of a feed, as they may have a message that was taken back.
func (t *term) perhapsToldFeed(ctx context.Context, o *state.Outgoing) error {
	for _, s := range o.Subjects {
		u := newUpdate()
		u.set(state.AttrToldV, state.Instant(o.V))
		if _, err := t.updateIf(ctx, u, state.TellKey(t.n.config.App, o.Event, s.Item), u.isEvent(s.EventID)); err != nil {
			return fmt.Errorf("note that feed %s was perhaps told: %w", s.Item, err)
		}
	}
	return nil
}

// dropRow deletes a row that is none of ours.
func (t *term) dropRow(ctx context.Context, row attributeMap) error {
	if err := t.transact(ctx, t.delete(state.KeyOf(row))); err != nil {
		return fmt.Errorf("delete a broken row: %w", err)
	}
	return nil
}
