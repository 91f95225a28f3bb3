package stream

// This file: a page goes to the handler, and what becomes of records that it cannot handle.

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.uber.org/zap"
)

// Pauses before records are delivered again.
const (
	redeliverLeast = 200 * time.Millisecond
	redeliverMost  = 30 * time.Second
)

// handle delivers a page's records until all are dealt with or the instance stops.
func (s *shard) handle(p page) error {
	defer s.budget.release(p.size)
	records := s.due(p.records)
	for failures := 0; len(records) > 0; {
		if s.doomed(records[0]) {
			if err := s.divert(records[0], errors.New("it failed for good before a restart")); err != nil {
				return err
			}
			records = s.advance(records, 1)
			continue
		}
		size := min(len(records), s.batch)
		err := s.deliver(records[:size])
		if err == nil {
			records, failures, s.batch = s.advance(records, size), 0, min(2*s.batch, maxRecords)
			s.troubles.mend(s.handlerPlace())
			continue
		}
		if s.lives.stop.Err() != nil && errors.Is(err, errStopping) {
			return context.Cause(s.lives.stop)
		}
		f := diagnose(err, size)
		if records = s.advance(records, f.done); f.done > 0 {
			failures = 0
		}
		if records, err = s.failed(records, f, size, failures); err != nil {
			return err
		}
		failures++
	}
	return nil
}

func (s *shard) handlerPlace() string { return "handler of shard " + s.row.ID }

// errStopping is deliver's answer when the instance stops before the handler is called.
var errStopping = errors.New("the instance is stopping")

// due drops records that are behind the frontier and those from before the start of all reading; the frontier moves
// over the latter.
func (s *shard) due(records []Record) []Record {
	for len(records) > 0 {
		r := records[0]
		behind := s.at.last != "" && compareSequences(r.Sequence, s.at.last) <= 0
		if !behind && !r.Created.Before(s.stream.Start) {
			return records
		}
		if !behind {
			s.at.last, s.at.horizon = r.Sequence, false
		}
		records = records[1:]
	}
	return nil
}

// deliver calls the handler while the lease is good, and not at all once the instance stops.
func (s *shard) deliver(batch []Record) error {
	good, err := s.beat.Await(s.lives.stop)
	if err != nil || s.lives.stop.Err() != nil {
		return errStopping
	}
	ctx, cancel := context.WithCancelCause(s.lives.work)
	defer cancel(nil)
	defer context.AfterFunc(good, func() { cancel(context.Cause(good)) })()
	return s.handler.guarded(ctx, batch)
}

// advance moves the frontier over the first n records.
func (s *shard) advance(records []Record, n int) []Record {
	if n == 0 {
		return records
	}
	last := records[n-1]
	s.at.last, s.at.horizon, s.row.LastEvent = last.Sequence, false, last.Created
	if s.row.Poison != "" && s.row.Poison <= last.Position() {
		s.row.Poison, s.row.Attempts = "", 0
	}
	s.metrics.processed.Add(context.Background(), int64(n))
	s.view.progress(s.row.Progress)
	return records[n:]
}

// failed deals with a failed batch, whose first record is the one that failed if that is known; it returns what is to
// be delivered next.
func (s *shard) failed(records []Record, f failure, size, failures int) ([]Record, error) {
	switch {
	case !f.permanent:
		if s.beat.Good() { // else it failed because its context ended
			s.troubles.report(s.handlerPlace(), f.err, true)
		}
		return records, s.rest(grow(redeliverLeast, redeliverMost, failures))
	case !f.located:
		s.batch = (size + 1) / 2 // until the record at fault is alone
		return records, nil
	}
	if err := s.attempted(records[0]); err != nil {
		return records, err
	}
	live := s.live()
	if s.row.Attempts <= live.MaxAttempts {
		s.log.Error("a record cannot be handled", zap.String("shard", s.row.ID), zap.String("event_id", records[0].ID),
			zap.String("sequence", records[0].Sequence), zap.Int("attempt", s.row.Attempts), zap.Error(f.err))
	}
	if s.row.Attempts < live.MaxAttempts {
		return records, s.rest(grow(redeliverLeast, redeliverMost, s.row.Attempts-1))
	}
	if live.poison() == poisonBlock {
		s.blocked(fmt.Errorf("blocked by record %s: %w", records[0].ID, f.err))
		return records, s.rest(grow(redeliverLeast, redeliverMost, s.row.Attempts-1))
	}
	if err := s.divert(records[0], f.err); err != nil {
		return records, err
	}
	return s.advance(records, 1), nil
}

// blocked says that a record holds up its shard.
func (s *shard) blocked(why error) {
	s.view.block(why)
	s.troubles.report(s.handlerPlace(), why, true)
}

// attempted counts an attempt at a record in its shard's row.
func (s *shard) attempted(r Record) error {
	if s.row.Poison != r.Position() {
		s.row.Poison, s.row.Attempts = r.Position(), 0
	}
	s.row.Attempts++
	s.view.progress(s.row.Progress)
	return s.write(s.lives.work, item{}, func(now shardRow) bool {
		return now.Owner == s.beat.ID() && now.Epoch == s.row.Epoch
	})
}

// doomed is true of a record whose attempts were used up before a restart, when it was to be diverted.
func (s *shard) doomed(r Record) bool {
	live := s.live()
	return s.row.Poison != "" && s.row.Poison == r.Position() && s.row.Attempts >= live.MaxAttempts && live.poison() == poisonDivert
}

// divert writes a record to the dead-letter queue, however long that takes.
func (s *shard) divert(r Record, cause error) error {
	for n := 0; ; n++ {
		if _, err := s.beat.Await(s.lives.stop); err != nil {
			return context.Cause(s.lives.stop)
		}
		err := s.caller.once(s.lives.work, func(ctx context.Context) error { return s.letters.send(ctx, r, cause) })
		if err == nil {
			break
		}
		s.blocked(fmt.Errorf("blocked by record %s, which cannot be diverted: %w", r.ID, err))
		if err := s.rest(grow(redeliverLeast, redeliverMost, n)); err != nil {
			return err
		}
	}
	s.troubles.mend(s.handlerPlace())
	s.metrics.diverted.Add(context.Background(), 1)
	s.log.Error("a record was diverted to the dead-letter queue", zap.String("shard", s.row.ID), zap.String("event_id", r.ID), zap.Error(cause))
	return nil
}
