package notifier

// What this instance knows to be due: keys only, by store. The rows decide; the queue says where to look first.

import (
	"strings"
	"sync"
	"time"

	"inventoryd/internal/state"
)

// rank is the order in which what is due is told.
type rank uint8

const (
	rankShortage rank = iota
	rankFeed
	rankRestock
	rankReminder
	rankOther // rows that want only care
)

// rankOf ranks what the index says of a row.
func rankOf(what string) rank {
	switch {
	case what == string(state.Shortage):
		return rankShortage
	case what == string(state.Restock):
		return rankRestock
	case what == string(state.Reminder):
		return rankReminder
	case strings.HasPrefix(what, "feed_"):
		return rankFeed
	}
	return rankOther
}

// shelfKey names a store, or a kind of message about feeds.
type shelfKey struct{ store, tell string }

// before orders shelves that have waited equally long.
func (k shelfKey) before(other shelfKey) bool {
	return k.store < other.store || k.store == other.store && k.tell < other.tell
}

// maxQueued bounds the keys in memory; those beyond it stay in the index until there is room.
const maxQueued = 200_000

// queue holds the keys of what is due, on a shelf for each store. It is safe for concurrent use.
type queue struct {
	mu      sync.Mutex // guards what follows; never held over a call
	open    bool       // this instance tells
	shelves map[shelfKey]*shelf
	size    int
	more    bool          // keys were left out for want of room
	changed chan struct{} // closed and made anew when something may be ready earlier than it was
	pace    Pace
}

// shelf is what is due of one store.
type shelf struct {
	items  map[string]rank
	lines  [rankOther + 1][]string // the items as they came, by rank; those that items holds otherwise are passed over
	waits  time.Time               // when the first of them came, on the monotonic clock
	oldest time.Time               // since when the oldest is due, by the service's time; zero: since just now
	rest   time.Time               // no message before
	turn   time.Time               // when somebody last took of it
	busy   bool                    // somebody is telling of the store
}

func newQueue(p Pace) *queue {
	return &queue{shelves: map[shelfKey]*shelf{}, changed: make(chan struct{}), pace: p}
}

// start begins to take keys, with empty shelves; stop forgets them.
func (q *queue) start() { q.reset(true) }

func (q *queue) stop() { q.reset(false) }

func (q *queue) reset(open bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.open, q.size, q.more = open, 0, false
	q.shelves = map[shelfKey]*shelf{}
}

// set takes over another pace.
func (q *queue) set(p Pace) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.pace = p
	q.wake()
}

// wake lets those who wait look again. The mutex is held.
func (q *queue) wake() {
	close(q.changed)
	q.changed = make(chan struct{})
}

// add puts a key on its shelf; since is when it became due, by the service's time, zero for just now.
func (q *queue) add(k shelfKey, item string, r rank, since time.Time) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if !q.open {
		return
	}
	s := q.shelves[k]
	if s == nil {
		s = &shelf{items: map[string]rank{}}
		q.shelves[shelfKey{strings.Clone(k.store), k.tell}] = s // a change may share memory with a page of the stream
	}
	known, there := s.items[item]
	if there && known <= r {
		return
	}
	if !there {
		if q.size >= maxQueued {
			q.more = true
			return
		}
		q.size++
	}
	if len(s.items) == 0 {
		s.waits, s.oldest = time.Now(), since
		q.wake()
	}
	if !since.IsZero() && (s.oldest.IsZero() || since.Before(s.oldest)) {
		s.oldest = since
	}
	item = strings.Clone(item)
	s.items[item] = r
	s.lines[r] = append(s.lines[r], item)
}

// work is a shelf that somebody has taken to tell of.
type work struct {
	shelfKey
	items []string
	used  bool // the message that the gate has allowed for this turn
}

// take gives the most urgent shelf that is ready, and marks it busy. Where none is, it says when to look again, and
// what tells of a change before.
func (q *queue) take(most int) (w *work, wait time.Duration, changed <-chan struct{}) {
	q.mu.Lock()
	defer q.mu.Unlock()
	now := time.Now()
	wait = time.Hour
	var best *shelf
	var key shelfKey
	urgent := rankOther // of what waits for a store's turn to end, where that is not followed by a rest
	for k, s := range q.shelves {
		if len(s.items) == 0 && !s.busy && now.After(s.rest) {
			delete(q.shelves, k)
			continue
		}
		if s.busy && len(s.items) > 0 && q.pace.GroupItems > 0 {
			urgent = min(urgent, s.rank())
		}
		if s.busy || len(s.items) == 0 {
			continue
		}
		if at := q.ready(k, s); at.After(now) {
			wait = min(wait, at.Sub(now))
			continue
		}
		if best == nil || s.before(best) || !best.before(s) && k.before(key) {
			best, key = s, k
		}
	}
	if best == nil || urgent < best.rank() {
		return nil, wait, q.changed
	}
	best.busy = true
	return &work{shelfKey: key, items: q.unload(best, most)}, 0, nil
}

// ready is when a shelf may be told of.
func (q *queue) ready(k shelfKey, s *shelf) time.Time {
	at := s.waits
	if k.tell == "" {
		at = at.Add(q.pace.GroupWait)
	}
	if s.rest.After(at) {
		at = s.rest
	}
	return at
}

// rank is that of the most urgent item.
func (s *shelf) rank() rank {
	for r := range s.lines {
		if _, ok := s.first(rank(r)); ok {
			return rank(r)
		}
	}
	return rankOther
}

// first is the item of a rank that came first.
func (s *shelf) first(r rank) (item string, ok bool) {
	for len(s.lines[r]) > 0 {
		item = s.lines[r][0]
		if is, there := s.items[item]; there && is == r {
			return item, true
		}
		s.lines[r] = s.lines[r][1:]
	}
	return "", false
}

// before reports whether s goes first: what is more urgent, then who has waited longer.
func (s *shelf) before(other *shelf) bool {
	if a, b := s.rank(), other.rank(); a != b {
		return a < b
	}
	return s.since().Before(other.since())
}

// since is how long a shelf has waited for its turn.
func (s *shelf) since() time.Time {
	if s.turn.After(s.waits) {
		return s.turn
	}
	return s.waits
}

// unload takes the most urgent items from a shelf, at most so many (0: all), the oldest first, and what wants only care
// with them.
func (q *queue) unload(s *shelf, most int) []string {
	var items []string
	for _, r := range []rank{s.rank(), rankOther} {
		for most == 0 || len(items) < most {
			item, ok := s.first(r)
			if !ok {
				break
			}
			items = append(items, item)
			delete(s.items, item)
			s.lines[r] = s.lines[r][1:]
			q.size--
		}
	}
	s.turn = time.Now()
	return items
}

// done puts a shelf back. One of which something was told rests; what came meanwhile waits that long.
func (q *queue) done(k shelfKey, told bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	s := q.shelves[k]
	if s == nil {
		return
	}
	s.busy = false
	if told && q.pace.GroupItems == 0 && k.tell == "" {
		s.rest = time.Now().Add(q.pace.GroupInterval)
	}
	q.wake()
}

// backlog says how many are due, since when the oldest, and whether there are more that do not fit.
func (q *queue) backlog() (n int, oldest time.Time, more bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, s := range q.shelves {
		if len(s.items) > 0 && !s.oldest.IsZero() && (oldest.IsZero() || s.oldest.Before(oldest)) {
			oldest = s.oldest
		}
	}
	return q.size, oldest, q.more
}

// room lets keys that were left out be looked for again; it reports whether there were any.
func (q *queue) room() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	had := q.more && q.size < maxQueued/2
	if had {
		q.more = false
	}
	return had
}
