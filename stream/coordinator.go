package stream

// This file: the goroutine that owns the catalogue: it starts the goroutines of the shards that are this instance's and,
// where the instance leads, decides on those of all. It makes no remote calls: others do, and put what they learn into
// its events. What it does at an event does not grow with the number of shards, unless the event is about all of them.

import (
	"context"
	"errors"
	"time"

	"go.uber.org/zap"

	"inventoryd/internal/lease"
)

// coordinator is one goroutine.
type coordinator struct {
	*tenure
	catalogue *catalogue
	view      lease.View // the instances as they were seen last
	known     bool       // they were seen
	alive     map[string]lease.Instance
	leads     bool
}

func newCoordinator(t *tenure) *coordinator {
	c := &coordinator{tenure: t, catalogue: newCatalogue(labelOf(t.stream.ARN), later(t.stream.Since, t.stream.Start))}
	for label := range t.labels {
		c.catalogue.stream(label)
	}
	return c
}

// run takes events until ctx ends and all shards' goroutines have ended.
func (c *coordinator) run(ctx context.Context) error {
	defer c.shards.Wait()
	tick, done := c.loop("stream")
	defer done()
	ticker := time.NewTicker(tickEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-ticker.C:
		case <-c.events.ready:
			for _, event := range c.events.take() {
				event(c)
			}
			c.advance()
		}
		tick()
	}
}

// advance does what follows from the events: for the shards that they were about, or for all.
func (c *coordinator) advance() {
	if !c.known {
		return // whose the shards are is not known before the instances are
	}
	known := c.catalogue
	if !known.sweep {
		for _, e := range known.untouch() {
			if known.shards[e.row.key()] == e {
				c.consider(e)
			}
		}
		if !known.sweep { // none of them was the last of its stream
			return
		}
	}
	known.sweep = false
	known.untouch()
	known.drain()
	for _, e := range known.sorted() {
		c.consider(e)
	}
	if c.leads {
		for _, e := range known.removable(time.Now()) {
			c.remove(e)
		}
		if known.unproven() {
			c.asked.put(question{})
		}
	}
	waiting := known.waiting()
	c.board.set(func(s *Status) { s.Waiting = waiting })
}

// consider does what is to be done about one shard.
func (c *coordinator) consider(e *entry) {
	if e.running != nil || e.moving || c.lives.stop.Err() != nil {
		return
	}
	switch l := c.catalogue.stream(e.row.Label); {
	case e.row.ended():
		c.orphaned(e)
	case l.gone:
		if c.leads && c.free(e) {
			c.start(e, (*shard).bury)
		}
	case e.row.Owner == c.me():
		c.start(e, (*shard).run)
	case c.free(e) && c.catalogue.mayStart(e):
		if e.ready.IsZero() {
			e.ready = time.Now()
		}
		c.allot(e)
	case c.leads && e.row.Parent != "" && c.catalogue.shards[e.row.parentKey()] == nil && c.free(e):
		c.asked.put(question{}) // a listing may prove that its parent is gone
	}
	if e.running == nil {
		c.board.place(e.row, e.ready, c.unread(e))
	}
}

// allot gives a free shard that may start to somebody: here, where its parent ended here or its owner was this host's, or
// as the plan says.
func (c *coordinator) allot(e *entry) {
	parent := c.catalogue.shards[e.row.parentKey()]
	switch {
	case parent != nil && parent.endHere, e.row.Owner != "" && e.row.Owner == c.before:
		c.start(e, (*shard).run)
	case c.leads:
		if to := c.heir(e); to == c.me() {
			c.start(e, (*shard).run)
		} else if to != "" {
			c.move(e, order{kind: assign, seen: e.row, to: to})
		}
	}
}

// orphaned asks for the children of a shard that another has read to its end, if nobody has told of any.
func (c *coordinator) orphaned(e *entry) {
	if !c.leads || e.endHere || e.asked || len(e.row.Children) > 0 || len(c.catalogue.children[e.row.key()]) > 0 || time.Since(e.ended) > childrenFor {
		return
	}
	e.asked = true
	c.parents.put(succession{key: e.row.key(), ended: e.ended})
}

// free is true of a shard that nobody has, or only an instance that is certainly dead.
func (c *coordinator) free(e *entry) bool {
	return e.row.Owner == "" || c.view.Dead[e.row.Owner]
}

// unread is the instant before which nothing is unread of a shard that nobody reads and that has something to read
// before which no other shard's reading shows how late it is; zero of all others.
func (c *coordinator) unread(e *entry) time.Time {
	parent, ok := c.catalogue.shards[e.row.parentKey()]
	if e.row.ended() || !c.free(e) && e.row.Owner != c.me() || ok && !parent.row.ended() {
		return time.Time{}
	}
	return c.catalogue.readUntil(e)
}

// start runs a shard on a goroutine of its own.
func (c *coordinator) start(e *entry, run func(*shard) error) {
	through := c.catalogue.readUntil(e)
	s := c.newShard(e.row, c.board.place(e.row, e.ready, through), c.quiet(e), through)
	e.running, e.bound = s, c.me()
	c.catalogue.count(e)
	c.shards.Go(func() {
		err := run(s)
		s.drop(nil) // its context is of no more use
		c.events.put(func(c *coordinator) { c.finished(s.row, err) })
	})
}

// longQuiet is what a shard is taken for of which no event is known.
const longQuiet = time.Hour

// quiet is how long nothing has happened in a shard, as far as its row or its parent's says.
func (c *coordinator) quiet(e *entry) time.Duration {
	last := e.row.LastEvent
	if parent, ok := c.catalogue.shards[e.row.parentKey()]; ok && last.IsZero() {
		last = parent.row.LastEvent
	}
	if last.IsZero() {
		return longQuiet
	}
	return max(0, c.clock.now().Sub(last))
}

// claimed takes the row of a shard that runs here, as its goroutine has written it.
func (c *coordinator) claimed(row shardRow) {
	if e := c.catalogue.shards[row.key()]; e != nil && e.running != nil {
		e.row, e.bound = row, ""
		c.catalogue.count(e)
	}
}

// finished takes a shard back from its goroutine.
func (c *coordinator) finished(row shardRow, err error) {
	e := c.catalogue.shards[row.key()]
	if e.newer.Epoch > row.Epoch { // it was read before the goroutine had told of its end
		row = e.newer
	}
	e.running, e.bound, e.newer = nil, "", shardRow{}
	now := time.Now()
	switch {
	case errors.Is(err, errEnded):
		e.ended, e.endHere = now, true
		c.parents.put(succession{key: row.key(), ended: now, mine: true})
	case errors.Is(err, errHandedOver):
		e.ready = time.Time{}
	case errors.Is(err, errMissing):
		c.log.Error("the row of a shard is missing; it is made anew and the shard read from its oldest record", zap.String("shard", row.ID))
		c.remake(e, c.me())
		return
	case errors.Is(err, errLost):
		e.ready = time.Time{}
		c.readRows.wake()
	case c.lives.stop.Err() != nil:
	default:
		c.lives.end(err)
	}
	c.catalogue.update(e, row, now, 0)
}

// remake writes a row that somebody has deleted, for the owner that it had.
func (c *coordinator) remake(e *entry, owner string) {
	row := shardRow{Label: e.row.Label, ID: e.row.ID, Parent: e.row.Parent, State: StateReady, Owner: owner, Epoch: e.row.Epoch + 1}
	if owner == "" {
		row.State = StateWaiting
	}
	c.metrics.remade.Add(context.Background(), 1)
	c.move(e, order{kind: remake, seen: row, to: owner})
}

// remove deletes the row of an ended shard.
func (c *coordinator) remove(e *entry) { c.move(e, order{kind: discard, seen: e.row}) }

// me is this instance's id.
func (c *coordinator) me() string { return c.beat.ID() }
