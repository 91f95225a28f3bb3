package stream

// This file: how far a shard has been read, in its row.

import (
	"context"
	"errors"
	"time"

	"inventoryd/internal/attribute"
)

// ack is what of the shard's progress is in the table.
type ack struct {
	stored   string    // sequence number of the checkpoint there
	tip      time.Time // TipAt there
	next     time.Time // earliest instant of the next checkpoint
	failures int       // in a row
}

const (
	checkpointEvery = time.Second // the shortest time between two checkpoints of a shard
	tipEvery        = time.Hour   // how often an idle shard's row says that its tip was seen
)

// overdue is true where the row lacks what a crash must not lose: the frontier, or that an idle shard has been read.
func (s *shard) overdue() bool {
	return s.at.last != s.ack.stored || s.at.tip.Sub(s.ack.tip) >= tipEvery || s.flow.stale()
}

// rest waits for d, writing a checkpoint as soon as one is due.
func (s *shard) rest(d time.Duration) error {
	for until := time.Now().Add(d); ; {
		if err := s.checkpoint(); err != nil {
			return err
		}
		left := time.Until(until)
		if left <= 0 {
			return context.Cause(s.stop)
		}
		if due := time.Until(s.ack.next); s.overdue() {
			left = min(left, max(due, time.Millisecond))
		}
		if err := rest(s.stop, left, nil); err != nil {
			return err
		}
	}
}

// checkpoint stores the frontier if it has moved and a checkpoint is due. A failure is tried again later, while
// reading goes on: this instance's lease, not its checkpoints, says how long it may.
func (s *shard) checkpoint() error {
	if !s.overdue() || time.Now().Before(s.ack.next) {
		return nil
	}
	last, tip, set, remove := s.at.last, s.at.tip, s.progress(), s.cleared()
	err := s.t.caller.once(s.t.lives.work, func(ctx context.Context) error { return s.t.store.save(ctx, s.row, set, remove...) })
	if err != nil && s.t.lives.work.Err() != nil {
		return context.Cause(s.t.lives.work)
	}
	delay, repeat := classify(err).delay(s.ack.failures, s.draw("checkpoint", s.ack.failures))
	if repeat {
		s.t.metrics.checkpointFailures.Add(context.Background(), 1)
		s.t.caller.complain(leasePlace, err)
		s.ack.failures++
		s.ack.next = time.Now().Add(max(delay, checkpointEvery))
		return nil
	}
	s.t.troubles.mend(leasePlace)
	if err := s.settled(err, s.stillOurs); err != nil {
		return err
	}
	s.stored(last, tip, set)
	s.view.saved(last)
	return nil
}

// write stores columns besides the frontier, and does not return before they are stored.
func (s *shard) write(ctx context.Context, set item, done func(now shardRow) bool, remove ...string) error {
	last, tip := s.at.last, s.at.tip
	for column, value := range s.progress() {
		if _, ok := set[column]; !ok {
			set[column] = value
		}
	}
	err := s.t.caller.persist(ctx, leasePlace, nil, func(ctx context.Context) error {
		return s.t.store.save(ctx, s.row, set, remove...)
	})
	if err := s.settled(err, done); err != nil {
		return err
	}
	s.stored(last, tip, set)
	return nil
}

// stored notes what a write has stored.
func (s *shard) stored(last string, tip time.Time, set item) {
	s.ack = ack{stored: last, tip: tip, next: time.Now().Add(checkpointEvery)}
	if load, ok := set[colLoad]; ok {
		s.flow.stored = floatOf(load)
		s.row.Load = s.flow.stored
	}
}

// settled decides on the outcome of a write. If its condition did not hold, the row says whether an earlier attempt,
// whose answer was lost, did it (done), or whether the shard is not ours any more.
func (s *shard) settled(err error, done func(now shardRow) bool) error {
	var refused *conflictError
	switch {
	case err == nil:
		return nil
	case !errors.As(err, &refused):
		return err
	case refused.item == nil:
		return errMissing
	case done(decodeShard(refused.item)):
		return nil
	default:
		s.row = decodeShard(refused.item)
		return errLost
	}
}

// stillOurs is true of a row that this instance still owns.
func (s *shard) stillOurs(now shardRow) bool {
	return now.Owner == s.t.beat.ID() && now.Epoch == s.row.Epoch
}

// progress is the frontier and what belongs to it, as columns.
func (s *shard) progress() item {
	set := item{}
	if s.at.last != "" {
		set[colCheckpoint], set[colSequence] = attribute.S(Position(s.row.Label, s.at.last)), attribute.S(s.at.last)
	}
	if !s.at.tip.IsZero() {
		set[colTip] = instant(s.at.tip)
	}
	if now := s.flow.now(); now != s.flow.stored {
		set[colLoad] = float(now)
	}
	if !s.row.LastEvent.IsZero() {
		set[colLastEvent] = instant(s.row.LastEvent)
	}
	if s.row.Poison != "" {
		set[colPoison], set[colAttempts] = attribute.S(s.row.Poison), attribute.N(int64(s.row.Attempts))
	}
	return set
}

// cleared is the columns of a poison record that is behind.
func (s *shard) cleared() []string {
	if s.row.Poison != "" {
		return nil
	}
	return []string{colPoison, colAttempts}
}
