package stream

// This file: one read of a shard: an iterator where there is none, and a page.

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams/types"
)

// fullPage is the size of an answer that the service cut for its size rather than for want of records.
const fullPage = 900 << 10

// read makes one attempt at one page; it says which call failed.
func (s *shard) read() (page, operation, error) {
	if _, err := s.t.beat.Await(s.stop); err != nil {
		return page{}, getRecords, err
	}
	if s.at.iterator == "" || time.Since(s.at.opened) > renewAfter {
		if err := s.open(); err != nil {
			return page{}, getIterator, err
		}
	}
	if err := s.t.budget.wait(s.stop); err != nil {
		return page{}, getRecords, err
	}
	if err := rest(s.stop, s.pulse.early(), nil); err != nil {
		return page{}, getRecords, err
	}
	s.pulse.begin()
	var p page
	err := s.t.caller.once(s.stop, func(ctx context.Context) (err error) {
		p, err = s.t.fetcher.fetch(ctx, s.at.iterator, s.row.Label, s.row.ID)
		return err
	})
	s.t.metrics.getRecords.Add(context.Background(), 1)
	if err == nil {
		s.view.read()
	}
	return p, getRecords, err
}

// early is how long the next read is too early: repeated attempts come faster than the service allows.
func (p *pulse) early() time.Duration {
	return time.Second - time.Since(p.recent[p.reads%maxRate])
}

// begin notes a read.
func (p *pulse) begin() {
	p.called = time.Now()
	p.recent[p.reads%maxRate] = p.called
	p.reads++
}

// position is where the next iterator begins.
func (s *shard) position() position {
	switch {
	case s.at.horizon:
		return atHorizon
	case s.at.last != "":
		return afterRecord
	case s.start().IsZero() || s.t.clock.now().Sub(s.start()) > retention-time.Hour:
		return atHorizon
	default:
		return atInstant
	}
}

// start is the instant before which records are dropped: where all reading began, or an operator's wish for this shard.
func (s *shard) start() time.Time { return later(s.t.stream.Start, s.row.From) }

// retention is how long DynamoDB keeps a record.
const retention = 24 * time.Hour

func (s *shard) open() error {
	arn := arnWith(s.t.stream.ARN, s.row.Label)
	in := &dynamodbstreams.GetShardIteratorInput{StreamArn: &arn, ShardId: &s.row.ID}
	switch s.position() {
	case atHorizon:
		in.ShardIteratorType = types.ShardIteratorTypeTrimHorizon
	case atInstant:
		in.ShardIteratorType, in.Timestamp = types.ShardIteratorTypeAtTimestamp, aws.Time(s.start())
	case afterRecord:
		in.ShardIteratorType, in.SequenceNumber = types.ShardIteratorTypeAfterSequenceNumber, &s.at.last
	}
	opened := time.Now()
	return s.t.caller.once(s.stop, func(ctx context.Context) error {
		out, err := s.t.streams.GetShardIterator(ctx, in, onceStreams)
		if err != nil {
			return fmt.Errorf("get an iterator %s of shard %s: %w", in.ShardIteratorType, s.row.ID, err)
		}
		s.at.iterator, s.at.opened = deref(out.ShardIterator), opened
		s.at.empty, s.at.known = 0, false
		s.view.away()
		return nil
	})
}
