package loader

// What a reading finds out about a feed as a whole, beside its rows.

import (
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

// mostStores is how many stores of one upload are known.
const mostStores = 100_000

// survey is made anew for each reading, by its one goroutine.
type survey struct {
	found
	last     []string          // stores of the last upload
	first    []string          // stores, the first ones
	stores   map[string]string // by themselves, so that looking one up allocates nothing
	store    string            // of the row before
	presence *presence         // nil: nobody asks what is absent
}

func newSurvey(last *state.Brought, absent bool) *survey {
	s := &survey{stores: map[string]string{}}
	if last != nil {
		s.last = last.Stores
	}
	if absent {
		s.presence = newPresence()
	}
	return s
}

// row takes a row that can be used.
func (s *survey) row(r *feed.Row) {
	s.rows++
	if r.Count <= 0 {
		s.zeros++
	}
	if s.rows == 1 || string(r.Store) != s.store {
		s.enter(r.Store)
	}
	if s.presence != nil {
		s.presence.add(r.Store, r.Item)
	}
}

// reject takes a row that cannot be used, of which rows may know store and item all the same.
func (s *survey) reject(r *feed.Reject, rows *feed.Reader) {
	s.rejected++
	if s.presence == nil {
		return
	}
	if store, item, ok := rows.Named(); ok {
		s.presence.add(store, item)
		return
	}
	s.presence.spoil(r)
}

// enter makes a row's store the present one.
func (s *survey) enter(store []byte) {
	if name, known := s.stores[string(store)]; known {
		s.store = name
		return
	}
	if len(s.stores) >= mostStores {
		return
	}
	s.store = string(store)
	s.stores[s.store] = s.store
	if len(s.first) < state.FeedStores {
		s.first = append(s.first, s.store)
	}
	s.shared = s.shared || slices.Contains(s.last, s.store)
}
