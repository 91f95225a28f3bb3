package stream

// This file: the goroutine that owns the catalogue and starts the shards' goroutines.

import (
	"context"
	"errors"
	"time"

	"go.uber.org/zap"
)

// coordinator is one goroutine. It makes no remote calls: the shards, the lister and the watch do, and put what they
// learn into its events.
type coordinator struct {
	*tenure
	catalogue *catalogue
}

// run starts shards as they may start, until ctx ends and all shards' goroutines have ended.
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
				event(c.catalogue)
			}
			c.advance()
		}
		tick()
	}
}

// advance starts every shard that may start, ends those of streams that are gone, deletes rows that nobody needs any
// more, and asks for a listing where something waits for its proof.
func (c *coordinator) advance() {
	now := time.Now()
	for _, e := range c.catalogue.startable(now, c.beat.ID()) {
		c.start(e, (*shard).run)
	}
	for _, e := range c.catalogue.unreadable(c.beat.ID()) {
		c.start(e, (*shard).bury)
	}
	for _, e := range c.catalogue.removable(now) {
		c.remove(e)
	}
	for _, e := range c.catalogue.shards {
		if !e.running {
			c.board.place(e.row, e.ready, c.catalogue.unread(e, c.beat.ID()))
		}
	}
	waiting := c.catalogue.waiting()
	c.board.set(func(s *Status) { s.Waiting = waiting })
	if c.catalogue.unproven() {
		c.asked.put(question{})
	}
}

// start runs a shard on a goroutine of its own.
func (c *coordinator) start(e *entry, run func(*shard) error) {
	e.running = true
	through := c.catalogue.readUntil(e)
	s := c.newShard(e.row, c.board.place(e.row, e.ready, through), c.quiet(e), through)
	c.shards.Go(func() {
		err := run(s)
		c.events.put(func(*catalogue) { c.finished(s.row, err) })
		if errors.Is(err, errEnded) {
			c.succeed(s.row.key())
		}
	})
}

// succeed asks for the children of a shard that has ended; where its stream turns out to be disabled, for the next one.
func (c *coordinator) succeed(parent shardKey) {
	disabled, err := c.discovery.children(c.lives.stop, arnWith(c.stream.ARN, parent.label), parent)
	switch {
	case err != nil && c.lives.stop.Err() == nil:
		c.lives.end(err)
	case disabled:
		c.asked.put(question{})
	}
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

// finished takes a shard back from its goroutine.
func (c *coordinator) finished(row shardRow, err error) {
	e := c.catalogue.shards[row.key()]
	e.running, e.row = false, row
	switch {
	case errors.Is(err, errEnded):
		e.ended = time.Now()
	case errors.Is(err, errMissing):
		c.log.Error("the row of a shard is missing; it is made anew and the shard read from its oldest record", zap.String("shard", row.ID))
		c.catalogue.forget(row.key())
		c.board.drop(row.key())
		c.discovery.forget(row.key())
		c.asked.put(question{})
	case errors.Is(err, errLost):
		e.ready = time.Time{}
		c.rescan.Store(true)
	case c.lives.stop.Err() != nil:
	default:
		c.lives.end(err)
	}
}

// remove deletes the row of an ended shard.
func (c *coordinator) remove(e *entry) {
	e.running = true
	row := e.row
	c.shards.Go(func() {
		err := c.caller.persist(c.lives.stop, leasePlace, nil, func(ctx context.Context) error { return c.store.remove(ctx, row) })
		if err != nil {
			c.log.Warn("the row of an ended shard could not be deleted", zap.String("shard", row.ID), zap.Error(err))
		}
		c.events.put(func(known *catalogue) {
			known.forget(row.key())
			c.board.drop(row.key())
			c.discovery.forget(row.key())
		})
	})
}
