package stream

// This file: the lease table as the commands of an operator see it, with no reader running in this process.

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"inventoryd/internal/lease"
)

// List reads what the lease table knows of the shards of a table's streams, oldest stream first. Instance is empty.
func List(ctx context.Context, rows Rows, leaseTable, table string) (Status, error) {
	s := store{rows, leaseTable, table}
	is, _, err := s.stream(ctx)
	if err != nil {
		return Status{}, err
	}
	shards, err := s.shards(ctx)
	if err != nil {
		return Status{}, err
	}
	status := Status{Table: table, Stream: is.ARN, Start: is.Start, Gaps: is.Gaps, Shards: []ShardStatus{}}
	for _, row := range shards {
		status.Shards = append(status.Shards, row.status())
	}
	return status, nil
}

// Reset forgets the checkpoints of shards (their ids; none: of all), so that they are read again from the oldest
// record that DynamoDB still holds. Records are then delivered again. It refuses shards that an instance holds which
// has not stopped: stop it first. It returns the ids of the shards that were reset.
func Reset(ctx context.Context, rows Rows, leaseTable, table string, shards ...string) ([]string, error) {
	s := store{rows, leaseTable, table}
	all, err := s.shards(ctx)
	if err != nil {
		return nil, err
	}
	alive, err := living(ctx, s)
	if err != nil {
		return nil, err
	}
	var done []string
	var errs []error
	for _, row := range all {
		if len(shards) > 0 && !slices.Contains(shards, row.ID) {
			continue
		}
		if row.Owner != "" && alive[row.Owner] {
			errs = append(errs, fmt.Errorf("shard %s is held by instance %s: stop it first", row.ID, row.Owner))
			continue
		}
		if err := s.reset(ctx, row, row.readUntil()); err != nil {
			errs = append(errs, err)
			continue
		}
		done = append(done, row.ID)
	}
	for _, id := range shards {
		if !slices.ContainsFunc(all, func(r shardRow) bool { return r.ID == id }) {
			errs = append(errs, fmt.Errorf("there is no row of shard %s of table %s in lease table %s", id, table, leaseTable))
		}
	}
	return done, errors.Join(errs...)
}

// living is the instances that have not been marked dead.
func living(ctx context.Context, s store) (map[string]bool, error) {
	instances, err := lease.Group{Rows: s.rows, Table: s.leases, PK: s.instances()}.List(ctx)
	alive := map[string]bool{}
	for _, i := range instances {
		alive[i.ID] = !i.Dead
	}
	return alive, err
}
