package stream

// This file: the lease table as the commands of an operator see it, with no reader running in this process.

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"inventoryd/internal/lease"
)

// List reads what the lease table knows of the shards of a table's streams, oldest stream first. Instance is empty, and an
// Age is the most that it can be: an idle shard's row is written hourly.
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
	instances, err := s.group().List(ctx)
	if err != nil {
		return Status{}, err
	}
	status := Status{Table: table, Stream: is.ARN, Start: is.Start, Gaps: is.Gaps, Shards: []ShardStatus{}}
	if leader, ok := lease.Leader(instances, nil, ""); ok {
		status.Leader = leader.ID
	}
	now, err := s.served(ctx)
	if err != nil {
		return Status{}, err
	}
	for _, row := range shards {
		one := row.status()
		if read := row.readUntil(); !row.ended() && !read.IsZero() {
			one.Age = max(0, now.Sub(read))
		}
		status.Shards = append(status.Shards, one)
	}
	return status, nil
}

// group is the instances that read the table.
func (s store) group() lease.Group {
	return lease.Group{Rows: s.rows, Table: s.leases, PK: s.instances(), Counter: lease.Key{PK: s.table, SK: "stream"}}
}

// served is the service's time: a machine's clock may be days off.
func (s store) served(ctx context.Context) (time.Time, error) {
	out, err := s.rows.Query(ctx, &dynamodb.QueryInput{
		TableName: &s.leases, KeyConditionExpression: aws.String("pk = :pk AND sk = :sk"),
		ExpressionAttributeValues: item{":pk": s.streamKey()[colPK], ":sk": s.streamKey()[colSK]},
	}, once)
	if err != nil {
		return time.Time{}, fmt.Errorf("read a row of %s in table %s: %w", s.table, s.leases, err)
	}
	if at := serverTime(out.ResultMetadata); !at.IsZero() {
		return at, nil
	}
	return time.Now(), nil
}
