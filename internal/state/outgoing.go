package state

import (
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"inventoryd/internal/attribute"
)

// HistoryKept is how long the history of what was told is kept.
const HistoryKept = 30 * 24 * time.Hour

// Subject is one item, or the feed, that a message tells of.
type Subject struct {
	Item    string // its name; of a message about a feed the feed's
	EventID string // the change that is told
	// Position is where the shortage began that is told, or of which is told that it is over; of a reminder what it was
	// told at; of a feed "".
	Position string
}

// Notice is what is told by one message of the topic.
type Notice struct {
	ID       string // of the row, unique; it grows with time
	Event    string // as subscribers see it: "out_of_stock"
	Kind     Kind   // "": of a feed, then Event is its kind
	Store    string // "" for a feed
	Subjects []Subject
	Subject  string // what mail shows
	Body     string
}

// Outgoing is the row of a message that was written down to be published.
type Outgoing struct {
	Notice
	Attributes map[string]string // of the message: those that subscribers filter by, in JSON where they are lists
	Dedup      string            // deduplication id
	V          time.Time         // the service's time before what it tells was verified
	Written    time.Time         // by the service's time
	Shadow     bool              // not to be published
	Sent       string            // SNS's message id, once it has answered; "": it has not
}

// Row is the row as it is put.
func (o Outgoing) Row(app string) map[string]types.AttributeValue {
	row := OutgoingKey(app, o.ID).Attributes()
	o.Notice.put(row)
	attributes := make(map[string]types.AttributeValue, len(o.Attributes))
	for name, value := range o.Attributes {
		attributes[name] = attribute.S(value)
	}
	row["attributes"] = attribute.M(attributes)
	row["dedup"], row["v"], row["written"] = attribute.S(o.Dedup), Instant(o.V), Instant(o.Written)
	if o.Shadow {
		row["shadow"] = attribute.Bool(true)
	}
	if o.Sent != "" {
		row[AttrSent] = attribute.S(o.Sent)
	}
	return row
}

func (m Notice) put(row map[string]types.AttributeValue) {
	row["event"], row["kind"], row["subject"], row["body"] = attribute.S(m.Event), attribute.S(m.Kind), attribute.S(m.Subject), attribute.S(m.Body)
	if m.Store != "" {
		row[AttrStore] = attribute.S(m.Store)
	}
	list := make([]types.AttributeValue, len(m.Subjects))
	for i, s := range m.Subjects {
		list[i] = &types.AttributeValueMemberL{Value: []types.AttributeValue{attribute.S(s.Item), attribute.S(s.EventID), attribute.S(s.Position)}}
	}
	row["items"] = &types.AttributeValueMemberL{Value: list}
}

// Size is about what a subject counts for in a row ("DynamoDB item sizes and formats").
func (s Subject) Size() int { return len(s.Item) + len(s.EventID) + len(s.Position) + 8 }

// OutgoingOf reads the row of an outgoing message.
func OutgoingOf(row map[string]types.AttributeValue) (Outgoing, error) {
	r := reader{row: row}
	o := Outgoing{Notice: r.notice(r.text(SK)), Dedup: r.text("dedup"), V: r.instant("v"), Written: r.instant("written")}
	if m := attribute.Map(row["attributes"]); m != nil {
		o.Attributes = make(map[string]string, len(m))
		for name, v := range m {
			o.Attributes[name] = attribute.String(v)
		}
	}
	o.Shadow, o.Sent = r.has("shadow"), r.textIf(AttrSent)
	if r.err != nil {
		return o, fmt.Errorf("row of outgoing message %s: %w", o.ID, r.err)
	}
	return o, nil
}

func (r *reader) notice(id string) Notice {
	m := Notice{ID: id, Event: r.text("event"), Kind: Kind(r.text("kind")), Store: r.textIf(AttrStore), Subject: r.text("subject"), Body: r.text("body")}
	list, ok := r.row["items"].(*types.AttributeValueMemberL)
	if !ok {
		r.err = errors.Join(r.err, errors.New("attribute items is no list"))
		return m
	}
	m.Subjects = make([]Subject, 0, len(list.Value))
	for _, v := range list.Value {
		three, ok := v.(*types.AttributeValueMemberL)
		if !ok || len(three.Value) != 3 {
			r.err = errors.Join(r.err, errors.New("attribute items holds something else than item, event and position"))
			return m
		}
		s := reader{row: map[string]types.AttributeValue{"item": three.Value[0], "event": three.Value[1], "position": three.Value[2]}}
		m.Subjects = append(m.Subjects, Subject{s.text("item"), s.text("event"), s.text("position")})
		r.err = errors.Join(r.err, s.err)
	}
	return m
}

// History is the row of a message that was told.
type History struct {
	Notice              // of a very long body the beginning
	Bytes     int       // of the whole body
	At        time.Time // when it was told, by the service's time: V of what it tells
	MessageID string    // the topic's; "": not sent, in shadow mode
}

// MaxHistoryBody is how much of a body the history keeps.
const MaxHistoryBody = 16 << 10

// HistoryOf is the row of the history for a message that went out.
func HistoryOf(o Outgoing) History {
	h := History{Notice: o.Notice, Bytes: len(o.Body), At: o.V, MessageID: o.Sent}
	if len(h.Body) > MaxHistoryBody {
		h.Body = cutText(h.Body, MaxHistoryBody)
	}
	if o.Shadow {
		h.MessageID = ""
	}
	return h
}

// cutText cuts s to at most n bytes between characters.
func cutText(s string, n int) string {
	for i := range s {
		if i > n-4 { // the longest character has four bytes
			return s[:i]
		}
	}
	return s
}

// Key is the row's.
func (h History) Key(app string) Key { return HistoryKey(app, h.At, h.ID) }

// Row is the row as it is put.
func (h History) Row(app string) map[string]types.AttributeValue {
	row := h.Key(app).Attributes()
	h.put(row)
	row["id"], row["bytes"], row["at"] = attribute.S(h.ID), attribute.N(int64(h.Bytes)), Instant(h.At)
	if h.MessageID != "" {
		row["message_id"] = attribute.S(h.MessageID)
	}
	row[Expires] = attribute.N(h.At.Add(HistoryKept).Unix())
	return row
}

// HistoryIn reads a row of the history.
func HistoryIn(row map[string]types.AttributeValue) (History, error) {
	r := reader{row: row}
	h := History{Notice: r.notice(r.text("id")), Bytes: int(r.number("bytes")), At: r.instant("at"), MessageID: r.textIf("message_id")}
	if r.err != nil {
		return h, fmt.Errorf("row of the history %s: %w", h.ID, r.err)
	}
	return h, nil
}
