package stream

// This file: how the reading of a shard ends, and the gaps on the way.

import (
	"errors"
	"time"

	"go.uber.org/zap"

	"inventoryd/internal/attribute"
)

// end stores that the shard was read to its end, before anything else happens to its children.
func (s *shard) end() error {
	now := s.t.clock.now()
	err := s.write(s.t.lives.work, s.endColumns(now), shardRow.ended, append(s.cleared(), colOwner, colTo)...)
	if err != nil {
		return err
	}
	s.row.Checkpoint, s.row.State, s.row.Owner, s.row.To, s.row.Ended = ended, StateEnded, "", "", now
	s.t.log.Info("a shard was read to its end", zap.String("shard", s.row.ID), zap.String("last", s.at.last))
	return errEnded
}

func (s *shard) endColumns(now time.Time) item {
	return item{colCheckpoint: attribute.S(ended), colState: attribute.S(StateEnded), colEnded: instant(now)}
}

// vanish ends a shard that nobody can read any more: a loss, recorded in the same write.
func (s *shard) vanish(reason string) error {
	now := s.t.clock.now()
	gap := s.newGap(reason, now)
	set := s.endColumns(now)
	set[gapColumn(gap.Number)] = gap.encode()
	if err := s.write(s.t.lives.work, set, shardRow.ended, append(s.cleared(), colOwner, colTo)...); err != nil {
		return err
	}
	s.row.Checkpoint, s.row.State, s.row.Owner, s.row.To, s.row.Ended = ended, StateEnded, "", "", now
	s.record(gap)
	return errEnded
}

// Reasons of gaps within a shard.
var (
	errTrimmed = errors.New("the records behind the checkpoint were older than 24 hours and are deleted")
	errUnread  = errors.New("the shard was not read for more than 24 hours: records older than that are deleted")
)

// gapPause is how far apart two gaps behind the same record are written at least, unless reading goes on.
const gapPause = 10 * time.Minute

// skip records that what comes next is trimmed away and goes on at the trim horizon, or waits for as long as the
// configuration says so. While nothing behind the last gap is handled, more and more may be trimmed: that is recorded now
// and then, and once more with the first record that is handled.
func (s *shard) skip(reason error) error {
	for s.t.live().GapPolicy == Halt {
		if err := s.hold(reason); err != nil {
			return err
		}
	}
	s.view.unblock()
	now := s.t.clock.now()
	s.at.iterator, s.at.horizon, s.at.through, s.at.covered = "", true, now.Add(-retention), true
	gap := s.newGap(reason.Error(), now)
	if n := len(s.row.Gaps); n > 0 && s.row.Gaps[n-1].After == gap.After && now.Sub(s.row.Gaps[n-1].Found) < gapPause {
		s.at.owed = &gap
		return nil
	}
	return s.writeGap(gap)
}

// writeGap stores a gap, in one write with the frontier.
func (s *shard) writeGap(gap Gap) error {
	if err := s.write(s.t.lives.work, item{gapColumn(gap.Number): gap.encode()}, s.stillOurs); err != nil {
		return err
	}
	s.at.owed = nil
	s.record(gap)
	return nil
}

func (s *shard) newGap(reason string, now time.Time) Gap {
	return Gap{
		Stream: s.row.Label, Shard: s.row.ID, After: s.at.last, Reason: reason, Found: now,
		Number: len(s.row.Gaps) + 1, Pending: s.t.config.OnGap != nil,
	}
}

// record makes a stored gap known.
func (s *shard) record(gap Gap) {
	s.row.Gaps = append(s.row.Gaps, gap)
	s.t.gapFound(gap)
}
