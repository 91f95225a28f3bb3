package state

import (
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// Stock is the side of the threshold on which an item is known to be.
type Stock string

// The two sides.
const (
	Out Stock = "out" // at or below the threshold
	In  Stock = "in"  // above it, or not in the table
)

// How long rows about alerts are kept.
const (
	InKept           = 3 * 24 * time.Hour // a row that says In, at least: three times what a stream keeps
	AlertHistoryKept = 30 * 24 * time.Hour
)

// Alert is an item's row: the last transition that was applied, that is told to subscribers where it was to be told.
// A row that says Out never expires.
type Alert struct {
	Store, Item string
	Stock       Stock
	Position    string    // of the change that made the transition, as in inventory.Change
	EventID     string    // of that change
	Count       int64     // after it
	Since       time.Time // of that change, in record time
	Alerted     time.Time // the last out-of-stock alert of this item, in record time; zero: none
	Silent      bool      // Out, and nobody was told: the cooldown or the check of an old record forbade it
	Expires     time.Time // zero: never
}

// Attributes is the row as it is put.
func (a Alert) Attributes(app string) map[string]types.AttributeValue {
	row := AlertKey(app, a.Store, a.Item).Attributes()
	row["store"] = text(a.Store) // the key holds its hash where it is long
	row["stock"] = text(string(a.Stock))
	row["position"] = text(a.Position)
	row["event_id"] = text(a.EventID)
	row["count"] = number(a.Count)
	row["since"] = instant(a.Since)
	if !a.Alerted.IsZero() {
		row["alerted"] = instant(a.Alerted)
	}
	if a.Silent {
		row["silent"] = &types.AttributeValueMemberBOOL{Value: true}
	}
	if !a.Expires.IsZero() {
		row[Expires] = number(a.Expires.Unix())
	}
	return row
}

// AlertOf reads an item's row.
func AlertOf(row map[string]types.AttributeValue) (Alert, error) {
	r := reader{row: row}
	a := Alert{
		Store:    r.text("store"),
		Item:     r.text(SK),
		Stock:    Stock(r.text("stock")),
		Position: r.text("position"),
		EventID:  r.text("event_id"),
		Count:    r.number("count"),
		Since:    r.instant("since"),
	}
	if row["alerted"] != nil {
		a.Alerted = r.instant("alerted")
	}
	if row["silent"] != nil {
		a.Silent = true
	}
	if row[Expires] != nil {
		a.Expires = time.Unix(r.number(Expires), 0).UTC()
	}
	if a.Stock != Out && a.Stock != In {
		r.err = errors.Join(r.err, fmt.Errorf("attribute stock is %q, not %q or %q", a.Stock, Out, In))
	}
	if r.err != nil {
		return a, fmt.Errorf("alert row %s/%s: %w", a.Store, a.Item, r.err)
	}
	return a, nil
}

// AlertHistory is the row of one alert in the history.
type AlertHistory struct {
	Store, Item string
	Event       string // "out_of_stock" or "restocked"
	EventID     string // of the change
	Count       int64
	At          time.Time // of the change, in record time
	Published   time.Time // when the topic had taken it, by this machine's clock
	MessageID   string    // the topic's; empty: not sent, in shadow mode
}

// Attributes is the row as it is put; it is the same for a repetition of the alert but for the time and the message id.
func (h AlertHistory) Attributes(app string) map[string]types.AttributeValue {
	row := AlertHistoryKey(app, h.At, h.EventID).Attributes()
	row["store"] = text(h.Store)
	row["item"] = text(h.Item)
	row["event"] = text(h.Event)
	row["event_id"] = text(h.EventID)
	row["count"] = number(h.Count)
	row["at"] = instant(h.At)
	row["published"] = instant(h.Published)
	if h.MessageID != "" {
		row["message_id"] = text(h.MessageID)
	}
	row[Expires] = number(h.Published.Add(AlertHistoryKept).Unix())
	return row
}

// AlertHistoryOf reads a row of the history.
func AlertHistoryOf(row map[string]types.AttributeValue) (AlertHistory, error) {
	r := reader{row: row}
	h := AlertHistory{
		Store:     r.text("store"),
		Item:      r.text("item"),
		Event:     r.text("event"),
		EventID:   r.text("event_id"),
		Count:     r.number("count"),
		At:        r.instant("at"),
		Published: r.instant("published"),
	}
	if row["message_id"] != nil {
		h.MessageID = r.text("message_id")
	}
	if r.err != nil {
		return h, fmt.Errorf("row of the history of alerts %s/%s: %w", h.Store, h.Item, r.err)
	}
	return h, nil
}
