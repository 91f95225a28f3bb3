package main

// CPU for each record, of the whole client process: the plain SDK, which decodes records into maps, and the reader.

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams/types"

	"inventoryd/stream"
)

const (
	costShards  = 16
	costRecords = 320_000
)

// cpu is the time that this process has computed.
func cpu() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err) // does not happen for one's own process
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func cost(name string, before time.Duration, records int) {
	fmt.Printf("%s %.4f us\n", name, float64((cpu()-before).Microseconds())/float64(records))
}

// readBySDK reads each shard to its tip by GetRecords, as fast as it goes, and looks at one attribute of each record.
func readBySDK(args []string) error {
	c := connect(args[0])
	ctx := context.Background()
	out, err := c.tables.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: aws.String(table)})
	if err != nil {
		return err
	}
	described, err := c.streams.DescribeStream(ctx, &dynamodbstreams.DescribeStreamInput{StreamArn: out.Table.LatestStreamArn})
	if err != nil {
		return err
	}
	before, total := cpu(), 0
	for _, shard := range described.StreamDescription.Shards {
		n, err := readShard(ctx, c, out.Table.LatestStreamArn, shard.ShardId)
		if err != nil {
			return err
		}
		total += n
	}
	if total != costRecords {
		return fmt.Errorf("%d records were read, want %d", total, costRecords)
	}
	cost("stream_sdk_cpu_us_per_record", before, total)
	return nil
}

func readShard(ctx context.Context, c clients, arn, shard *string) (records int, err error) {
	iterator, err := c.streams.GetShardIterator(ctx, &dynamodbstreams.GetShardIteratorInput{
		StreamArn: arn, ShardId: shard, ShardIteratorType: types.ShardIteratorTypeTrimHorizon,
	})
	if err != nil {
		return 0, err
	}
	for at := iterator.ShardIterator; ; {
		page, err := c.streams.GetRecords(ctx, &dynamodbstreams.GetRecordsInput{ShardIterator: at, Limit: aws.Int32(1000)})
		if err != nil || len(page.Records) == 0 {
			return records, err
		}
		for _, r := range page.Records {
			if _, ok := r.Dynamodb.NewImage["Count"].(*types.AttributeValueMemberN); !ok {
				return records, fmt.Errorf("a record without a count: %v", r)
			}
		}
		records, at = records+len(page.Records), page.NextShardIterator
	}
}

// readByReader reads the same by the reader, with its pacing, leases and checkpoints.
func readByReader(args []string) error {
	c := connect(args[0])
	var total atomic.Int64
	var once sync.Once
	all := make(chan struct{})
	before := cpu()
	_, stop, err := c.run(func(_ context.Context, batch []stream.Record) error {
		for _, r := range batch {
			if v, ok := r.New.Lookup("Count"); !ok || v.Type() != "N" {
				return fmt.Errorf("a record without a count: %v", r)
			}
		}
		if total.Add(int64(len(batch))) >= costRecords {
			once.Do(func() { close(all) })
		}
		return nil
	}, func(*stream.Config) {})
	if err != nil {
		return err
	}
	<-all
	cost("stream_cpu_us_per_record", before, costRecords)
	return stop()
}
