package main

// Changes that are read.

import (
	"context"
	"fmt"
	"syscall"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"inventoryd/internal/inventory"
	"inventoryd/internal/sandbox"
)

const (
	changes  = 120_000
	soldEach = 100 // changes of which one takes an item to zero, which is written down
	batch    = 25  // "BatchWriteItem": up to 25 requests

	page     = 1000 // "GetRecords": up to 1,000 records
	interval = 250 * time.Millisecond
)

// measureChanges has n daemons read what has been changed while they were stopped.
func measureChanges(ctx context.Context, n int) error {
	t, err := found(ctx, n, "notifier")
	if err != nil {
		return err
	}
	defer t.close()
	tables := dynamodb.NewFromConfig(t.world.Config("others"))
	// A daemon hears within a fifth of stream.lease_duration that shards are its own.
	err = until("each daemon reads its part of the shards", func() bool {
		sum, least := 0., float64(shards)
		for _, d := range t.daemons {
			held := d.counter("inventoryd_stream_shards_held")
			sum, least = sum+held, min(least, held)
		}
		return sum == shards && least > 0
	})
	if err != nil {
		return err
	}
	const name = "inventoryd_stream_records_processed_total"
	read := func() (sum float64) {
		for _, d := range t.daemons {
			sum += d.counter(name)
		}
		return sum
	}
	before := read()
	t.signal(syscall.SIGSTOP) // for less than a lease, which is a minute
	err = change(ctx, tables)
	t.signal(syscall.SIGCONT)
	if err != nil {
		return err
	}
	// Each shard is looked at within a second: the clock begins with the first change that is read.
	if err := until("a change is read", func() bool { return read() > before }); err != nil {
		return err
	}
	took, first := t.watch(), read()-before
	if err := until("all changes are read", func() bool { return read()-before >= changes }); err != nil {
		return err
	}
	s := took()
	print("changes_per_second", "changes/s", n, (changes-first)/s.wall)
	// As often as a shard is read for as much as an answer holds (docs/stream.md), however many daemons there are.
	print("changes_per_second_by_reading", "changes/s", n, shards*page/interval.Seconds())
	printLoad("changes", n, s)
	return nil
}

func (t *town) signal(s syscall.Signal) {
	for _, d := range t.daemons {
		_ = d.cmd.Process.Signal(s) // who has ended is missed by the count
	}
}

// change writes to many items of many stores.
func change(ctx context.Context, tables *dynamodb.Client) error {
	for first := 0; first < changes; first += batch {
		var requests []types.WriteRequest
		for i := first; i < first+batch; i++ {
			count := int64(7)
			if i%soldEach == 0 {
				count = 0
			}
			item := inventory.Item{Key: inventory.Key{Store: fmt.Sprint("Store ", i%400), Item: fmt.Sprint("Item ", i)}, Count: count}
			requests = append(requests, types.WriteRequest{PutRequest: &types.PutRequest{Item: inventory.DefaultTable.Attributes(item)}})
		}
		_, err := tables.BatchWriteItem(ctx, &dynamodb.BatchWriteItemInput{RequestItems: map[string][]types.WriteRequest{sandbox.Table: requests}})
		if err != nil {
			return err
		}
	}
	return nil
}
