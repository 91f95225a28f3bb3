package loader

// What a reading finds out about a feed as a whole, beside its rows.

import (
	"crypto/sha256"
	"hash/maphash"
	"slices"

	"inventoryd/internal/state"
	"inventoryd/loader/feed"
)

// found is what the gate judges by.
type found struct {
	rows, zeros int64 // that can be used, and those of them that say that nothing is left
	rejected    int64
	shared      bool // one of the last upload's stores is among its stores
}

// mostStores is how many stores of one upload are remembered as this feed's; one of more is no store's.
const mostStores = 100_000

// survey is made anew for each reading, by its one goroutine.
type survey struct {
	found
	last     []string // stores of the last upload
	first    []string // stores, the first ones
	stores   map[string]struct{}
	store    string // of the row before
	tooMany  bool   // there are more stores than are remembered
	presence *presence
}

func newSurvey(last *state.Brought, absent bool) *survey {
	s := &survey{stores: map[string]struct{}{}}
	if last != nil {
		s.last = last.Stores
	}
	if absent {
		s.presence = &presence{seed: maphash.MakeSeed()}
	}
	return s
}

// row takes a row that can be used.
func (s *survey) row(r *feed.Row) {
	s.rows++
	if r.Count <= 0 {
		s.zeros++
	}
	if string(r.Store) != s.store || s.rows == 1 {
		s.enter(r.Store)
	}
	s.presence.add(r.Store, r.Item)
}

// reject takes a row that cannot be used.
func (s *survey) reject(r *feed.Reject) {
	s.rejected++
	if r.Column == "count" && r.Store != nil {
		s.presence.add(r.Store, r.Item)
		return
	}
	s.presence.spoil(r)
}

// enter makes a row's store the present one.
func (s *survey) enter(store []byte) {
	if _, known := s.stores[string(store)]; known {
		for name := range s.named(store) {
			s.store = name
		}
		return
	}
	if len(s.stores) >= mostStores {
		s.tooMany = true
		return
	}
	s.store = string(store)
	s.stores[s.store] = struct{}{}
	if len(s.first) < state.FeedStores {
		s.first = append(s.first, s.store)
	}
	s.shared = s.shared || slices.Contains(s.last, s.store)
}
