package stream

// This file: telling other instances to read the rows, and what becomes of a shard that was given to one that stops. Who
// stops says so in its row and then reads the shards' rows a last time; who gives writes the shard's row and then reads,
// as it raises the look, whether the taker stops. So of the two at least one sees what the other did.

import (
	"context"
	"maps"
	"slices"

	"golang.org/x/sync/errgroup"
)

// news are for an instance: rows have changed that concern it.
type news struct {
	to    string
	given shardRow // of a shard that it was given and has not begun to read; zero: none
}

// raiseLooks raises the looks of those for whom there are news, each once however many there are; when ctx has ended it
// finishes what is left.
func (t *tenure) raiseLooks(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
		case <-t.raise.ready:
		}
		given := map[string][]shardRow{}
		for _, n := range t.raise.take() {
			given[n.to] = append(given[n.to], n.given)
		}
		if len(given) == 0 && ctx.Err() != nil {
			return nil
		}
		for _, id := range slices.Sorted(maps.Keys(given)) {
			stays, err := t.raiseLook(id)
			if err == nil && !stays {
				err = t.giveElsewhere(id, given[id])
			}
			if err != nil {
				return err
			}
		}
	}
}

// raiseLook tells an instance to look; it reports whether it stays.
func (t *tenure) raiseLook(id string) (stays bool, err error) {
	if id == t.beat.ID() {
		return t.lives.stop.Err() == nil, nil
	}
	err = t.caller.persist(t.lives.work, leasePlace, nil, func(ctx context.Context) (err error) {
		stays, err = t.group.Raise(ctx, id)
		return err
	})
	return stays, err
}

// giveElsewhere takes back what an instance was given that stops or is dead, or gives it on where this one stops too. What
// nobody is left to have, whoever comes takes from the dead.
func (t *tenure) giveElsewhere(id string, given []shardRow) error {
	t.estate.drop(id)
	var group errgroup.Group
	group.SetLimit(committers)
	for _, row := range given {
		if row.Owner != id || row.begun() || row.ended() {
			continue
		}
		to := t.beat.ID()
		if t.lives.stop.Err() != nil {
			to = t.estate.heir(row.weight())
		}
		if to != "" {
			group.Go(func() error { return t.carryOut(t.lives.work, order{kind: assign, seen: row, to: to}) })
		}
	}
	return group.Wait()
}
