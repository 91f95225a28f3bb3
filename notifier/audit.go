package notifier

// The audit: whether the table, the rows of its items and the history of what was told fit each other. This file
// judges, and calls nothing; evidence.go reads.

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"inventoryd/internal/inventory"
	"inventoryd/internal/state"
)

// Evidence is what an audit compares.
type Evidence struct {
	Rules Rules
	Now   time.Time // the service's, after all of it was read
	// Items holds each item that is out of stock, each that has a row which is out, due or failed, and each of which a
	// message told since Recent; those that are not there were not looked at.
	Items map[inventory.Key]*Sighting
	// Told are the messages of the days on which anything in Items was told, and those that are out but not history yet.
	Told   []state.History
	Broken []error   // of the history's rows that are none
	Recent time.Time // rows of what was told since then are kept whatever has become of the items
	// Feeds are the rows of what was told of feeds since Recent, by kind and name.
	Feeds map[[2]string]*state.Tell
}

// Sighting is what was read of one item.
type Sighting struct {
	Row        *state.Item // nil: there is none
	Broken     error       // why the row is none of ours
	Present    *inventory.Item
	Unreadable bool // the table has the item, without a usable count
}

// Verdict is what an audit comes to.
type Verdict struct {
	Read     int64     `json:"read"` // items of the table
	Out      int       `json:"out"`  // of them, out of stock; what follows are these
	Told     int       `json:"told"`
	Due      int       `json:"due"`
	Delayed  int       `json:"delayed"` // until their cooldown is over
	Failed   int       `json:"failed"`  // SNS refuses what is to be told
	Messages int       `json:"messages"`
	Findings []Finding `json:"findings"`
}

// Finding is something that does not fit.
type Finding struct {
	Code    string `json:"finding"`
	Store   string `json:"store,omitempty"`
	Item    string `json:"item,omitempty"`
	Feed    string `json:"feed,omitempty"`
	Message string `json:"message,omitempty"` // its id in the history
	Detail  string `json:"detail"`
}

// The codes of findings.
const (
	FoundNoRow         = "no_row"         // an item is out of stock, and no row says so
	FoundNotOut        = "not_out"        // a row says out of what is in stock or gone
	FoundSilent        = "silent"         // out, and neither told nor due nor failed
	FoundUnlisted      = "unlisted"       // nobody will look at a row that is to be looked at
	FoundLate          = "late"           // it is looked at later than the rules say
	FoundTime          = "time"           // times or positions that cannot be
	FoundNotTold       = "not_in_history" // a row says told, and no message did
	FoundForgotten     = "forgotten"      // a message told of it, and the row does not know
	FoundBroken        = "broken_row"
	FoundBrokenMessage = "broken_message"
)

// tolerance is how far two of the service's clocks, each cut to the second, may be apart.
const tolerance = 2 * time.Second

// Judge compares.
func (e *Evidence) Judge() Verdict {
	j := judge{Evidence: e, said: map[saidOf]bool{}}
	j.verdict.Messages = len(e.Told)
	for i := range e.Told {
		j.message(&e.Told[i])
	}
	for _, err := range e.Broken {
		j.found(Finding{Code: FoundBrokenMessage}, "%v", err)
	}
	for k, s := range e.Items {
		j.item(k, s)
	}
	for i := range e.Told {
		j.remembered(&e.Told[i])
	}
	slices.SortFunc(j.verdict.Findings, func(a, b Finding) int {
		return cmp.Or(strings.Compare(a.Store, b.Store), strings.Compare(a.Item, b.Item), strings.Compare(a.Feed, b.Feed),
			strings.Compare(a.Code, b.Code), strings.Compare(a.Message, b.Message))
	})
	return j.verdict
}

type judge struct {
	*Evidence
	verdict Verdict
	said    map[saidOf]bool
}

// saidOf is one telling of one item.
type saidOf struct {
	inventory.Key
	at int64 // V, in milliseconds
}

func (j *judge) found(f Finding, format string, args ...any) {
	f.Detail = fmt.Sprintf(format, args...)
	j.verdict.Findings = append(j.verdict.Findings, f)
}

// message looks at a message of the history alone, and notes whom it told of.
func (j *judge) message(h *state.History) {
	f := Finding{Code: FoundBrokenMessage, Store: h.Store, Message: h.ID}
	switch {
	case len(h.Subjects) == 0:
		j.found(f, "it tells of nothing")
	case h.Bytes < len(h.Body) || h.Bytes > len(h.Body) && h.Bytes <= state.MaxHistoryBody:
		j.found(f, "its body has %d bytes, and the row says %d", len(h.Body), h.Bytes)
	case !slices.Contains(eventsOf[h.Kind], Event(h.Event)) && (h.Kind != "" || !strings.HasPrefix(h.Event, "feed_")):
		j.found(f, "its event %q is none of kind %q", h.Event, h.Kind)
	}
	if h.Kind != state.Shortage && h.Kind != state.Reminder {
		return
	}
	for _, s := range h.Subjects {
		j.said[saidOf{inventory.Key{Store: h.Store, Item: s.Item}, h.At.UnixMilli()}] = true
	}
}

var eventsOf = map[state.Kind][]Event{
	state.Shortage: {OutOfStock, LowStock}, state.Restock: {Restocked}, state.Reminder: {Reminder},
}

// item compares an item with its row.
func (j *judge) item(k inventory.Key, s *Sighting) {
	f := Finding{Store: k.Store, Item: k.Item}
	out := s.Present != nil && j.Rules.side(s.Present) == state.Out
	if out {
		j.verdict.Out++
	}
	switch {
	case s.Broken != nil:
		f.Code = FoundBroken
		j.found(f, "%v", s.Broken)
		return
	case s.Row == nil || s.Row.Stock == state.In:
		if out {
			f.Code = FoundNoRow
			j.found(f, "its count is %d, threshold %d, and no row says that it is out", s.Present.Count, j.Rules.limit(s.Present))
		}
	case !out && !s.Unreadable:
		f.Code = FoundNotOut
		j.found(f, "the row says out since %s, and %s", stamp(s.Row.Began.At), presence(s.Present))
	}
	if s.Row == nil {
		return
	}
	j.tally(s.Row, out)
	j.listed(f, s.Row)
	j.times(f, s.Row)
}

func presence(i *inventory.Item) string {
	if i == nil {
		return "the table does not have it"
	}
	return fmt.Sprintf("its count is %d", i.Count)
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// tally counts what is known of what is out.
func (j *judge) tally(row *state.Item, out bool) {
	if !out || row.Stock != state.Out {
		return
	}
	switch phaseOf(*row) {
	case refusedRow:
		j.verdict.Failed++
	case told:
		j.verdict.Told++
	case untold:
		if row.Look != nil && row.Look.At.After(j.Now) {
			j.verdict.Delayed++
		} else {
			j.verdict.Due++
		}
	}
}

// listed looks whether somebody will look at the row, and in time.
func (j *judge) listed(f Finding, row *state.Item) {
	p := phaseOf(*row)
	switch {
	case p == inStock:
		return
	case p == untold && row.Due.Kind == "":
		f.Code = FoundSilent
		j.found(f, "it is out since %s, and neither told nor due nor failed", stamp(row.Began.At))
		return
	case row.Look == nil, (p == untold || p == restocking) && row.Look.At.IsZero():
		f.Code = FoundUnlisted
		j.found(f, "it is %q, and the index does not say so", p)
		return
	}
	latest := j.Now
	switch {
	case p == untold && !row.Told.V.IsZero():
		latest = row.Told.V.Add(j.Rules.Cooldown)
	case p == told && j.Rules.Remind > 0:
		latest = row.Told.V.Add(j.Rules.Remind)
	case p == told || p == refusedRow:
		return
	}
	if latest = later(latest, j.Now); row.Look.At.IsZero() || row.Look.At.After(latest.Add(tolerance)) {
		f.Code = FoundLate
		j.found(f, "it is %q, and is looked at %s, not by %s", p, when(row.Look.At), stamp(latest))
	}
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func when(t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	return "at " + stamp(t)
}

// times looks whether the row's times can be, and whether what it says to be told was told.
func (j *judge) times(f Finding, row *state.Item) {
	soon := j.Now.Add(tolerance)
	wrong := f
	wrong.Code = FoundTime
	switch v := row.Told.V; {
	case row.Began.At.After(soon):
		j.found(wrong, "its shortage began at %s, which is not yet", stamp(row.Began.At))
	case v.After(soon):
		j.found(wrong, "it was told at %s, which is not yet", stamp(v))
	case row.At.After(soon):
		j.found(wrong, "its last change was at %s, which is not yet", stamp(row.At))
	case row.Position < row.Began.Position:
		j.found(wrong, "its last change (%s) is before its shortage began (%s)", row.Position, row.Began.Position)
	case row.Stock == state.Out && row.Began.Position == "":
		j.found(wrong, "it is out, and the row does not say since when")
	case phaseOf(*row) == told && row.Began.At.After(v.Add(tolerance)):
		j.found(wrong, "it was told at %s, before its shortage began at %s", stamp(v), stamp(row.Began.At))
	}
	v := row.Told.V
	if v.IsZero() || j.Now.Sub(v) > state.HistoryKept-24*time.Hour || j.said[saidOf{inventory.Key{Store: row.Store, Item: row.Item}, v.UnixMilli()}] {
		return
	}
	f.Code = FoundNotTold
	j.found(f, "the row says that it was told at %s, and no message of the history did", v.UTC().Format("2006-01-02T15:04:05.000Z"))
}

// remembered looks whether the rows know what a message told.
func (j *judge) remembered(h *state.History) {
	for _, s := range h.Subjects {
		f := Finding{Code: FoundForgotten, Store: h.Store, Item: s.Item, Message: h.ID}
		if h.Kind == "" {
			f.Feed, f.Item = s.Item, ""
			if tell := j.Feeds[[2]string{h.Event, s.Item}]; !h.At.Before(j.Recent) && (tell == nil || tell.ID == s.EventID && tell.Told.IsZero()) {
				j.found(f, "it was told of %s at %s, and its row does not know", h.Event, stamp(h.At))
			}
			continue
		}
		seen := j.Items[inventory.Key{Store: h.Store, Item: s.Item}]
		switch {
		case seen == nil || seen.Broken != nil || h.At.Before(j.Recent): // the row of then may be gone, and this a new one
		case seen.Row == nil:
			j.found(f, "it was told at %s, and there is no row", stamp(h.At))
		case h.Kind == state.Shortage && seen.Row.Told.Position < s.Position, h.Kind == state.Restock && seen.Row.Told.Back < s.Position:
			j.found(f, "it was told at %s, and the row does not know", stamp(h.At))
		}
	}
}
