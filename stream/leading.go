package stream

// This file: what the coordinator decides for all instances where this one leads, and what it makes of the rows that it
// is shown.

import (
	"slices"
	"time"

	"go.uber.org/zap"

	"inventoryd/internal/lease"
	"inventoryd/stream/internal/plan"
)

// survey is what one look at the lease table has shown.
type survey struct {
	view   lease.View
	asked  time.Time  // when the rows were asked for; zero: they were not read
	rows   []shardRow // of all shards
	stream streamRow
}

// seen takes the instances as they are.
func (c *coordinator) seen(view lease.View) {
	died := false
	for id := range view.Dead {
		died = died || !c.view.Dead[id]
	}
	c.view, c.alive = view, map[string]lease.Instance{}
	for _, i := range view.Alive() {
		c.alive[i.ID] = i
	}
	leader, _ := view.Leader("")
	leads := leader.ID == c.me()
	if leads != c.leads {
		c.leads = leads
		c.catalogue.sweep = true
	}
	c.catalogue.sweep = c.catalogue.sweep || died || !c.known
	c.known = true
	c.board.set(func(s *Status) { s.Leader = leader.ID })
	c.shareLoads()
}

// surveyed takes a look's findings.
func (c *coordinator) surveyed(s survey) {
	c.seen(s.view)
	if s.asked.IsZero() {
		return
	}
	now, service := time.Now(), c.clock.now()
	if label := labelOf(s.stream.ARN); s.stream.ARN != "" && label > c.catalogue.latest {
		c.catalogue.latest = label
		c.catalogue.stream(label)
	}
	for _, row := range s.rows {
		e := c.catalogue.learn(row, now, service.Sub(row.Ended))
		if e.running != nil {
			c.compare(e, row)
		}
	}
	for _, e := range c.catalogue.missing(s.rows, s.asked) {
		c.vanished(e)
	}
	c.catalogue.sweep = true
	if c.leads && len(c.alive) > 1 {
		c.advance() // what is free first
		c.even()
	}
}

// compare holds a row against a shard that runs here: it may be another's by now, or be wanted by one.
func (c *coordinator) compare(e *entry, row shardRow) {
	if e.bound != "" { // it has not been claimed yet
		return
	}
	switch {
	case row.Epoch > e.row.Epoch:
		e.running.drop(errLost)
	case row.Epoch == e.row.Epoch && row.Owner == c.me() && row.To != "" && row.To != c.me():
		e.row.To = row.To
		c.catalogue.count(e)
		e.running.handOverTo(row.To)
	case row.Epoch == e.row.Epoch:
		e.row.Load = row.Load
		c.catalogue.count(e)
	}
}

// vanished is a shard whose row is gone. Ended rows are deleted in order; any other is made anew.
func (c *coordinator) vanished(e *entry) {
	switch {
	case e.running != nil:
		if e.bound == "" {
			e.running.drop(errMissing)
		}
	case e.moving:
	case e.row.ended() || !c.leads:
		c.drop(e.row.key())
	default:
		c.log.Error("the row of a shard is missing; it is made anew and the shard read from its oldest record", zap.String("shard", e.row.ID))
		owner := e.row.Owner
		if c.view.Dead[owner] {
			owner = ""
		}
		c.remake(e, owner)
	}
}

// drop forgets a shard.
func (c *coordinator) drop(k shardKey) {
	c.catalogue.forget(k)
	c.board.drop(k)
	c.discovery.forget(k)
}

// heir is who gets a free shard: the least loaded of those that have not failed to read it, if there are such.
func (c *coordinator) heir(e *entry) string {
	failed := e.row.Failed.at(c.clock.now())
	if to := plan.Heir(c.planned(func(id string) bool { return failed[id].IsZero() }), c.catalogue.loads, 0); to != "" {
		return to
	}
	return plan.Heir(c.planned(func(string) bool { return true }), c.catalogue.loads, 0)
}

// readsWell is how fresh the proof must be that an instance's reads work.
const readsWell = 30 * time.Second

// planned are the living instances as the plan sees them.
func (c *coordinator) planned(may func(id string) bool) []plan.Instance {
	now := c.clock.now()
	var all []plan.Instance
	for id, i := range c.alive {
		if may(id) {
			all = append(all, plan.Instance{ID: id, Leaving: i.Leaving, Reads: now.Sub(i.ReadAt) <= readsWell})
		}
	}
	slices.SortFunc(all, func(a, b plan.Instance) int {
		if a.ID < b.ID {
			return -1
		}
		return 1
	})
	return all
}

// even makes the loads more equal, and moves what cannot be read where it is.
func (c *coordinator) even() {
	now := c.clock.now()
	var shards []plan.Shard
	for _, e := range c.catalogue.shards {
		_, lives := c.alive[e.row.Owner]
		if e.row.ended() || e.moving || !lives || c.catalogue.stream(e.row.Label).gone {
			continue // what nobody has was given away already
		}
		failed := e.row.Failed.at(now)
		s := plan.Shard{
			ID: e.row.key().String(), Owner: e.row.Owner, To: e.row.To, Load: e.row.weight(), MayStart: true, Begun: e.row.begun(),
			Failing: !failed[e.row.Owner].IsZero(),
		}
		if e.running != nil && e.bound != "" {
			continue // it is being claimed here
		}
		for id := range failed {
			s.Failed = append(s.Failed, id)
		}
		shards = append(shards, s)
	}
	for _, m := range plan.Make(c.planned(func(string) bool { return true }), shards) {
		e := c.catalogue.shards[keyOf(m.Shard)]
		kind := assign
		if m.Ask {
			kind = ask
		}
		c.metrics.moves.Add(c.lives.work, 1)
		c.move(e, order{kind: kind, seen: e.row, to: m.To})
	}
	c.nudgeUnbegun()
}

// nudgeUnbegun tells those again who have been given shards and have not begun to read them.
func (c *coordinator) nudgeUnbegun() {
	for _, e := range c.catalogue.shards {
		if owner := e.row.Owner; !e.row.ended() && owner != "" && owner != c.me() && (!e.row.begun() || e.row.To != "") {
			if _, lives := c.alive[owner]; lives {
				n := news{to: owner}
				if !e.row.begun() {
					n.given = e.row
				}
				c.raise.put(n)
			}
		}
	}
}

// move has a write about a shard's owner made; nothing else is decided about the shard until it is done.
func (c *coordinator) move(e *entry, o order) {
	e.moving, e.bound = true, o.to
	c.catalogue.count(e)
	c.orders.put(o)
}

// moved takes the outcome of a write: the row as it is now, none where it is gone.
func (c *coordinator) moved(o order, row *shardRow) {
	e := c.catalogue.shards[o.seen.key()]
	if e == nil {
		return
	}
	e.moving, e.bound = false, ""
	if row == nil {
		c.drop(o.seen.key())
		return
	}
	running := e.running
	c.catalogue.learn(*row, time.Now(), c.clock.now().Sub(row.Ended))
	c.catalogue.count(e)
	if running != nil {
		c.compare(e, *row)
	}
	c.catalogue.touch(e)
}

// lookAll has everybody read the rows.
func (c *coordinator) lookAll() {
	for id := range c.alive {
		c.raise.put(news{to: id})
	}
}

// shareLoads leaves to the shards, for a stop, who lives and what they have.
func (c *coordinator) shareLoads() {
	others := c.planned(func(id string) bool { return id != c.me() })
	loads := make(map[string]float64, len(others))
	for _, i := range others {
		loads[i.ID] = c.catalogue.loads[i.ID]
	}
	c.estate.set(others, loads)
}
