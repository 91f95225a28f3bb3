package stream

// This file: asking the service for shards, within one budget of calls, and writing a row for each new one.

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams/types"
	"golang.org/x/sync/errgroup"
	"golang.org/x/time/rate"
)

// describeRate is the calls of DescribeStream and DescribeTable each second that an instance allows itself, repeated
// ones included; the service takes 10 of the former for a stream, from all instances together.
const describeRate = 5

// discovery finds shards. Its methods may be called from many goroutines.
type discovery struct {
	streams Streams
	store   store
	caller  caller
	limit   *rate.Limiter
	clock   *clock
	found   func([]shardRow) // told of rows that this instance did not know

	mu    sync.Mutex // guards known
	known map[shardKey]bool
}

func newDiscovery(streams Streams, s store, c caller, k *clock, found func([]shardRow)) *discovery {
	return &discovery{
		streams: streams, store: s, caller: c, clock: k, found: found,
		limit: rate.NewLimiter(describeRate, 1), known: map[shardKey]bool{},
	}
}

// describe reads one page of a stream's shards, or of one shard's children. It is one attempt; the caller keeps to the
// limit.
func (d *discovery) describe(ctx context.Context, arn string, from *string, parent string) (*types.StreamDescription, error) {
	in := &dynamodbstreams.DescribeStreamInput{StreamArn: &arn, ExclusiveStartShardId: from}
	if parent != "" {
		in.ShardFilter = &types.ShardFilter{Type: types.ShardFilterTypeChildShards, ShardId: &parent}
	}
	out, err := d.streams.DescribeStream(ctx, in, onceStreams)
	if err != nil {
		return nil, fmt.Errorf("describe stream %s: %w", arn, err)
	}
	d.clock.hear(serverTime(out.ResultMetadata))
	return out.StreamDescription, nil
}

// committers is how many rows are written at once.
const committers = 16

// pageLife is how old a page may be of which rows are made: the shards that it shows may be gone since.
const pageLife = 10 * time.Minute

var errOldPage = errors.New("the rows of its shards could not be written for too long: they are listed anew")

// making is how rows of new shards are made.
type making struct {
	owner string // who reads them at once: who has ended their parent; "": the plan says
	tick  func() // called from several goroutines; may be nil
}

// commit writes a row for each shard that has none and hands on those that were not known here. asked is when the shards
// were asked for.
func (d *discovery) commit(ctx context.Context, label string, shards []types.Shard, asked time.Time, how making) error {
	var group errgroup.Group
	group.SetLimit(committers)
	rows := make([]*shardRow, len(shards))
	for i, s := range shards {
		row := shardRow{Label: label, ID: deref(s.ShardId), Parent: deref(s.ParentShardId), State: StateWaiting}
		if how.owner != "" {
			row.State, row.Owner, row.Epoch, row.Confirmed = StateHeld, how.owner, 1, 1
		}
		if d.knows(row.key()) {
			continue
		}
		group.Go(func() error {
			err := d.caller.persist(ctx, leasePlace, how.tick, func(ctx context.Context) error {
				if time.Since(asked) > pageLife {
					return nil
				}
				written, err := d.store.create(ctx, row)
				rows[i] = &written
				return err
			})
			if err == nil && rows[i] == nil {
				err = errOldPage
			}
			return err
		})
	}
	err := group.Wait()
	var found []shardRow
	for _, row := range rows {
		if row != nil && row.ID != "" {
			found = append(found, *row)
			d.note(row.key())
		}
	}
	if len(found) > 0 {
		d.found(found)
	}
	return err
}

// notTooOld leaves the shards of a page that became too old to the next listing.
func notTooOld(err error) error {
	if errors.Is(err, errOldPage) {
		return nil
	}
	return err
}

// childrenOf keeps the children of parent: some stand-ins ignore the filter and list others.
func childrenOf(shards []types.Shard, parent string) []types.Shard {
	var children []types.Shard
	for _, s := range shards {
		if deref(s.ParentShardId) == parent {
			children = append(children, s)
		}
	}
	return children
}

// off is true of a stream that gets no more records and whose shards get no more children.
func off(s types.StreamStatus) bool {
	return s == types.StreamStatusDisabled || s == types.StreamStatusDisabling
}

// share divides the calls by the instances that live.
func (d *discovery) share(instances int) {
	d.limit.SetLimit(rate.Limit(describeRate) / rate.Limit(max(1, instances)))
}

func (d *discovery) knows(k shardKey) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.known[k]
}

func (d *discovery) note(k shardKey) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.known[k] = true
}

// forget makes the next listing write the shard's row anew.
func (d *discovery) forget(k shardKey) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.known, k)
}

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
