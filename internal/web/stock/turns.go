package stock

// Which subject is read next, and which is forgotten.

import "time"

// next is the subject whose turn it is, and what pays for it: of those that are due, the one that has waited longest; while
// something is saved for that, of those whose first view is waited for. Where none is due, rest is how long that may last.
func (r *Reader) next(now time.Time) (turn *subject, paid purse, rest time.Duration) {
	saving := r.budget.saving()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.forget(now)
	rest = time.Hour
	for _, s := range r.subjects {
		due, wanted := s.due(now)
		from := forAll
		if saving && s.firstWaitedFor(now) {
			from = forWaiters
		}
		switch {
		case !wanted:
		case due.After(now):
			rest = min(rest, due.Sub(now))
		case turn == nil || from > paid || from == paid && s.place(now) < turn.place(now):
			turn, paid = s, from
		}
	}
	return turn, paid, rest
}

// firstWaitedFor tells whether somebody waits for a view of the subject and there is no whole one yet.
func (s *subject) firstWaitedFor(now time.Time) bool {
	return (s.state.View == nil || !s.state.View.Whole) && now.Sub(s.waited) < Interval
}

// place is where the subject stands in the queue, by the number of its last call. What nobody waits for gets one turn in
// handicap: the list of stores must not hold up the store that somebody wants to see.
func (s *subject) place(now time.Time) int64 {
	const handicap = 4
	if s.lookers == 0 && now.Sub(s.waited) > Interval {
		return s.served + handicap
	}
	return s.served
}

// due is when the subject's next call may be made, and whether anybody wants it.
func (s *subject) due(now time.Time) (at time.Time, wanted bool) {
	asked := now.Sub(s.asked) < remembered
	if s.reading != nil {
		return s.retry, s.lookers > 0 || asked
	}
	at = s.began.Add(Interval)
	if s.retry.After(at) {
		at = s.retry
	}
	return at, s.lookers > 0 || asked && s.asked.After(s.began)
}

// forget drops what nobody has looked at for long, and of the rest the eldest beyond maxKept. With mu held.
func (r *Reader) forget(now time.Time) {
	var idle int
	var eldest *subject
	for store, s := range r.subjects {
		if _, wanted := s.due(now); wanted {
			continue
		}
		s.reading, s.from = nil, nil // where it goes on for nobody
		v := s.state.View
		if now.Sub(s.seen) > kept || v == nil || v.Totals.Items == 0 && store != "" {
			delete(r.subjects, store)
			continue
		}
		idle++
		if eldest == nil || s.seen.Before(eldest.seen) {
			eldest = s
		}
	}
	if idle > maxKept {
		delete(r.subjects, eldest.store)
	}
}
