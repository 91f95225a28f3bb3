package state

import (
	"fmt"
	"maps"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"inventoryd/internal/attribute"
)

// TellKept is how long the row of what was told of a feed is kept.
const TellKept = 30 * 24 * time.Hour

// Tell is the row of what is to be told of a feed.
type Tell struct {
	Kind   string // "feed_held"
	Feed   string
	ID     string // of what happened: it is told once
	Reason string
	Remedy string // what to do: a command
	At     time.Time
	Due    bool
	Failed string
	Told   time.Time // the service's time; zero: not yet
}

// Look is when somebody has to look at it.
func (t Tell) Look() *Look {
	switch {
	case t.Failed != "":
		return &Look{For: AttrFailed}
	case t.Due:
		return &Look{t.At, t.Kind}
	}
	return nil
}

// Key is the row's.
func (t Tell) Key(app string) Key { return TellKey(app, t.Kind, t.Feed) }

// Attributes is the row as it is put.
func (t Tell) Attributes(app string) map[string]types.AttributeValue {
	row := t.Key(app).Attributes()
	row["kind"], row["id"], row["reason"], row["remedy"], row[AttrAt] = attribute.S(t.Kind), attribute.S(t.ID), attribute.S(t.Reason), attribute.S(t.Remedy), Instant(t.At)
	if t.Due {
		row[AttrDue] = attribute.Bool(true)
	}
	if t.Failed != "" {
		row[AttrFailed] = attribute.S(t.Failed)
	}
	if l := t.Look(); l != nil {
		maps.Copy(row, l.Attributes(app, t.Key(app)))
	}
	if !t.Told.IsZero() {
		row[AttrToldV] = Instant(t.Told)
		row[Expires] = attribute.N(t.Told.Add(TellKept).Unix())
	}
	return row
}

// TellOf reads the row of what is to be told of a feed.
func TellOf(row map[string]types.AttributeValue) (Tell, error) {
	r := reader{row: row}
	t := Tell{
		Kind: r.text("kind"), Feed: r.text(SK), ID: r.text("id"), Reason: r.text("reason"), Remedy: r.text("remedy"),
		At: r.instant(AttrAt), Due: r.has(AttrDue), Failed: r.textIf(AttrFailed), Told: r.instantIf(AttrToldV),
	}
	if r.err != nil {
		return t, fmt.Errorf("row of what is to be told of feed %s: %w", t.Feed, r.err)
	}
	return t, nil
}
