package stream

// This file: the goroutines that write what the coordinator decides about shards' owners, and tell those whom it
// concerns to look.

import (
	"context"
	"errors"
	"slices"
	"sync"

	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

	"inventoryd/internal/lease"
	"inventoryd/stream/internal/plan"
)

// order is a conditional write about a shard's owner.
type order struct {
	kind orderKind
	seen shardRow // the row as it was when that was decided; of a row to be made, the row
	to   string   // the instance that gets the shard
}

type orderKind int

const (
	assign  orderKind = iota // nobody reads it: the owner is changed
	ask                      // its owner is asked to hand it over
	remake                   // somebody has deleted its row
	discard                  // it has ended, and nobody needs its row
)

// obey carries out orders until ctx ends.
func (t *tenure) obey(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-t.orders.ready:
		}
		var group errgroup.Group
		group.SetLimit(committers)
		for _, o := range t.orders.take() {
			group.Go(func() error { return t.carryOut(ctx, o) })
		}
		if err := group.Wait(); err != nil {
			return err
		}
	}
}

// carryOut makes one write. That somebody else was faster is no error: the row as it is says what to do next.
func (t *tenure) carryOut(ctx context.Context, o order) error {
	var row *shardRow
	err := t.caller.persist(ctx, leasePlace, nil, func(ctx context.Context) error {
		written, err := t.store.obey(ctx, o)
		if row = &written; o.kind == discard {
			row = nil
		}
		return err
	})
	var taken *conflictError
	if errors.As(err, &taken) {
		if row = nil; taken.item != nil {
			now := decodeShard(taken.item)
			row = &now
		}
		err = nil
	} else if err == nil && o.to != t.beat.ID() {
		t.tellOf(o)
	}
	if err != nil {
		return err
	}
	t.events.put(func(c *coordinator) { c.moved(o, row) })
	return nil
}

// tellOf tells whom an order concerns.
func (t *tenure) tellOf(o order) {
	concerned := o.to
	if o.kind == ask {
		concerned = o.seen.Owner
	}
	if concerned != "" {
		t.raise.put(concerned)
	}
	if o.kind == assign || o.kind == ask {
		t.log.Debug("a shard is to move", zap.String("shard", o.seen.ID), zap.String("from", o.seen.Owner), zap.String("to", o.to))
	}
}

// obey makes one attempt at an order.
func (s store) obey(ctx context.Context, o order) (shardRow, error) {
	switch o.kind {
	case assign:
		return s.assign(ctx, o.seen, o.to)
	case ask:
		return s.ask(ctx, o.seen, o.to)
	case remake:
		return s.create(ctx, o.seen)
	default:
		return shardRow{}, s.remove(ctx, o.seen)
	}
}

// raiseLooks raises the looks of those who are to read the rows, each once however often it was named meanwhile; when
// ctx has ended it finishes what is left.
func (t *tenure) raiseLooks(ctx context.Context) error {
	for over := false; !over; {
		select {
		case <-ctx.Done():
			over = true
		case <-t.raise.ready:
		}
		told := map[string]bool{}
		for _, id := range t.raise.take() {
			if id == t.beat.ID() || told[id] {
				continue
			}
			told[id] = true
			err := t.caller.persist(t.lives.work, leasePlace, nil, func(ctx context.Context) error { return t.group.Raise(ctx, id) })
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// estate is who gets this instance's shards when it stops.
type estate struct {
	mu     sync.Mutex // guards what follows
	others []plan.Instance
	loads  map[string]float64
}

func (e *estate) set(others []plan.Instance, loads map[string]float64) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.others, e.loads = others, loads
}

// keep forgets those of the others that are not among the living any more, and who of them is leaving.
func (e *estate) keep(now []lease.Instance) {
	stays := map[string]bool{}
	for _, i := range now {
		stays[i.ID] = !i.Dead && !i.Leaving
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.others = slices.DeleteFunc(slices.Clone(e.others), func(i plan.Instance) bool { return !stays[i.ID] })
}

// heir is who gets a shard of this weight, "" where nobody else lives.
func (e *estate) heir(weight float64) string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return plan.Heir(e.others, e.loads, weight)
}

// lives is true of another instance that lives and stays.
func (e *estate) lives(id string) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, i := range e.others {
		if i.ID == id {
			return !i.Leaving
		}
	}
	return false
}

// alone is true where nobody else lives and stays.
func (e *estate) alone() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, i := range e.others {
		if !i.Leaving {
			return false
		}
	}
	return true
}
