package fire

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// promise is what the daemons are set to.
type promise struct {
	rate  float64 // messages a second
	burst int
}

// evidence is what the judge looks at: what was written down, and what is there when all is over.
type evidence struct {
	*witness
	table   map[known]int64
	waiting []string // bodies of messages in the queue of the events
	dead    []string // and in its dead-letter queue
	opened  time.Time
	burned  time.Time // both as the town has them
	promise
}

// owed is what may still be under way: the table is not as the feeds say, or an item that is out was not told.
func (e evidence) owed() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Concat(e.tableWrong(), e.untold(), e.feedsUntold(), e.goodOnes("message of a good feed waits", e.waiting))
}

// findings is everything that is not as promised.
func (e evidence) findings() []string {
	found := e.owed()
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, judge := range []func() []string{e.untrue, e.unwritten, e.toldAgain, e.tooFast, e.deadLetters, e.feedsUntrue} {
		found = append(found, judge()...)
	}
	return found
}

// tableWrong compares the table with the feeds. An item that the last upload names has its count; one that it does not
// name (a truncated feed, a row that could not be used) keeps that of some upload before it.
func (e evidence) tableWrong() (found []string) {
	for store := range e.sheets {
		for i := range assortment(store) {
			k := known{Store: storeName(store), Item: fmt.Sprintf("Item %d", i)}
			got, there := e.table[k]
			may, missing := e.counts(store, k.Item)
			if !there && missing {
				continue
			}
			if !there || !slices.Contains(may, got) {
				found = append(found, fmt.Sprintf("table: %v is %d (there: %t), may be %v", k, got, there, may))
			}
		}
	}
	slices.Sort(found)
	return found
}

// counts is what the table may say of an item, and whether it may say nothing. What a whole feed does not name is 0 where that is so
// set, or was never there; what is held back says nothing.
func (e evidence) counts(store int, item string) (may []int64, missing bool) {
	sheets := e.sheets[store]
	for i, s := range slices.Backward(sheets) {
		if s.held && !e.open[store] {
			continue
		}
		n, named := s.rows[item]
		missing = missing || !named && guarded(store)
		if named || zeroes(store) {
			may = append(may, n)
			if i == len(sheets)-1 {
				break
			}
		}
	}
	return may, missing
}

// untold is what is out of stock and was not told since it is.
func (e evidence) untold() (found []string) {
	told := map[known]time.Time{}
	for _, m := range e.mails {
		if m.event == "out_of_stock" {
			for _, item := range m.items {
				told[known{Store: m.store, Item: item}] = m.at
			}
		}
	}
	for k, l := range e.lives {
		if n := len(l.spans); l.usable && n > 0 && l.spans[n-1].open() && told[k].Before(l.spans[n-1].from.wall) {
			found = append(found, fmt.Sprintf("untold: %v is out since %s", k, clockTime(l.spans[n-1].from.wall)))
		}
	}
	slices.Sort(found)
	return found
}

// untrue is what was written down to be told and did not hold when the teller looked: between the services' time before its
// look and the moment at which it wrote.
func (e evidence) untrue() (found []string) {
	for _, n := range e.notes {
		for _, item := range n.items {
			k := known{Store: n.store, Item: item}
			out, in := e.between(k, n.since, n.at)
			if n.event == "out_of_stock" && !out || n.event == "restocked" && !in {
				found = append(found, fmt.Sprintf("untrue: %s of %v, written down at %s, looked at after %s", n.event, k, clockTime(n.at), clockTime(n.since)))
			}
		}
	}
	return found
}

// between says whether an item was out, and whether it was in stock, at some moment from a to b by the services' clock. While
// its count was none it may have been taken for either.
func (e evidence) between(k known, a, b time.Time) (out, in bool) {
	l := e.lives[k]
	if l == nil {
		return false, true
	}
	in = true
	for _, s := range l.blind {
		if s.touches(a, b) {
			return true, true
		}
	}
	for _, s := range l.spans {
		if s.touches(a, b) {
			out = true
		}
		if s.from.service.Before(a) && (s.open() || s.to.service.After(b)) {
			in = false
		}
	}
	return out, in
}

// unwritten is what was published without having been written down, and restocks of what was never told, nor may have been: a
// message whose answer is lost is taken back after some minutes, and what it told of is revoked all the same.
func (e evidence) unwritten() (found []string) {
	written, told := map[string]bool{}, map[known]bool{}
	for _, n := range e.notes {
		written[n.message()] = true
		for _, item := range n.items {
			k := known{Store: n.store, Item: item}
			told[k] = told[k] || n.event == "out_of_stock"
		}
	}
	for _, m := range e.mails {
		if !written[m.message()] {
			found = append(found, fmt.Sprintf("published and not written down: %s of %s %v", m.event, m.store, m.items))
		}
		for _, item := range m.items {
			if k := (known{Store: m.store, Item: item}); m.event == "restocked" && !told[k] {
				found = append(found, fmt.Sprintf("restock of a shortage that was never told: %v at %s", k, clockTime(m.at)))
			}
		}
	}
	return found
}

// inFlight is how many messages may be between SNS's answer and its record when a teller dies.
const inFlight = 4

// repeats are the messages that came again, and how many may.
func (e evidence) repeats() (again []string, allowed int) {
	seen := map[string]time.Time{}
	for _, m := range e.mails {
		message := m.message()
		if first, ok := seen[message]; ok {
			again = append(again, fmt.Sprintf("%s of %s %v at %s and %s", m.event, m.store, m.items, clockTime(first), clockTime(m.at)))
		}
		seen[message] = m.at
	}
	return again, inFlight*e.deaths + len(e.lost)
}

// toldAgain is what was told more often than it happened, beyond what a death of the teller and a lost answer explain.
func (e evidence) toldAgain() (found []string) {
	if again, allowed := e.repeats(); len(again) > allowed {
		found = append(found, fmt.Sprintf("told again: %d messages, %d deaths and %d lost answers explain %d:\n%s", len(again), e.deaths, len(e.lost), allowed, strings.Join(again, "\n")))
	}
	ids, of := map[known]map[string]bool{}, map[string]known{}
	for _, m := range e.mails {
		for i, item := range m.items {
			k := known{Store: m.store, Item: item}
			if other, ok := of[m.ids[i]]; ok && other != k && m.store != "" {
				found = append(found, fmt.Sprintf("one id, %s, for %v and %v", m.ids[i], other, k))
			}
			of[m.ids[i]] = k
			if m.event == "out_of_stock" {
				if ids[k] == nil {
					ids[k] = map[string]bool{}
				}
				ids[k][m.ids[i]] = true
			}
		}
	}
	for k, told := range ids {
		if l := e.lives[k]; l == nil || len(told) > len(l.spans) {
			found = append(found, fmt.Sprintf("told again: %v as %d shortages, it had %d", k, len(told), len(l.spans)))
		}
	}
	slices.Sort(found)
	return found
}

// tooFast is more messages within ten seconds than the rate allows; each start of a daemon has a burst of its own.
func (e evidence) tooFast() []string {
	const window = 10 * time.Second
	within := func(all []time.Time, from time.Time) (n int) {
		for _, t := range all {
			if !t.Before(from.Add(-window)) && t.Before(from.Add(window)) {
				n++
			}
		}
		return n
	}
	at := 0
	for i, m := range e.mails {
		for m.at.Sub(e.mails[at].at) > window {
			at++
		}
		from := e.mails[at].at
		allowed := int(e.rate*window.Seconds()) + e.burst*(2+within(e.starts, from)) + within(e.lost, from)
		if n := i - at + 1; n > allowed {
			return []string{fmt.Sprintf("too fast: %d messages within %s from %s on, at most %d", n, window, clockTime(from), allowed)}
		}
	}
	return nil
}

func (e evidence) deadLetters() []string { return e.goodOnes("dead letter of a good feed", e.dead) }

// goodOnes are the messages that are of a feed none of whose uploads was bad. One of a bad object waits ever longer for its
// redrive, which is as it should be.
func (e evidence) goodOnes(what string, bodies []string) (found []string) {
	for store, sheets := range e.sheets {
		if slices.ContainsFunc(sheets, func(s sheet) bool { return s.bad }) {
			continue
		}
		key := feedKey(store)
		for _, body := range bodies {
			if strings.Contains(body, `"`+key+`"`) {
				found = append(found, fmt.Sprintf("%s: %s", what, key))
			}
		}
	}
	slices.Sort(found)
	return found
}

func clockTime(t time.Time) string { return t.Format("15:04:05.000") }
