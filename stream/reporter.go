package stream

// This file: gaps are told: in the log, on the board, and to OnGap until it has taken them.

import (
	"context"

	"go.uber.org/zap"
)

// tellPending has OnGap told of those that it has not taken yet.
func (t *tenure) tellPending(gaps []Gap) {
	for _, gap := range gaps {
		if gap.Pending {
			t.pending.put(gap)
		}
	}
}

// gapFound makes a gap known that is in the table already.
func (t *tenure) gapFound(gap Gap) {
	t.metrics.gaps.Add(context.Background(), 1)
	t.log.Error("changes are lost: nobody will ever read them", zap.String("shard", gap.Shard), zap.String("stream", gap.Stream),
		zap.String("after", gap.After), zap.String("reason", gap.Reason))
	t.board.gap(gap)
	if gap.Pending {
		t.pending.put(gap)
	}
}

// reportGaps hands pending gaps to OnGap, each until it returns nil.
func (t *tenure) reportGaps(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-t.pending.ready:
		}
		for _, gap := range t.pending.take() {
			if err := t.reportGap(ctx, gap); err != nil {
				return err
			}
		}
	}
}

func (t *tenure) reportGap(ctx context.Context, gap Gap) error {
	const place = "telling of a gap"
	for n := 0; t.config.OnGap != nil; n++ {
		err := t.config.OnGap(ctx, gap)
		if err == nil {
			break
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		t.troubles.report(place, err, false)
		if err := rest(ctx, grow(redeliverLeast, redeliverMost, n), nil); err != nil {
			return err
		}
	}
	t.troubles.mend(place)
	gap.Pending = false
	err := t.caller.persist(ctx, leasePlace, nil, func(ctx context.Context) error { return t.store.settle(ctx, gap) })
	if err == nil {
		t.board.gap(gap)
		t.events.put(func(c *coordinator) { c.catalogue.told(gap) })
	}
	return err
}
