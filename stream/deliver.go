package stream

// This file: a page goes to the handler, and what becomes of records that it cannot handle.

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"go.uber.org/zap"
)

// Pauses before records are delivered again.
const (
	redeliverLeast = 200 * time.Millisecond
	redeliverMost  = 30 * time.Second
	keepPage       = 5 * time.Second // for a longer pause the page is dropped and read again: others need the memory
)

// attempts is how the delivery of a shard's records goes.
type attempts struct {
	batch    int   // most records that the handler gets at once
	failures int   // in a row
	cause    error // why the poison record of the shard's row failed, if that was in this run

	size int           // of the batch of the last call, if it succeeded
	took time.Duration // that call
}

// A hand-over and a stop wait for the call of the handler: so it begins with few records, and gets more while it is quick.
const (
	firstBatch = 100
	slowCall   = longCall / 4 // a call is to take no longer
)

// after is what follows a call with so many records that was successful and took so long. A handler may take its time
// for each call rather than for each record: for its slowness alone it never gets fewer than at first.
func (a attempts) after(size int, took time.Duration) attempts {
	next := attempts{batch: min(2*a.batch, maxRecords), size: size, took: took}
	if took > slowCall {
		next.batch = min(next.batch, max(firstBatch, next.brief()))
	}
	return next
}

// brief is how many records make a call that is not slow, as far as the last one tells.
func (a attempts) brief() int {
	return max(1, int(float64(a.size)*float64(slowCall)/float64(max(a.took, slowCall))))
}

// hasten has the next call take no longer than it should, whatever the handler takes its time for: the shard is to be handed over.
func (a *attempts) hasten() {
	if a.took > slowCall {
		a.batch = a.brief()
	}
}

// errStopping is deliver's answer when the instance stops before the handler is called.
var errStopping = errors.New("the instance is stopping")

// handle delivers a page's records until all are dealt with or the instance stops. It returns a pause if that is to be
// so long that the page is better read again after it.
func (s *shard) handle(p page) (pause time.Duration, err error) {
	defer s.t.budget.release(p.size)
	records := s.due(p.records)
	defer func() { s.t.metrics.returned.Add(context.Background(), int64(len(records))) }()
	for len(records) > 0 {
		if records, pause, err = s.step(records); err != nil {
			return 0, err
		}
		if s.at.owed != nil && !s.at.horizon { // something was handled
			if err = s.writeGap(*s.at.owed); err != nil {
				return 0, err
			}
		}
		if pause > keepPage {
			return pause, nil
		}
		if len(records) > 0 { // with a checkpoint, if one is due
			err = s.rest(pause)
		}
		if err != nil {
			return 0, err
		}
	}
	return 0, nil
}

// step makes one attempt at the first of the records. It returns those that are left, and for how long to wait.
func (s *shard) step(records []Record) (left []Record, pause time.Duration, err error) {
	if s.doomed(records[0]) {
		return s.divert(records)
	}
	size, begun := min(len(records), s.tries.batch), time.Now()
	err = s.deliver(records[:size])
	switch {
	case err == nil:
		s.tries = s.tries.after(size, time.Since(begun))
		s.t.troubles.mend(s.handlerPlace())
		return s.handled(records, size), 0, nil
	case errors.Is(err, errStopping):
		return records, 0, context.Cause(s.stop)
	}
	f := diagnose(err, size)
	if f.done > 0 {
		s.tries.failures = 0
	}
	return s.failed(s.handled(records, f.done), f, size)
}

func (s *shard) handlerPlace() string { return "handler of shard " + s.row.ID }

// due drops records that are behind the frontier and those from before the start of all reading; the frontier moves
// over the latter.
func (s *shard) due(records []Record) []Record {
	for len(records) > 0 {
		r := records[0]
		behind := s.at.last != "" && compareSequences(r.Sequence, s.at.last) <= 0
		if !behind && (r.Created.IsZero() || !r.Created.Before(s.start())) {
			return records
		}
		if behind {
			s.t.metrics.returned.Add(context.Background(), 1)
		} else {
			s.at.last, s.at.horizon = strings.Clone(r.Sequence), false
			s.t.metrics.early.Add(context.Background(), 1)
		}
		records = records[1:]
	}
	return nil
}

// deliver calls the handler while the lease is good, and not at all once the instance stops.
func (s *shard) deliver(batch []Record) error {
	good, err := s.t.beat.Await(s.stop)
	if err != nil || s.stop.Err() != nil {
		return errStopping
	}
	ctx, cancel := context.WithCancelCause(s.t.lives.work)
	defer cancel(nil)
	defer context.AfterFunc(good, func() { cancel(context.Cause(good)) })()
	return s.t.handler.guarded(ctx, batch)
}

// handled moves the frontier over the first n records, which the handler has dealt with.
func (s *shard) handled(records []Record, n int) []Record {
	s.t.metrics.processed.Add(context.Background(), int64(n))
	return s.advance(records, n)
}

// advance moves the frontier over the first n records.
func (s *shard) advance(records []Record, n int) []Record {
	if n == 0 {
		return records
	}
	last := records[n-1]
	s.at.last, s.at.horizon, s.row.LastEvent = strings.Clone(last.Sequence), false, last.Created
	if s.row.Poison != "" && s.row.Poison <= last.Position() {
		s.row.Poison, s.row.Attempts = "", 0
	}
	s.at.through = last.Created
	s.view.progress(s.row.Progress, records[min(n, len(records)-1)].Created)
	return records[n:]
}

// failed deals with a failed batch of that size, of which records are left; the first of them is the one that failed,
// if that is known.
func (s *shard) failed(records []Record, f failure, size int) ([]Record, time.Duration, error) {
	switch {
	case !f.permanent:
		if s.t.beat.Good() { // else it failed because its context ended
			s.t.troubles.report(s.handlerPlace(), f.err, true)
		}
		return records, s.backOff(), nil
	case !f.located:
		s.tries.batch = (size + 1) / 2 // until the record at fault is alone
		return records, 0, nil
	}
	if err := s.attempted(records[0], f.err); err != nil {
		return records, 0, err
	}
	live := s.t.live()
	switch {
	case s.row.Attempts < live.MaxAttempts:
		return records, s.backOff(), nil
	case live.poison() == Block:
		s.blocked(fmt.Errorf("blocked by record %s: %w", records[0].ID, f.err))
		return records, s.backOff(), nil
	}
	return s.divert(records)
}

func (s *shard) backOff() time.Duration {
	d := grow(redeliverLeast, redeliverMost, s.tries.failures)
	s.tries.failures++
	return d
}

// blocked says that a record holds up its shard.
func (s *shard) blocked(why error) {
	s.view.block(why)
	s.t.troubles.report(s.handlerPlace(), why, true)
}

// attempted counts an attempt at a record in its shard's row.
func (s *shard) attempted(r Record, cause error) error {
	if s.row.Poison != r.Position() {
		s.row.Poison, s.row.Attempts = r.Position(), 0
	}
	s.row.Attempts++
	s.tries.cause = cause
	s.view.tried(s.row.Progress)
	if s.row.Attempts <= s.t.live().MaxAttempts { // a blocked record is in the troubles' log
		s.t.log.Error("a record cannot be handled", zap.String("shard", s.row.ID), zap.String("event_id", r.ID),
			zap.String("sequence", r.Sequence), zap.Int("attempt", s.row.Attempts), zap.Error(cause))
	}
	return s.write(s.t.lives.work, item{}, s.stillOurs)
}

// doomed is true of a record whose attempts are used up and which is to be diverted, perhaps since before a restart.
func (s *shard) doomed(r Record) bool {
	live := s.t.live()
	return s.row.Poison != "" && s.row.Poison == r.Position() && s.row.Attempts >= live.MaxAttempts && live.poison() == Divert
}

// divert makes one attempt to write the first of the records to the dead-letter queue.
func (s *shard) divert(records []Record) ([]Record, time.Duration, error) {
	if _, err := s.t.beat.Await(s.stop); err != nil {
		return records, 0, context.Cause(s.stop)
	}
	r, cause := records[0], s.tries.cause
	if cause == nil {
		cause = errors.New("it failed for good before a restart")
	}
	err := s.t.caller.once(s.t.lives.work, func(ctx context.Context) error { return s.t.config.Divert(ctx, r, cause) })
	if err != nil {
		s.blocked(fmt.Errorf("blocked by record %s, which cannot be diverted: %w", r.ID, err))
		return records, s.backOff(), nil
	}
	s.tries = attempts{batch: s.tries.batch}
	s.t.troubles.mend(s.handlerPlace())
	s.t.metrics.diverted.Add(context.Background(), 1)
	s.t.log.Error("a record was diverted to the dead-letter queue", zap.String("shard", s.row.ID), zap.String("event_id", r.ID), zap.Error(cause))
	return s.advance(records, 1), 0, nil
}
