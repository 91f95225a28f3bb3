package stream

// This file: the goroutine that writes what the coordinator decides about shards' owners.

import (
	"context"
	"errors"

	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"
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
			group.Go(func() error {
				if ctx.Err() != nil {
					return context.Cause(ctx)
				}
				return t.carryOut(t.lives.work, o) // what was begun is seen through: whom it concerns has to be told
			})
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
	} else if err == nil {
		t.tellOf(o, row)
	}
	if err != nil {
		return err
	}
	t.events.put(func(c *coordinator) { c.moved(o, row) })
	return nil
}

// tellOf tells whom an order concerns. row is what was written.
func (t *tenure) tellOf(o order, row *shardRow) {
	switch {
	case o.kind == ask:
		t.raise.put(news{to: o.seen.Owner})
	case o.to != "":
		t.raise.put(news{to: o.to, given: *row})
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
