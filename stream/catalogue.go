package stream

// This file: all that one instance knows of the shards, and what follows from it. The coordinator's goroutine owns
// the catalogue; nothing here makes a call or waits.

import (
	"cmp"
	"slices"
	"time"
)

// catalogue is the shards of all streams of the table.
type catalogue struct {
	latest  string // label of the stream that the table has now
	shards  map[shardKey]*entry
	streams map[string]*listings
	dead    map[string]bool // instances whose shards may be taken
}

// entry is one shard.
type entry struct {
	row     shardRow  // as it was last read or written
	seen    time.Time // when this run learned of it
	ended   time.Time // when this run learned of its end, or, for ends before, that end's time
	ready   time.Time // since when it may be read; zero: it may not
	running bool      // a goroutine of this instance has it
}

// listings is what the listings of one stream have shown.
type listings struct {
	gone  bool            // the service does not know the stream any more
	begun time.Time       // beginning of the last complete listing; zero: there was none
	ids   map[string]bool // the shards in it
}

func newCatalogue(latest string) *catalogue {
	return &catalogue{latest: latest, shards: map[shardKey]*entry{}, streams: map[string]*listings{}}
}

func (c *catalogue) stream(label string) *listings {
	l, ok := c.streams[label]
	if !ok {
		l = &listings{}
		c.streams[label] = l
	}
	return l
}

// learn takes a row as it was read from the table. A row of a shard that runs here is older than what its goroutine
// knows. age is how long ago the shard ended, by the service's clock.
func (c *catalogue) learn(row shardRow, now time.Time, age time.Duration) {
	e, ok := c.shards[row.key()]
	if !ok {
		e = &entry{seen: now}
		c.shards[row.key()] = e
	}
	stale := ok && (row.Epoch < e.row.Epoch || row.Epoch == e.row.Epoch && e.row.ended() && !row.ended())
	if e.running || stale {
		return
	}
	if row.ended() && e.ended.IsZero() {
		e.ended = now.Add(-max(0, age))
	}
	e.row = row
}

// compare takes all rows of shards, whose reading was asked for at the instant asked, and forgets shards that were
// known before and have no row any more.
func (c *catalogue) compare(rows []shardRow, asked time.Time) {
	there := make(map[shardKey]bool, len(rows))
	for _, row := range rows {
		there[row.key()] = true
	}
	for key, e := range c.shards {
		if !e.running && !there[key] && e.seen.Before(asked) {
			c.forget(key)
		}
	}
}

func (c *catalogue) forget(k shardKey) { delete(c.shards, k) }

// complete takes a listing of a stream that reached its end.
func (c *catalogue) complete(label string, begun time.Time, ids map[string]bool) {
	l := c.stream(label)
	l.begun, l.ids = begun, ids
}

// family gathers what decides whether a shard may start.
func (c *catalogue) family(e *entry, olderStream bool) family {
	f := family{parent: e.row.Parent, olderStream: olderStream}
	if parent, ok := c.shards[e.row.parentKey()]; ok {
		f.parentRow, f.parentEnded = true, parent.row.ended()
	}
	l := c.stream(e.row.Label)
	f.parentGone = l.gone || l.begun.After(e.seen) && !l.ids[e.row.Parent]
	return f
}

// drainedBefore is true when all streams older than this one have been read out.
func (c *catalogue) drainedBefore(label string) bool {
	for older := range c.streams {
		if older < label && !c.drained(older) {
			return false
		}
	}
	return true
}

func (c *catalogue) drained(label string) bool { return c.closing(label).drained() }

// closing gathers what decides whether a stream has been read out.
func (c *catalogue) closing(label string) closing {
	l := c.streams[label]
	is := closing{gone: l.gone, listed: !l.begun.IsZero(), allKnown: true}
	var last time.Time
	for key, e := range c.shards {
		if key.label != label {
			continue
		}
		if !e.row.ended() {
			is.open++
		} else if e.ended.After(last) {
			last = e.ended
		}
	}
	for id := range l.ids {
		if c.shards[shardKey{label, id}] == nil {
			is.allKnown = false
		}
	}
	is.settled = l.begun.Sub(last)
	if last.IsZero() { // a stream without any shard
		is.settled = settling
	}
	return is
}

// startable returns the shards that may be read now and that nobody has, or only a dead instance; oldest streams
// first. It notes since when each may be read.
func (c *catalogue) startable(now time.Time, me string) []*entry {
	waits := map[string]bool{} // streams that wait for an older one
	for key := range c.shards {
		if _, ok := waits[key.label]; !ok {
			waits[key.label] = !c.drainedBefore(key.label)
		}
	}
	var found []*entry
	for key, e := range c.shards {
		if e.running || e.row.ended() || c.stream(key.label).gone || !c.family(e, waits[key.label]).mayStart() {
			continue
		}
		if c.free(e, me) {
			if e.ready.IsZero() {
				e.ready = now
			}
			found = append(found, e)
		}
	}
	slices.SortFunc(found, func(a, b *entry) int {
		return cmp.Or(cmp.Compare(a.row.Label, b.row.Label), cmp.Compare(a.row.ID, b.row.ID))
	})
	return found
}

func (c *catalogue) free(e *entry, me string) bool {
	return e.row.Owner == "" || e.row.Owner == me || c.dead[e.row.Owner]
}

// unreadable returns the shards that nobody has and that ended unread with their stream.
func (c *catalogue) unreadable(me string) []*entry {
	var found []*entry
	for key, e := range c.shards {
		if c.stream(key.label).gone && !e.running && !e.row.ended() && c.free(e, me) {
			found = append(found, e)
		}
	}
	return found
}

// removable returns the shards whose rows may be deleted.
func (c *catalogue) removable(now time.Time) []*entry {
	started := map[shardKey]bool{} // parents of which a child has not started map to false
	for _, e := range c.shards {
		if parent := e.row.parentKey(); e.row.Parent != "" {
			before, ok := started[parent]
			started[parent] = e.row.started() && (before || !ok)
		}
	}
	var found []*entry
	for key, e := range c.shards {
		l := c.stream(key.label)
		childrenStarted, hasChildren := started[key]
		is := leftover{
			ended: e.row.ended() && !e.running, age: now.Sub(e.ended),
			listed:          !l.gone && (!l.begun.After(e.ended) || l.ids[key.id]),
			childrenStarted: childrenStarted || !hasChildren,
		}
		if is.mayGo() {
			found = append(found, e)
		}
	}
	return found
}

// unproven is true when something waits for a complete listing: a shard for the proof that its parent is gone, or a
// stream for the proof that the one before it has no more shards.
func (c *catalogue) unproven() bool {
	for _, e := range c.shards {
		f := c.family(e, false)
		if !e.row.ended() && f.parent != "" && !f.parentRow && !f.parentGone {
			return true
		}
	}
	for label := range c.streams {
		if label < c.latest && c.closing(label).open == 0 && !c.drained(label) {
			return true
		}
	}
	return false
}
