package stream

// This file: all that one instance knows of the shards, and what follows from it. The coordinator's goroutine owns
// the catalogue; nothing here makes a call or waits.

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"
)

// catalogue is the shards of all streams of the table.
type catalogue struct {
	latest  string    // label of the stream that the table has now
	since   time.Time // nothing created before is missed: when the table was first read, and where that began
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
	listing      // the last complete one
	gone    bool // the service does not know the stream any more
}

// listing is a listing of a stream's shards that reached its end.
type listing struct {
	begun time.Time       // zero: there was none
	at    time.Time       // when it began by the service's clock
	ids   map[string]bool // the shards in it
}

func newCatalogue(latest string, since time.Time) *catalogue {
	return &catalogue{latest: latest, since: since, shards: map[shardKey]*entry{}, streams: map[string]*listings{}}
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

// told takes a gap that was told.
func (c *catalogue) told(g Gap) {
	if e, ok := c.shards[shardKey{g.Stream, g.Shard}]; ok {
		e.row.Gaps = withGap(e.row.Gaps, g)
	}
}

func (c *catalogue) forget(k shardKey) { delete(c.shards, k) }

// complete takes a listing of a stream that reached its end.
func (c *catalogue) complete(label string, l listing) { c.stream(label).listing = l }

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
	for key, e := range c.shards {
		switch {
		case key.label == label && !e.row.ended():
			is.open++
		case key.label > label && e.row.Epoch > 0:
			is.followed = true
		}
	}
	for id := range l.ids {
		if c.shards[shardKey{label, id}] == nil {
			is.allKnown = false
		}
	}
	if next := c.after(label); next != "" {
		is.settled = l.at.Sub(born(next))
	}
	return is
}

// after is the label of the stream that follows, "" where there is none.
func (c *catalogue) after(label string) string {
	next := ""
	for other := range c.streams {
		if other > label && (next == "" || other < next) {
			next = other
		}
	}
	return next
}

// born is the instant of a stream's birth, which is its label.
func born(label string) time.Time {
	at, _ := time.Parse("2006-01-02T15:04:05.000", label) // another kind of label: no waiting for late children
	return at
}

// waiting says what the table's latest stream waits for, "" where it does not.
func (c *catalogue) waiting() string {
	for _, label := range slices.Sorted(maps.Keys(c.streams)) {
		if label >= c.latest || c.drained(label) {
			continue
		}
		next := c.after(label)
		if open := c.closing(label).open; open > 0 {
			return fmt.Sprintf("stream %s is not read yet: %d shards of stream %s before it have not been read to their end", next, open, label)
		}
		return fmt.Sprintf("stream %s is not read before %s: until then stream %s before it may show another shard",
			next, born(next).Add(settling).Format(time.RFC3339), label)
	}
	return ""
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

// readUntil is the instant before which nothing of a shard is unread: its tip was seen then, or a record was handled, or
// it was not yet born. Its birth is in its id, else its parent's last record came before.
func (c *catalogue) readUntil(e *entry) time.Time {
	first := bornAt(e.row.ID)
	if parent, ok := c.shards[e.row.parentKey()]; ok && first.IsZero() {
		first = parent.row.LastEvent
	}
	return later(later(c.since, first), e.row.readUntil())
}

// unread is that of a shard that nobody reads and that has something to read before which no other shard's reading
// shows how late it is; zero of all others.
func (c *catalogue) unread(e *entry, me string) time.Time {
	parent, ok := c.shards[e.row.parentKey()]
	if e.row.ended() || !c.free(e, me) || ok && !parent.row.ended() {
		return time.Time{}
	}
	return c.readUntil(e)
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
			untold:          slices.ContainsFunc(e.row.Gaps, func(g Gap) bool { return g.Pending }),
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
