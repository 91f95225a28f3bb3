package stream

// This file: one shard, from the claim of its row to its end or its release. One goroutine owns it.

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams/types"
	"go.uber.org/zap"
)

// Reasons for which a shard's goroutine stops.
var (
	errLost    = errors.New("another instance has the shard")
	errMissing = errors.New("the shard's row is missing")
	errEnded   = errors.New("the shard is read to its end")
)

// shard is what its goroutine knows.
type shard struct {
	*tenure          // the instance that reads it
	row     shardRow // as it stands in the table
	at      readPoint
	pulse   pulse
	ack     ack
	tries   attempts
	view    *view // what Status shows
}

// readPoint is where the shard is read.
type readPoint struct {
	iterator string
	opened   time.Time // when the service gave the iterator
	last     string    // sequence number of the last record handled; "": none
	horizon  bool      // begin at the trim horizon: after a gap, or where an instant is refused
}

// pulse is what decides when the shard is read again.
type pulse struct {
	called   time.Time // beginning of the last read
	arrived  time.Time // when the last record arrived
	failures int       // in a row
	since    time.Time // of the first of them
}

// renewAfter is the age at which an iterator is replaced; the service lets it expire after 15 minutes.
const renewAfter = 14 * time.Minute

// newShard makes a shard that is known to have been quiet for that long.
func (t *tenure) newShard(row shardRow, v *view, quiet time.Duration) *shard {
	return &shard{tenure: t, row: row, tries: attempts{batch: maxRecords}, view: v, pulse: pulse{arrived: time.Now().Add(-quiet)}}
}

func (s *shard) place() string { return "shard " + s.row.ID }

// run claims the shard and reads it until it ends (errEnded), the instance stops, or the shard is lost.
func (s *shard) run() error {
	if err := s.claim(); err != nil {
		return err
	}
	s.log.Debug("reading a shard", zap.String("shard", s.row.ID), zap.String("checkpoint", s.row.Checkpoint))
	err := s.readAll()
	s.troubles.mend(s.place())
	s.troubles.mend(s.handlerPlace())
	switch {
	case errors.Is(err, errEnded):
		return err
	case errors.Is(err, errLost), errors.Is(err, errMissing):
		s.metrics.leasesLost.Add(context.Background(), 1)
		s.log.Warn("a shard was lost", zap.String("shard", s.row.ID), zap.Error(err))
		return err
	}
	return errors.Join(err, s.release())
}

// claim makes this instance the row's owner.
func (s *shard) claim() error {
	_, err := s.caller.persist(s.lives.stop, leasePlace, nil, func(ctx context.Context) error {
		row, err := s.store.claim(ctx, s.row, s.beat.ID())
		if err == nil {
			s.row = row
		}
		return err
	})
	var taken *conflictError
	if errors.As(err, &taken) {
		if taken.item == nil {
			return errMissing
		}
		s.row = decodeShard(taken.item)
		return errLost
	}
	if err == nil {
		s.board.place(s.row, time.Now())
		s.tellPending(s.row.Gaps)
	}
	return err
}

// bury ends a shard whose stream is gone.
func (s *shard) bury() error {
	if err := s.claim(); err != nil {
		return err
	}
	if last, err := sequenceOf(s.row.Label, s.row.Checkpoint); err == nil {
		s.at.last, s.ack.stored = last, last
	}
	return s.vanish("the stream was deleted before the shard was read to its end")
}

func (s *shard) readAll() error {
	if s.row.Checkpoint != "" {
		last, err := sequenceOf(s.row.Label, s.row.Checkpoint)
		if err != nil {
			return s.halt(err)
		}
		s.at.last, s.ack.stored = last, last
	}
	for {
		p, op, err := s.read()
		if s.lives.stop.Err() != nil {
			s.budget.release(p.size)
			return context.Cause(s.lives.stop)
		}
		if err == nil {
			err = s.take(p)
		} else {
			err = s.remedy(op, err)
		}
		if err != nil {
			return err
		}
	}
}

// take deals with one page and waits until the next is due.
func (s *shard) take(p page) error {
	s.pulse.failures = 0
	s.troubles.mend(s.place())
	s.clock.hear(p.at)
	now := s.clock.now()
	if len(p.records) > 0 {
		s.pulse.arrived = time.Now()
		s.view.head(p.records[0].Created)
	}
	pause, err := s.handle(p)
	if err != nil {
		return err
	}
	if pause > 0 {
		s.at.iterator = ""
		p = page{} // whatever it holds is others' for the pause
		return s.rest(pause)
	}
	if p.next == "" {
		return s.end()
	}
	s.at.iterator, s.at.opened = p.next, s.pulse.called
	next := pace{idle: s.live().IdlePoll, full: len(p.records) >= maxRecords || p.text >= fullPage, quiet: time.Since(s.pulse.arrived)}
	if n := len(p.records); n > 0 {
		next.lag = now.Sub(p.records[n-1].Created)
	} else {
		s.view.tip()
	}
	return s.rest(next.interval() - time.Since(s.pulse.called))
}

// fullPage is the size of an answer that the service cut for its size rather than for want of records.
const fullPage = 900 << 10

// read makes one attempt at one page; it says which call failed.
func (s *shard) read() (page, operation, error) {
	if _, err := s.beat.Await(s.lives.stop); err != nil {
		return page{}, getRecords, err
	}
	if s.at.iterator == "" || time.Since(s.at.opened) > renewAfter {
		if err := s.open(); err != nil {
			return page{}, getIterator, err
		}
	}
	if err := s.budget.wait(s.lives.stop); err != nil {
		return page{}, getRecords, err
	}
	s.pulse.called = time.Now()
	var p page
	err := s.caller.once(s.lives.stop, func(ctx context.Context) (err error) {
		p, err = s.fetcher.fetch(ctx, s.at.iterator, s.row.Label, s.row.ID)
		return err
	})
	s.metrics.getRecords.Add(context.Background(), 1)
	if err == nil {
		s.view.read()
	}
	return p, getRecords, err
}

// position is where the next iterator begins.
func (s *shard) position() position {
	switch {
	case s.at.horizon:
		return atHorizon
	case s.at.last != "":
		return afterRecord
	case s.stream.Start.IsZero() || s.clock.now().Sub(s.stream.Start) > retention-time.Hour:
		return atHorizon
	default:
		return atInstant
	}
}

// retention is how long DynamoDB keeps a record.
const retention = 24 * time.Hour

func (s *shard) open() error {
	arn := arnWith(s.stream.ARN, s.row.Label)
	in := &dynamodbstreams.GetShardIteratorInput{StreamArn: &arn, ShardId: &s.row.ID}
	switch s.position() {
	case atHorizon:
		in.ShardIteratorType = types.ShardIteratorTypeTrimHorizon
	case atInstant:
		in.ShardIteratorType, in.Timestamp = types.ShardIteratorTypeAtTimestamp, &s.stream.Start
	case afterRecord:
		in.ShardIteratorType, in.SequenceNumber = types.ShardIteratorTypeAfterSequenceNumber, &s.at.last
	}
	opened := time.Now()
	return s.caller.once(s.lives.stop, func(ctx context.Context) error {
		out, err := s.streams.GetShardIterator(ctx, in)
		if err != nil {
			return fmt.Errorf("get an iterator %s of shard %s: %w", in.ShardIteratorType, s.row.ID, err)
		}
		s.at.iterator, s.at.opened = deref(out.ShardIterator), opened
		return nil
	})
}

// remedy does what an error of the stream demands. A nil error means: read again.
func (s *shard) remedy(op operation, err error) error {
	kind := classify(err)
	if s.pulse.failures == 0 {
		s.pulse.since = time.Now()
	}
	n := s.pulse.failures
	s.pulse.failures++
	switch decide(op, s.position(), kind) {
	case fallBack:
		s.at.horizon = true
		return nil
	case skipGap:
		return s.skip(n)
	case verify:
		return s.verify(err)
	case giveUp:
		return s.halt(fmt.Errorf("the checkpoint is refused, and nothing is skipped on a guess (`shards reset` sets it): %w", err))
	case reopen:
		s.at.iterator = ""
		return s.pause(n, err)
	}
	if kind == limited && time.Since(s.pulse.since) >= tooManyAfter {
		s.troubles.report(s.place(), fmt.Errorf("too many readers on this shard: %w", err), true)
	} else {
		s.caller.complain(s.place(), err)
	}
	delay, repeats := kind.delay(n, rand.Float64())
	if !repeats { // what nobody foresaw is not tried in a hurry
		delay = deniedPause
	}
	return s.rest(delay)
}

// tooManyAfter is for how long LimitExceeded must last to mean that others read the shard too.
const tooManyAfter = time.Minute

// pause waits before a new iterator is tried: not at the first failure, ever longer if they go on.
func (s *shard) pause(n int, err error) error {
	if n == 0 {
		return nil
	}
	s.caller.complain(s.place(), err)
	delay, _ := broken.delay(n, rand.Float64())
	return s.rest(delay)
}

// verify asks a complete listing whether the shard still exists.
func (s *shard) verify(cause error) error {
	answer := make(chan bool, 1)
	s.asked.put(question{s.row.key(), answer})
	s.caller.complain(s.place(), cause)
	var exists bool
	select {
	case exists = <-answer:
	case <-s.lives.stop.Done():
		return context.Cause(s.lives.stop)
	}
	if !exists {
		return s.vanish("the shard was deleted before it was read to its end")
	}
	s.at.iterator = ""
	return s.rest(listSoon)
}

// halt keeps the shard without reading it until the instance stops, and says why.
func (s *shard) halt(why error) error {
	s.view.block(why)
	for {
		s.troubles.report(s.place(), fmt.Errorf("blocked: %w", why), true)
		if err := s.rest(logEvery); err != nil {
			return err
		}
	}
}
