package page

// Since when items are short: asked a part at a time, and remembered for all who look.

import (
	"context"
	"hash/maphash"
	"maps"
	"sync"
	"time"

	"inventoryd/internal/inventory"
)

const (
	sinceAsked = 500         // items that are asked for every operatorInterval, at most: 50 read units a second
	sinceKept  = time.Minute // how long an answer holds
	sinceMost  = 10_000      // answers that are remembered
)

// shortages remembers since when items are short. Items stand in it by their hash, since names may be long.
type shortages struct {
	ask  func(context.Context, []inventory.Key) (map[inventory.Key]time.Time, error) // nil: nobody knows
	seed maphash.Seed

	mu    sync.Mutex // guards what follows; held while the source is asked
	at    time.Time  // when that was last
	known map[uint64]shortage
}

type shortage struct{ since, asked time.Time }

func newShortages(ask func(context.Context, []inventory.Key) (map[inventory.Key]time.Time, error)) *shortages {
	return &shortages{ask: ask, seed: maphash.MakeSeed(), known: map[uint64]shortage{}}
}

// of returns since when items are short, as far as that is known, and how many were not asked for yet.
func (s *shortages) of(ctx context.Context, keys []inventory.Key) (since map[inventory.Key]time.Time, pending int) {
	if s.ask == nil {
		return nil, 0
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	if now.Sub(s.at) >= operatorInterval {
		s.refresh(ctx, keys, now)
	}
	since = map[inventory.Key]time.Time{}
	for _, k := range keys {
		one, ok := s.known[maphash.Comparable(s.seed, k)]
		switch {
		case !ok:
			pending++
		case !one.since.IsZero():
			since[k] = one.since
		}
	}
	return since, pending
}

// refresh asks for what is not known, then for what was asked longest ago. Where nobody answers, what is known stays.
func (s *shortages) refresh(ctx context.Context, keys []inventory.Key, now time.Time) {
	var unknown, old []inventory.Key
	for _, k := range keys {
		switch one, ok := s.known[maphash.Comparable(s.seed, k)]; {
		case !ok:
			unknown = append(unknown, k)
		case now.Sub(one.asked) >= sinceKept:
			old = append(old, k)
		}
	}
	wanted := append(unknown, old...)
	wanted = wanted[:min(sinceAsked, len(wanted))]
	if len(wanted) == 0 {
		return
	}
	s.at = now
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), operatorPatience) // others wait for the answer too
	defer cancel()
	found, err := s.ask(ctx, wanted)
	if err != nil {
		return
	}
	if len(s.known)+len(wanted) > sinceMost {
		maps.DeleteFunc(s.known, func(_ uint64, one shortage) bool { return now.Sub(one.asked) >= sinceKept })
	}
	if len(s.known)+len(wanted) > sinceMost {
		clear(s.known)
	}
	for _, k := range wanted {
		s.known[maphash.Comparable(s.seed, k)] = shortage{found[k], now}
	}
}
