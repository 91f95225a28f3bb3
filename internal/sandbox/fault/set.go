package fault

import (
	"slices"
	"sync"
)

// Set holds the rules in force and counts the calls that each has matched. The zero Set has none; it is safe for
// concurrent use.
type Set struct {
	mu    sync.Mutex // guards rules and their counts; a rule's Match runs under it
	rules []*counted
}

type counted struct {
	Rule
	seen    int // matching calls after those skipped
	skipped int
	applied int
}

// Add puts a rule behind those in force; remove takes it out again, and may be called more than once.
func (s *Set) Add(r Rule) (remove func()) {
	c := &counted{Rule: r}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rules = append(s.rules, c)
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.rules = slices.DeleteFunc(s.rules, func(o *counted) bool { return o == c })
	}
}

// Take returns the effect of the first rule that applies to the call and counts it; ok is false where none does.
func (s *Set) Take(c Call) (e Effect, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.rules {
		if r.takes(c) {
			return r.Effect, true
		}
	}
	return Effect{}, false
}

// takes says whether the rule applies to this call, and counts.
func (r *counted) takes(c Call) bool {
	if r.Times > 0 && r.applied >= r.Times || !r.matches(c) {
		return false
	}
	if r.skipped < r.Skip {
		r.skipped++
		return false
	}
	r.seen++
	if r.Every > 1 && r.seen%r.Every != 0 {
		return false
	}
	r.applied++
	return true
}

func (r *counted) matches(c Call) bool {
	return (r.Service == "" || r.Service == c.Service) &&
		(r.Operation == "" || r.Operation == c.Operation) &&
		(r.Client == "" || r.Client == c.Client) &&
		(r.Match == nil || r.Match(c))
}
