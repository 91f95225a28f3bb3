package notifier

import (
	"time"

	"inventoryd/internal/inventory"
	"inventoryd/internal/state"
)

// plan decides what is to be done about the candidates of a batch. It is pure: what was read is put into it.
type plan struct {
	rules   Rules
	now     time.Time // by the wall clock
	changes []inventory.Change
	found   []candidate

	known    map[inventory.Key]state.Alert // the alert rows
	accepted map[string]string             // by event id: the message ids of alerts that SNS has taken and no row tells of yet
	present  map[inventory.Key]state.Stock // the present side of the doubtful; absent: not in the table, or without a usable count

	repeated []string // the event ids of transitions already done
}

// fate is what becomes of a transition besides its mark.
type fate uint8

const (
	quiet    fate = iota // nobody is to be told
	due                  // an alert
	cooled               // an alert that the cooldown forbids
	outdated             // an alert of an old change that no longer holds
	fates
)

// step is one thing to do: perhaps an alert, then a mark of the item's row. Steps of one item are done in order.
type step struct {
	first int // the first change of the batch that is done with this step
	told  int // the change that the alert tells of
	key   inventory.Key
	alert *Alert      // nil: only mark
	row   state.Alert // as it is to be
	fates [fates]int  // of the transitions that are done with it

	message   message
	messageID string // from SNS, once it has accepted the alert, in this call or in an earlier one
	done      bool
	err       error // why it is not done; nil while it was not tried
}

// keys lists the items of the candidates, each once.
func (p *plan) keys() []inventory.Key {
	seen := make(map[inventory.Key]struct{}, len(p.found))
	keys := make([]inventory.Key, 0, len(p.found))
	for _, f := range p.found {
		k := p.changes[f.index].Key
		if _, again := seen[k]; !again {
			seen[k] = struct{}{}
			keys = append(keys, k)
		}
	}
	return keys
}

// doubtful lists the items whose present count must be read: an alert may be due for an old change of theirs.
func (p *plan) doubtful() []inventory.Key {
	var keys []inventory.Key
	seen := map[inventory.Key]struct{}{}
	for _, f := range p.found {
		c := &p.changes[f.index]
		if !p.old(c) || p.sent(c) || !p.rules.tells(f.to, c) || applied(p.known[c.Key], c) {
			continue
		}
		if _, again := seen[c.Key]; !again {
			seen[c.Key] = struct{}{}
			keys = append(keys, c.Key)
		}
	}
	return keys
}

func (p *plan) old(c *inventory.Change) bool { return p.now.Sub(c.Created) > p.rules.VerifyAfter }

// sent reports whether SNS has taken the alert of the change already.
func (p *plan) sent(c *inventory.Change) bool {
	_, ok := p.accepted[c.ID]
	return ok
}

// tells reports whether subscribers are told of transitions to that side.
func (r Rules) tells(to state.Stock, c *inventory.Change) bool {
	return to == state.Out || r.Restocked && c.New != nil
}

// steps applies the transitions to the rows, in order. Marks that no alert needs are folded into the next step of
// their item, or into the one before: a row only has to be right when the next alert of its item goes out, and at last.
func (p *plan) steps() []*step {
	steps := make([]*step, 0, len(p.found))
	last := make(map[inventory.Key]*step, len(p.found))
	rows := make(map[inventory.Key]state.Alert, len(p.found))
	for _, f := range p.found {
		c := &p.changes[f.index]
		row, seen := rows[c.Key]
		if !seen {
			row = p.known[c.Key]
		}
		if applied(row, c) {
			p.repeated = append(p.repeated, c.ID)
			continue
		}
		if !f.certain && (row.Stock == state.Out) == (f.to == state.Out) {
			continue
		}
		row, what := p.apply(row, c, f.to)
		rows[c.Key] = row
		before := last[c.Key]
		if before == nil || what == due {
			next := &step{first: f.index, key: c.Key}
			if what == due {
				next.alert, next.told, next.messageID = alertOf(c, f.to), f.index, p.accepted[c.ID]
			}
			if before != nil && before.alert == nil {
				next.first, next.fates = before.first, before.fates
				before.done = true // by next
			}
			steps, last[c.Key], before = append(steps, next), next, next
		}
		before.row = row
		before.fates[what]++
	}
	return steps
}

// applied reports whether the row says that the change, or a later one of its item, was applied.
func applied(row state.Alert, c *inventory.Change) bool {
	return row.Position != "" && c.Position <= row.Position
}

// apply is the row after a transition, and what becomes of the transition.
func (p *plan) apply(row state.Alert, c *inventory.Change, to state.Stock) (state.Alert, fate) {
	next := state.Alert{
		Store: c.Store, Item: c.Item, Stock: to, Position: c.Position, EventID: c.ID,
		Since: c.Created, Alerted: row.Alerted,
	}
	if c.New != nil {
		next.Count = c.New.Count
	}
	what := p.fate(row, c, to)
	if to == state.In {
		next.Expires = p.now.Add(max(state.InKept, p.rules.Cooldown))
		return next, what
	}
	next.Silent = what != due
	if what == due {
		next.Alerted = c.Created
	}
	return next, what
}

func (p *plan) fate(row state.Alert, c *inventory.Change, to state.Stock) fate {
	switch {
	case p.sent(c): // whatever holds by now
		return due
	case !p.rules.tells(to, c), to == state.In && row.Silent: // who was not told that it ran out need not hear that it is back
		return quiet
	case p.old(c) && p.present[c.Key] != to:
		return outdated
	case to == state.Out && p.rules.cools(row.Alerted, c.Created):
		return cooled
	}
	return due
}

func (r Rules) cools(alerted, at time.Time) bool {
	return r.Cooldown > 0 && !alerted.IsZero() && at.Sub(alerted) < r.Cooldown
}

// alertOf is what subscribers are told of a change.
func alertOf(c *inventory.Change, to state.Stock) *Alert {
	a := &Alert{
		Store: c.Store, Item: c.Item, Count: c.New.Count, Since: c.Created.UTC(),
		Event: OutOfStock, id: c.ID,
	}
	if to == state.In {
		a.Event = Restocked
	}
	if c.Old != nil {
		a.PreviousCount = &c.Old.Count
	}
	return a
}
