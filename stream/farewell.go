package stream

// This file: how an instance tells the others that it stops.

import (
	"context"
	"errors"
	"time"

	"go.uber.org/zap"

	"inventoryd/internal/lease"
)

// leave tells the others, at an orderly stop, that this instance gets nothing more; then the shards are given away.
func (t *tenure) leave(stop context.Context) {
	<-stop.Done()
	defer close(t.left)
	if !errors.Is(context.Cause(stop), errStopped) || t.estate.alone() {
		return
	}
	ctx, cancel := context.WithTimeout(t.lives.work, t.config.LeaseDuration/5)
	defer cancel()
	err := t.beat.Leave(ctx)
	if err == nil { // who leaves at the same time is no heir
		var now []lease.Instance
		if now, err = t.group.List(ctx); err == nil {
			t.estate.refresh(now, t.beat.ID())
		}
	}
	if err != nil {
		t.troubles.report(leasePlace, err, false)
	}
}

// passOn gives away, at an orderly stop, what this instance was given after it had begun to stop: nobody would look after
// it before the instance is known to be dead.
func (t *tenure) passOn(stop context.Context) {
	if !errors.Is(context.Cause(stop), errStopped) || t.estate.alone() {
		return
	}
	ctx, cancel := context.WithTimeout(t.lives.work, t.config.LeaseDuration/5)
	defer cancel()
	rows, err := t.store.shards(ctx)
	for _, row := range rows {
		if err != nil || row.Owner != t.beat.ID() || row.ended() {
			continue
		}
		if heir := t.estate.heir(row.weight()); heir != "" {
			err = t.carryOut(ctx, order{kind: assign, seen: row, to: heir})
		}
	}
	if err != nil {
		t.troubles.report(leasePlace, err, false)
	}
}

// farewell is for how long an instance tries to say that it leaves, after Runtime.Shutdown.
const farewell = 5 * time.Second

// resign tells the others that this instance has left.
func (t *tenure) resign() error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.lives.work), farewell)
	defer cancel()
	if err := t.beat.Resign(ctx); err != nil {
		t.log.Warn("this instance could not say that it leaves; others will wait for its lease to run out", zap.Error(err))
	}
	return nil
}
