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
	last     []string // stores of the last upload
	first    []string // stores, the first ones
	stores   map[string]*entered
	store    *entered  // of the row before; nil: there is none
	presence *presence // nil: nobody asks what is absent
}

// entered is a store of the feed.
type entered struct {
	name string
	next *entered // that came after it the last time: feeds that are not sorted by store often have their stores in turn
}

func newSurvey(last *state.Brought, absent bool) *survey {
	s := &survey{stores: map[string]*entered{}}
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
	if s.store == nil || string(r.Store) != s.store.name {
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
	was := s.store
	if was != nil && was.next != nil && string(store) == was.next.name {
		s.store = was.next
		return
	}
	is, known := s.stores[string(store)]
	if !known {
		if len(s.stores) >= mostStores {
			return
		}
		is = s.add(string(store))
	}
	if s.store = is; was != nil {
		was.next = is
	}
}

// add takes a store that was not among the feed's yet.
func (s *survey) add(store string) *entered {
	is := &entered{name: store}
	s.stores[store] = is
	if len(s.first) < state.FeedStores {
		s.first = append(s.first, store)
	}
	s.shared = s.shared || slices.Contains(s.last, store)
	return is
}
