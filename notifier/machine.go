package notifier

// The states of an item, and what the teller does when it looks at one: the one table of docs/alerts.md.

import (
	"crypto/sha256"
	"fmt"
	"time"

	"inventoryd/internal/inventory"
	"inventoryd/internal/state"
)

// phase is where an item is between its counts and its subscribers.
type phase string

const (
	inStock    phase = "in stock"    // nothing is due
	untold     phase = "out, due"    // out, and nobody knows
	told       phase = "out, told"   // out, and people know
	restocking phase = "back, due"   // in stock again, and nobody knows
	refusedRow phase = "out, failed" // SNS refuses what is due
)

// phaseOf reads a row.
func phaseOf(i state.Item) phase {
	switch {
	case i.Failed != "":
		return refusedRow
	case i.Stock == state.Out && (i.Due.Kind == state.Shortage || i.Told.V.IsZero() || i.Told.Position < i.Began.Position):
		return untold
	case i.Stock == state.Out:
		return told
	case i.Due.Kind == state.Restock:
		return restocking
	}
	return inStock
}

// sight is what the teller sees of one item: the row, and after it the table's present item.
type sight struct {
	row     state.Item
	present *inventory.Item // nil: there is none
	// unreadable: there is an item whose count is no usable one, so that the row's word stands.
	unreadable bool
	rules      *Rules
	v          time.Time // the service's time of the answer that brought the row
}

func (s *sight) isOut() bool {
	if s.unreadable {
		return s.row.Stock == state.Out
	}
	return s.rules.side(s.present) == state.Out
}

func (s *sight) isIn() bool { return !s.isOut() }

// gone: nobody has to hear that something is back which is not there.
func (s *sight) gone() bool { return s.present == nil && !s.unreadable }

// same: the shortage had begun before the last telling was verified, so it is the one that was told then.
func (s *sight) same() bool {
	return s.believed() && !s.row.Told.V.IsZero() && s.row.Began.At.Before(s.row.Told.V.Truncate(time.Second))
}

func (s *sight) cooling() bool {
	return !s.row.Told.V.IsZero() && s.v.Before(s.row.Told.V.Add(s.rules.Cooldown))
}

// believed: people take it for out. Of which shortage they heard does not matter: one in between may have been told to nobody.
func (s *sight) believed() bool { return s.row.Told.Believed() }

func (s *sight) unknown() bool { return !s.believed() }

// back: people are to hear that it is, by what the table holds. Its record may say so later, or, of a count that was no
// number or that a comparison has seen first, never.
func (s *sight) back() bool {
	return s.isIn() && s.believed() && s.rules.revokes(s.row, s.present)
}

// revokes reports whether people are to hear that an item is back, if they take it for out: it is there, and its count rose.
func (r *Rules) revokes(i state.Item, present *inventory.Item) bool {
	return r.Restocked && present != nil && i.Began.Position != "" && present.Count > i.Began.Count
}

// lowered: the count did not rise, so that only the threshold has moved.
func (s *sight) lowered() bool {
	return s.row.Previous == nil && s.row.Count <= s.row.Began.Count
}

func (s *sight) unwanted() bool { return !s.rules.Restocked }

func (s *sight) mayRemind() bool {
	return s.rules.Remind > 0 && !s.v.Before(s.row.Told.V.Add(s.rules.Remind))
}

func (s *sight) always() bool { return true }

// deed is what the teller does.
type deed string

const (
	tell   deed = "tell"         // write it into a message; once that is out, the item is told, or in stock
	closed deed = "close"        // the shortage is over: nothing is told, and it is counted
	settle deed = "take as told" // the shortage is one that was told already
	revoke deed = "make due"     // that it is back
	delay  deed = "delay"        // until the cooldown is over
	drop   deed = "drop"         // nothing is told
	keep   deed = "keep"         // see to it that the row is looked at in time
)

// looks are the rules by which the teller decides: the first that fits the phase and holds.
var looks = []struct {
	phase phase
	when  string
	holds func(*sight) bool
	do    deed
	then  phase
}{
	{refusedRow, "", (*sight).always, keep, refusedRow},
	{untold, "it is back, and people know of a shortage before", (*sight).back, revoke, restocking},
	{untold, "it is in stock or gone", (*sight).isIn, closed, inStock},
	{untold, "it began before the last telling was verified", (*sight).same, settle, told},
	{untold, "the cooldown is not over", (*sight).cooling, delay, untold},
	{untold, "", (*sight).always, tell, told},
	{told, "it is back", (*sight).back, revoke, restocking},
	{told, "it is in stock or gone", (*sight).isIn, drop, inStock},
	{told, "a reminder is due", (*sight).mayRemind, tell, told},
	{told, "", (*sight).always, keep, told},
	{restocking, "it is out again", (*sight).isOut, drop, inStock},
	{restocking, "it is gone", (*sight).gone, drop, inStock},
	{restocking, "nobody takes it for out", (*sight).unknown, drop, inStock},
	{restocking, "only the threshold has moved", (*sight).lowered, drop, inStock},
	{restocking, "restocks are not told any more", (*sight).unwanted, drop, inStock},
	{restocking, "", (*sight).always, tell, inStock},
	{inStock, "", (*sight).always, keep, inStock},
}

// decide is what is to be done, and the row after it. What is told changes its row only once it is out.
func (s *sight) decide() (deed, state.Item) {
	at := phaseOf(s.row)
	for _, l := range looks {
		if l.phase == at && l.holds(s) {
			return l.do, s.after(l.do)
		}
	}
	panic("notifier: no rule for an item that is " + at)
}

// after is the row when a deed is done; of what is told the row as it is.
func (s *sight) after(d deed) state.Item {
	next := s.row
	switch d {
	case closed, drop:
		next.Stock, next.Due, next.Failed, next.Look = state.In, state.Due{}, "", nil
		next.Expires = s.rules.expiry(s.v)
	case revoke:
		next = s.rules.revoked(next, s.present, s.v)
	case settle:
		next.Due, next.Told.Position = state.Due{}, next.Began.Position
		next.Look = s.rules.lookAfter(next.Told.V)
	case delay:
		next.Due = state.Due{Kind: state.Shortage, EventID: next.EventID}
		next.Look = &state.Look{At: next.Told.V.Add(s.rules.Cooldown), For: string(state.Shortage)}
	case keep:
		next.Look = s.rules.kept(s.row)
	}
	return next
}

// revoked is the row of an item of which people are to hear that it is back, as was seen at v.
func (r *Rules) revoked(i state.Item, present *inventory.Item, v time.Time) state.Item {
	v = v.Truncate(time.Second)
	i.Stock, i.At, i.Count, i.Previous, i.Failed, i.Expires = state.In, v, present.Count, nil, "", time.Time{}
	i.Due = state.Due{Kind: state.Restock, EventID: sighted(i.Store, i.Item, state.In, v)}
	i.Look = &state.Look{At: v, For: string(state.Restock)}
	return i
}

// sighted names what was seen of an item in the table, where no record has told it: receivers tell changes apart by it.
func sighted(store, item string, side state.Stock, v time.Time) string {
	sum := sha256.Sum256([]byte(store + "\x00" + item + "\x00" + string(side)))
	return fmt.Sprintf("scan-%d-%x", v.Unix(), sum[:8])
}

// lookAfter is when an item that was told at v is looked at again: for the next reminder, or not at all.
func (r *Rules) lookAfter(v time.Time) *state.Look {
	if r.Remind > 0 {
		return &state.Look{At: v.Add(r.Remind), For: string(state.Reminder)}
	}
	return &state.Look{For: string(state.Shortage)}
}

// kept is when a row is looked at again of which nothing is to be told now.
func (r *Rules) kept(i state.Item) *state.Look {
	switch phaseOf(i) {
	case refusedRow:
		return &state.Look{For: state.AttrFailed}
	case told:
		return r.lookAfter(i.Told.V)
	}
	return nil
}

// kindOf is what is told of an item in a phase.
func kindOf(p phase) state.Kind {
	switch p {
	case told:
		return state.Reminder
	case restocking:
		return state.Restock
	}
	return state.Shortage
}
