package stream

// This file: shards are set back by an operator, with no reader running in this process.

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"inventoryd/internal/lease"
)

// ResetOptions say what Reset does.
type ResetOptions struct {
	Shards []string  // their ids; none: all
	To     time.Time // records created before are dropped; zero: all that DynamoDB still holds is read again

	// Waiting is told of an instance that has not been seen to live and for how long it is watched at most before it counts
	// as dead; nil: nothing.
	Waiting func(instance string, most time.Duration)
}

// Reset forgets the checkpoints of shards, so that they are read again from the oldest record that DynamoDB still holds
// or from an instant. Records are then delivered again. It refuses shards that a living instance holds: stop it first. An
// instance that died is waited for until its lease is over. That records are gone which had been read is no gap. It
// returns the ids of the shards that were reset.
func Reset(ctx context.Context, rows Rows, leaseTable, table string, o ResetOptions) ([]string, error) {
	s := store{rows, leaseTable, table}
	all, err := s.shards(ctx)
	if err != nil {
		return nil, err
	}
	chosen := slices.DeleteFunc(slices.Clone(all), func(r shardRow) bool { return len(o.Shards) > 0 && !slices.Contains(o.Shards, r.ID) })
	errs := unknown(o.Shards, all, s)
	alive, err := s.living(ctx, chosen, o.Waiting)
	if err != nil {
		return nil, err
	}
	now, err := s.served(ctx)
	if err != nil {
		return nil, err
	}
	if o.To.After(now) {
		return nil, fmt.Errorf("%s is in the future", o.To.Format(time.RFC3339))
	}
	var done []string
	for _, row := range chosen {
		if alive[row.Owner] {
			errs = append(errs, fmt.Errorf("shard %s is held by instance %s: stop it first", row.ID, row.Owner))
			continue
		}
		read := row.readUntil()
		if row.ended() { // to its end: nothing of it is unread
			read = now
		}
		if err := s.reset(ctx, row, read, o.To); err != nil {
			errs = append(errs, err)
			continue
		}
		done = append(done, row.ID)
	}
	return done, errors.Join(errs...)
}

// unknown is an error for each shard that has no row.
func unknown(ids []string, all []shardRow, s store) []error {
	var errs []error
	for _, id := range ids {
		if !slices.ContainsFunc(all, func(r shardRow) bool { return r.ID == id }) {
			errs = append(errs, fmt.Errorf("there is no row of shard %s of table %s in lease table %s", id, s.table, s.leases))
		}
	}
	return errs
}

// living finds out which of the shards' owners live. One whose heart is seen to beat does; of others that is known when
// their lease is over, and then they are marked dead.
func (s store) living(ctx context.Context, shards []shardRow, waiting func(string, time.Duration)) (map[string]bool, error) {
	var owners []string
	for _, row := range shards {
		if row.Owner != "" && !slices.Contains(owners, row.Owner) {
			owners = append(owners, row.Owner)
		}
	}
	alive, beats := map[string]bool{}, map[string]int64{}
	watch := lease.NewWatch(s.group(), "", DefaultConfig().LeaseDuration, nil)
	for first := true; ; first = false {
		view, err := watch.Look(ctx, owners...)
		if err != nil {
			return nil, err
		}
		open := slices.DeleteFunc(slices.Clone(owners), func(id string) bool { return view.Dead[id] || alive[id] })
		for _, i := range view.Instances {
			if seen, ok := beats[i.ID]; ok && seen != i.Counter && slices.Contains(open, i.ID) {
				alive[i.ID] = true
			}
			beats[i.ID] = i.Counter
			if first && waiting != nil && slices.Contains(open, i.ID) {
				waiting(i.ID, watch.Longest())
			}
		}
		open = slices.DeleteFunc(open, func(id string) bool { return alive[id] })
		if len(open) == 0 {
			return alive, nil
		}
		if err := rest(ctx, min(watch.Pause(), watch.Longest()/5), nil); err != nil {
			return nil, err
		}
	}
}
