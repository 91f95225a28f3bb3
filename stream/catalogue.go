package stream

// This file: all that one instance knows of the shards. The coordinator's goroutine owns the catalogue; nothing here
// makes a call or waits. What follows from it for a stream as a whole is in closing.go.

import (
	"cmp"
	"slices"
	"time"
)

// catalogue is the shards of all streams of the table.
type catalogue struct {
	latest   string    // label of the stream that the table has now
	since    time.Time // nothing created before is missed: when the table was first read, and where that began
	shards   map[shardKey]*entry
	children map[shardKey][]*entry // by parent, which may be unknown
	streams  map[string]*listings
	loads    map[string]float64 // by the instance that has, or shall have, them
	touched  []*entry           // shards for which something has changed; no map, which would be walked in its largest size
	sweep    bool               // something has changed that may concern any shard
}

// entry is one shard.
type entry struct {
	row     shardRow  // as it was last read or written
	seen    time.Time // when this run learned of it
	ended   time.Time // when this run learned of its end, or, for ends before, that end's time
	ready   time.Time // since when it may be read; zero: it may not
	running *shard    // a goroutine of this instance has it
	newer   shardRow  // the row as another has written it while the goroutine runs
	moving  bool      // a write about its owner is under way
	endHere bool      // this instance has read it to its end: its children are this instance's too
	asked   bool      // its children were asked for
	bound   string    // who shall have it once that write is done
	counted string    // under whose load it is counted
	weight  float64
	touched bool // it is among the catalogue's touched
}

func newCatalogue(latest string, since time.Time) *catalogue {
	return &catalogue{
		latest: latest, since: since, shards: map[shardKey]*entry{}, children: map[shardKey][]*entry{},
		streams: map[string]*listings{}, loads: map[string]float64{},
	}
}

func (c *catalogue) stream(label string) *listings {
	l, ok := c.streams[label]
	if !ok {
		l = &listings{}
		c.streams[label] = l
		c.sweep = true
	}
	return l
}

// learn takes a row as it was read from the table or written here. age is how long ago the shard ended, by the service's
// clock. Of a shard that runs here the goroutine knows better, unless the row says that it is another's by now.
func (c *catalogue) learn(row shardRow, now time.Time, age time.Duration) *entry {
	e, ok := c.shards[row.key()]
	if !ok {
		e = &entry{seen: now}
		c.shards[row.key()] = e
		if row.Parent != "" {
			c.children[row.parentKey()] = append(c.children[row.parentKey()], e)
		}
		c.stream(row.Label).open++
	}
	if e.running != nil && row.Epoch > e.row.Epoch {
		e.newer = row
	}
	stale := ok && (row.Epoch < e.row.Epoch || row.Epoch == e.row.Epoch && e.row.ended() && !row.ended())
	if e.running != nil || stale {
		return e
	}
	c.update(e, row, now, age)
	return e
}

// update changes what is known of a shard.
func (c *catalogue) update(e *entry, row shardRow, now time.Time, age time.Duration) {
	before := e.row
	e.row = row
	switch {
	case row.ended() && !before.ended():
		if e.ended.IsZero() {
			e.ended = now.Add(-max(0, age))
		}
		c.closed(row.Label, -1)
		for _, child := range c.children[row.key()] {
			c.touch(child)
		}
	case !row.ended() && before.ended(): // it was reset
		e.ended, e.endHere = time.Time{}, false
		c.closed(row.Label, 1)
	}
	c.count(e)
	c.touch(e)
}

// touch has a shard considered.
func (c *catalogue) touch(e *entry) {
	if !e.touched {
		e.touched = true
		c.touched = append(c.touched, e)
	}
}

// untouch returns the shards that were touched since, those that are known no more among them.
func (c *catalogue) untouch() []*entry {
	touched := c.touched
	c.touched = nil
	for _, e := range touched {
		e.touched = false
	}
	return touched
}

// closed counts the open shards of a stream; the last may let the next stream begin.
func (c *catalogue) closed(label string, change int) {
	l := c.stream(label)
	if l.open += change; l.open == 0 {
		c.sweep = true
	}
}

// count keeps the loads in step with a shard.
func (c *catalogue) count(e *entry) {
	if c.loads[e.counted] -= e.weight; c.loads[e.counted] < 0.01 {
		delete(c.loads, e.counted)
	}
	e.counted, e.weight = cmp.Or(e.bound, e.row.To, e.row.Owner), e.row.weight()
	if e.counted != "" && !e.row.ended() {
		c.loads[e.counted] += e.weight
	} else {
		e.weight = 0
	}
}

// weight is what a shard counts in the plan.
func (r shardRow) weight() float64 { return 1 + r.Load }

// missing are the shards that were known before the rows were asked for, and have none.
func (c *catalogue) missing(rows []shardRow, asked time.Time) []*entry {
	there := make(map[shardKey]bool, len(rows))
	for _, row := range rows {
		there[row.key()] = true
	}
	var gone []*entry
	for key, e := range c.shards {
		if !there[key] && e.seen.Before(asked) {
			gone = append(gone, e)
		}
	}
	return gone
}

// told takes a gap that was told.
func (c *catalogue) told(g Gap) {
	if e, ok := c.shards[shardKey{g.Stream, g.Shard}]; ok {
		e.row.Gaps = withGap(e.row.Gaps, g)
	}
}

func (c *catalogue) forget(k shardKey) {
	e, ok := c.shards[k]
	if !ok {
		return
	}
	if !e.row.ended() {
		c.closed(k.label, -1)
	}
	parent := e.row.parentKey()
	c.children[parent] = slices.DeleteFunc(c.children[parent], func(child *entry) bool { return child == e })
	if len(c.children[parent]) == 0 {
		delete(c.children, parent)
	}
	e.row.Owner, e.row.To, e.bound = "", "", ""
	c.count(e)
	delete(c.shards, k)
}

// complete takes a listing of a stream that reached its end.
func (c *catalogue) complete(label string, l listing) {
	c.stream(label).listing = l
	c.sweep = true
}

// family gathers what decides whether a shard may start.
func (c *catalogue) family(e *entry) family {
	f := family{parent: e.row.Parent, olderStream: !c.drainedBefore(e.row.Label)}
	if parent, ok := c.shards[e.row.parentKey()]; ok {
		f.parentRow, f.parentEnded = true, parent.row.ended()
	}
	l := c.stream(e.row.Label)
	f.parentGone = l.gone || l.begun.After(e.seen) && !l.ids[e.row.Parent]
	return f
}

// mayStart is true of a shard that nothing that came before it can keep from being read.
func (c *catalogue) mayStart(e *entry) bool {
	return !e.row.ended() && !c.stream(e.row.Label).gone && c.family(e).mayStart()
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

// removable returns the shards whose rows may be deleted.
func (c *catalogue) removable(now time.Time) []*entry {
	var found []*entry
	for key, e := range c.shards {
		if !e.row.ended() || e.running != nil || e.moving {
			continue
		}
		l := c.stream(key.label)
		is := leftover{
			ended: true, age: now.Sub(e.ended), listed: !l.gone && (!l.begun.After(e.ended) || l.ids[key.id]), childrenStarted: true,
			untold: slices.ContainsFunc(e.row.Gaps, func(g Gap) bool { return g.Pending }),
		}
		for _, child := range c.children[key] {
			is.childrenStarted = is.childrenStarted && child.row.started()
		}
		if is.mayGo() {
			found = append(found, e)
		}
	}
	return found
}

// sorted are all shards, oldest stream first.
func (c *catalogue) sorted() []*entry {
	all := make([]*entry, 0, len(c.shards))
	for _, e := range c.shards {
		all = append(all, e)
	}
	slices.SortFunc(all, func(a, b *entry) int {
		return cmp.Or(cmp.Compare(a.row.Label, b.row.Label), cmp.Compare(a.row.ID, b.row.ID))
	})
	return all
}
