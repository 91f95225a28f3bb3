package notifier

// What people heard in a story is judged here: by the course of what the table held, and by nothing of the notifier's own
// but the history, for when it looked.

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"inventoryd/internal/inventory"
	"inventoryd/internal/state"
)

// saying is one message as it arrived.
type saying struct {
	Event string
	Store string
	Items []struct {
		Item string
		ID   string
	}
	at time.Time
}

// text is the same for the same message.
func (s saying) text() string {
	body, _ := json.Marshal(s) // names and ids can be encoded
	return string(body)
}

func (s *stage) heard(queue string) (all []saying, err error) {
	for _, m := range s.Queues.Drain(queue) {
		var envelope struct{ Message, Timestamp string }
		var said saying
		err = errors.Join(err, json.Unmarshal([]byte(m.Body), &envelope), json.Unmarshal([]byte(envelope.Message), &said))
		said.at, _ = time.Parse(time.RFC3339, envelope.Timestamp)
		all = append(all, said)
	}
	return all, err
}

// word is what a message says of one item; a message that arrives again is none.
type word struct {
	event  Event
	looked time.Time // from when on the teller looked, by the history; of what that does not have, as long ago as can be
	at     time.Time // when it arrived
}

func (w word) out() bool { return w.event != Restocked }

// words are what people heard of each item, and how many messages arrived more than once.
func words(heard []saying, looks map[string][]time.Time) (all map[inventory.Key][]word, copies int) {
	all = map[inventory.Key][]word{}
	seen := map[string]int{}
	for _, said := range heard {
		text := said.text()
		most := 1
		if said.Event == string(Reminder) { // reads the same each time
			most = max(1, len(looks[text]))
		}
		if seen[text]++; seen[text] > most {
			copies++
			continue
		}
		w := word{Event(said.Event), said.at.Add(-hearLag), said.at}
		for i, v := range looks[text] { // in their order
			if i == 0 || !v.After(said.at) {
				w.looked = v
			}
		}
		for _, i := range said.Items {
			k := inventory.Key{Store: said.Store, Item: i.Item}
			all[k] = append(all[k], w)
		}
	}
	return all, copies
}

// judge compares what was heard with what happened.
func (s *stage) judge(heard []saying) (repeated int, err error) {
	looks, err := s.judgeHistory(heard)
	said, repeated := words(heard, looks)
	for item := range 6 {
		k := keyOfStory(item)
		again, wrong := s.judgeItem(k, said[k])
		repeated, err = repeated+again, errors.Join(err, wrong)
	}
	if limit := s.mayRepeat(); repeated > limit {
		err = errors.Join(err, fmt.Errorf("%d messages repeated after %d accidents, and %d without an answer (fifo %v)", repeated, s.accidents.Load(), s.mute.Load(), s.fifo))
	}
	left, err2 := s.book().Outgoing(s.Context())
	due, err3 := s.book().Due(s.Context())
	if len(left)+len(due) > 0 {
		err = errors.Join(err, fmt.Errorf("left outgoing %d, due %+v", len(left), due))
	}
	return repeated, errors.Join(err, err2, err3, s.judgeAudit())
}

// mayRepeat is how many messages at most people may hear twice. A FIFO topic drops repetitions for as long as they are made
// unchanged.
func (s *stage) mayRepeat() int {
	most := tellers*int(s.accidents.Load()) + int(s.mute.Load())
	if s.fifo && !s.outage {
		return 0
	}
	return most * max(1, len(s.now)) // of a message that is taken back each item may come in one of its own
}

// judgeItem: a shortage that lasts is told, and once; the last word is true; nobody hears that something is back that was
// not told to be out.
func (s *stage) judgeItem(k inventory.Key, said []word) (again int, err error) {
	var last *word // that it is out
	for i := range said {
		w := &said[i]
		switch {
		case w.event == Reminder:
			if last == nil {
				err = errors.Join(err, fmt.Errorf("%s is told to be out still, and nobody knew that it was", k))
			}
		case !w.out():
			if last == nil && !s.outage {
				err = errors.Join(err, fmt.Errorf("%s is told to be back, and nobody knew that it was out", k))
			}
			last = nil
			continue
		case last != nil && !s.wasIn(k, last.looked, w.at):
			again++
		}
		last = w
	}
	began, out := s.lasting(k)
	if out && !slices.ContainsFunc(said, func(w word) bool { return w.out() && !w.at.Before(began) }) {
		err = errors.Join(err, fmt.Errorf("%s is out since %s and nobody was told (told %v)", k, began.Format(time.TimeOnly), said))
	}
	return again, errors.Join(err, s.judgeLastWord(k, said))
}

// judgeLastWord: once all is quiet, what people heard last of an item is true. Where restocks are told that is so of what is
// back too, but for items that were removed, and for those of which only the threshold has moved.
func (s *stage) judgeLastWord(k inventory.Key, said []word) error {
	if len(said) == 0 || s.odd[k] || s.now[k] == nil {
		return nil
	}
	last := said[len(said)-1]
	_, out := s.lasting(k)
	excused := !s.rules.Restocked || slices.ContainsFunc(s.course[k], func(m moment) bool {
		return !m.at.Before(last.looked) && (m.gone || !m.out && !m.odd && !m.rose)
	})
	switch {
	case out && !last.out():
		return fmt.Errorf("%s is out, and the last that people heard is %+v: %+v", k, last, s.course[k])
	case !out && last.out() && !excused:
		return fmt.Errorf("%s is back, and the last that people heard is %+v: %+v", k, last, s.course[k])
	}
	return nil
}

// wasIn tells whether an item came to be in stock, or was removed, within a time.
func (s *stage) wasIn(k inventory.Key, from, to time.Time) bool {
	if s.wasOdd(k, from, from.Add(lookLag)) {
		from = time.Time{}
	}
	return slices.ContainsFunc(s.course[k], func(m moment) bool {
		return !m.out && !m.odd && !m.at.Before(from) && !m.at.After(to)
	})
}

// wasOdd tells whether an item's count was unusable at some instant from one time to another. What is told then is what the last change
// says that was read, however long ago: the item may have been in stock since.
func (s *stage) wasOdd(k inventory.Key, from, to time.Time) (odd bool) {
	for _, m := range s.course[k] {
		switch {
		case !m.at.After(from):
			odd = m.odd
		case !m.at.After(to):
			odd = odd || m.odd
		}
	}
	return odd
}

// What a message says held when the teller looked: after V, the second of the service's answer before it read the counts,
// and at most lookLag later; and it is heard within hearLag of that: what lies there from a crash is sent again unchanged
// for five minutes.
const (
	lookLag = 1100 * time.Millisecond
	hearLag = resendFor + 10*time.Second
)

// judgeHistory: nothing was told that did not hold when the teller looked, and what was heard is in the history, unless
// SNS's answer was lost, and it had an outage until the message was taken back. It says when the teller looked, by the messages' text.
func (s *stage) judgeHistory(heard []saying) (looks map[string][]time.Time, err error) {
	told, err := s.book().History(s.Context(), s.Clock.Now().Add(-48*time.Hour), s.Clock.Now(), "")
	looks = map[string][]time.Time{}
	for _, h := range told {
		var said saying
		err = errors.Join(err, json.Unmarshal([]byte(h.Body), &said))
		looks[said.text()] = append(looks[said.text()], h.At)
		for _, i := range h.Subjects {
			k := inventory.Key{Store: h.Store, Item: i.Item}
			if !s.held(k, h.Kind != state.Restock, h.At, h.At.Add(lookLag)) {
				err = errors.Join(err, fmt.Errorf("%s was told of %s at %s, and it did not hold then: %v", h.Event, k, h.At, s.course[k]))
			}
		}
	}
	for _, said := range heard {
		if !s.outage && !slices.ContainsFunc(looks[said.text()], func(v time.Time) bool {
			return !said.at.Before(v) && said.at.Sub(v) <= hearLag
		}) {
			err = errors.Join(err, fmt.Errorf("%s was heard at %s, and the history has it at %v", said.text(), said.at, looks[said.text()]))
		}
	}
	return looks, err
}

// held tells whether an item was out, or was not, at some instant from one time to another.
func (s *stage) held(k inventory.Key, out bool, from, to time.Time) bool {
	at := moment{} // when the time begins
	for _, m := range s.course[k] {
		switch {
		case m.at.Before(from):
			at = m
		case !m.at.After(to) && (m.odd || m.out == out):
			return true
		}
	}
	return at.odd || at.out == out
}
