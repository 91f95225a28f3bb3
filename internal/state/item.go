package state

import (
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"inventoryd/internal/attribute"
)

// Stock is the side of the threshold on which an item is known to be.
type Stock string

// The two sides.
const (
	Out Stock = "out" // at or below the threshold
	In  Stock = "in"  // above it, or not in the table
)

// Kind is what subscribers are to be told of an item.
type Kind string

// The kinds.
const (
	Shortage Kind = "out"       // it has run out, or low
	Restock  Kind = "restocked" // it is there again
	Reminder Kind = "reminder"  // it is still out; never due in a row, which holds the time of the next one
)

// InKept is how long a row that says In is kept at least: three times what a stream keeps.
const InKept = 3 * 24 * time.Hour

// Item is the row of an item: what is known of it, and what was told. A row that says Out, or of which something is
// due, never expires.
type Item struct {
	Store, Item string
	Known
	Began  Began
	Told   Told
	Due    Due
	Failed string // why SNS refuses what is due; "": it does not
	// Scan is the second from which on a comparison with the table has made this row true: records created before
	// change nothing of it. Zero: a record has made it.
	Scan    time.Time
	Look    *Look     // nil: nobody has to look at it
	Expires time.Time // zero: never
}

// Known is the last transition that was applied.
type Known struct {
	Stock    Stock
	Position string // of the change, as in inventory.Change
	EventID  string
	At       time.Time // of the change, in record time
	Count    int64     // after it
	Previous *int64    // before it; nil: there was none, or it is unknown
}

// Began is where the item's last shortage began.
type Began struct {
	Position string
	At       time.Time // in record time
	Count    int64
}

// Told is the last telling that the item is out. Positions in it only rise, so that a teller that slept takes nothing back.
type Told struct {
	Position string // where the shortage began that was told, or perhaps was: SNS's answer to it was lost; "": none
	// V is the service's time before the table was read to verify it; cooldown and reminders count from here. Zero:
	// nothing was told yet for sure.
	V time.Time
	// Back is the Position of which people were told that it is over; "": of none.
	Back string
}

// Believed reports whether people have heard, or perhaps have, that the item is out, and not that it is back.
func (t Told) Believed() bool { return t.Position > t.Back }

// Due is what is to be told. Kind "": nothing.
type Due struct {
	Kind    Kind
	EventID string // of the change that made it due
}

// Names of attributes that conditions and updates name.
const (
	AttrStore      = "store"
	AttrStock      = "stock"
	AttrPosition   = "position"
	AttrEventID    = "event_id"
	AttrAt         = "at"
	AttrCount      = "count"
	AttrPrevious   = "previous"
	AttrBegan      = "began"
	AttrBeganAt    = "began_at"
	AttrBeganCount = "began_count"
	AttrTold       = "told"
	AttrToldV      = "told_v"
	AttrBack       = "told_back"
	AttrDue        = "due"
	AttrDueID      = "due_id"
	AttrFailed     = "failed"
	AttrScan       = "scan"
	AttrTeller     = "teller"
	AttrSent       = "sent"
	AttrRequested  = "requested"
	AttrAnswered   = "answered"
	AttrThreshold  = "threshold"
)

// Key is the row's.
func (i Item) Key(app string) Key { return ItemKey(app, i.Store, i.Item) }

// Attributes is the whole row.
func (i Item) Attributes(app string) map[string]types.AttributeValue {
	k := i.Key(app)
	row := k.Attributes()
	row[AttrStore] = attribute.S(i.Store) // the key may hold its hash
	maps.Copy(row, i.Known.attributes())
	if i.Began.Position != "" {
		row[AttrBegan], row[AttrBeganAt], row[AttrBeganCount] = attribute.S(i.Began.Position), Instant(i.Began.At), attribute.N(i.Began.Count)
	}
	maps.Copy(row, i.Told.attributes())
	if i.Due.Kind != "" {
		row[AttrDue], row[AttrDueID] = attribute.S(i.Due.Kind), attribute.S(i.Due.EventID)
	}
	if i.Failed != "" {
		row[AttrFailed] = attribute.S(i.Failed)
	}
	if !i.Scan.IsZero() {
		row[AttrScan] = Instant(i.Scan)
	}
	if i.Look != nil {
		maps.Copy(row, i.Look.Attributes(app, k))
	}
	if !i.Expires.IsZero() {
		row[Expires] = attribute.N(i.Expires.Unix())
	}
	return row
}

func (k Known) attributes() map[string]types.AttributeValue {
	row := map[string]types.AttributeValue{
		AttrStock: attribute.S(k.Stock), AttrPosition: attribute.S(k.Position), AttrEventID: attribute.S(k.EventID),
		AttrAt: Instant(k.At), AttrCount: attribute.N(k.Count),
	}
	if k.Previous != nil {
		row[AttrPrevious] = attribute.N(*k.Previous)
	}
	return row
}

func (t Told) attributes() map[string]types.AttributeValue {
	row := map[string]types.AttributeValue{}
	if t.Position != "" {
		row[AttrTold] = attribute.S(t.Position)
	}
	if !t.V.IsZero() {
		row[AttrToldV] = Instant(t.V)
	}
	if t.Back != "" {
		row[AttrBack] = attribute.S(t.Back)
	}
	return row
}

// ItemOf reads an item's row. The error of a row that somebody else has written names what is wrong with it; the key's
// part of the result is good all the same where the row has it.
func ItemOf(row map[string]types.AttributeValue) (Item, error) {
	r := reader{row: row}
	i := Item{
		Store: r.text(AttrStore), Item: r.text(SK),
		Known: Known{
			Stock: Stock(r.text(AttrStock)), Position: r.text(AttrPosition), EventID: r.text(AttrEventID),
			At: r.instant(AttrAt), Count: r.number(AttrCount), Previous: r.maybe(AttrPrevious),
		},
		Told:   Told{Position: r.textIf(AttrTold), V: r.instantIf(AttrToldV), Back: r.textIf(AttrBack)},
		Failed: r.textIf(AttrFailed), Scan: r.instantIf(AttrScan), Look: lookIn(row),
	}
	if r.has(AttrBegan) {
		i.Began = Began{r.text(AttrBegan), r.instant(AttrBeganAt), r.number(AttrBeganCount)}
	}
	if r.has(AttrDue) {
		i.Due = Due{Kind(r.text(AttrDue)), r.text(AttrDueID)}
	}
	if r.has(Expires) {
		i.Expires = time.Unix(r.number(Expires), 0).UTC()
	}
	if i.Stock != Out && i.Stock != In {
		r.err = errors.Join(r.err, fmt.Errorf("attribute %s is %q, not %q or %q", AttrStock, i.Stock, Out, In))
	}
	if k := i.Due.Kind; k != "" && k != Shortage && k != Restock {
		r.err = errors.Join(r.err, fmt.Errorf("attribute %s is %q, not %q or %q", AttrDue, k, Shortage, Restock))
	}
	if r.err != nil {
		return i, fmt.Errorf("row of item %s/%s: %w", i.Store, i.Item, r.err)
	}
	return i, nil
}
