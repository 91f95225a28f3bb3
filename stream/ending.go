package stream

// This file: how a shard leaves its goroutine: given back, read to its end, or lost; and the gaps on the way.

import (
	"errors"
	"time"

	"go.uber.org/zap"
)

// release stores the frontier and gives the shard back.
func (s *shard) release() error {
	set := item{colState: str(stateReady)}
	if s.at.last == "" && !s.at.unread.IsZero() {
		set[colUnread] = instant(s.at.unread)
	}
	err := s.write(s.lives.work, set, func(now shardRow) bool {
		return now.Owner == "" && now.Epoch == s.row.Epoch
	}, append(s.cleared(), colOwner)...)
	if err == nil {
		s.row.Owner, s.row.State = "", stateReady
		if s.at.last != "" {
			s.row.Checkpoint = Position(s.row.Label, s.at.last)
		}
		s.board.place(s.row, time.Time{})
	}
	return err
}

// end stores that the shard was read to its end, before anything else happens to its children.
func (s *shard) end() error {
	now := s.clock.now()
	err := s.write(s.lives.work, s.endColumns(now), shardRow.ended, append(s.cleared(), colOwner)...)
	if err != nil {
		return err
	}
	s.row.Checkpoint, s.row.State, s.row.Owner, s.row.Ended = ended, stateEnded, "", now
	s.log.Info("a shard was read to its end", zap.String("shard", s.row.ID), zap.String("last", s.at.last))
	return errEnded
}

func (s *shard) endColumns(now time.Time) item {
	return item{colCheckpoint: str(ended), colState: str(stateEnded), colEnded: instant(now)}
}

// vanish ends a shard that nobody can read any more: a loss, recorded in the same write.
func (s *shard) vanish(reason string) error {
	now := s.clock.now()
	gap := s.newGap(reason, now)
	set := s.endColumns(now)
	set[gapColumn(gap.Number)] = gap.encode()
	if err := s.write(s.lives.work, set, shardRow.ended, append(s.cleared(), colOwner)...); err != nil {
		return err
	}
	s.row.Checkpoint, s.row.State, s.row.Owner, s.row.Ended = ended, stateEnded, "", now
	s.record(gap)
	return errEnded
}

// Reasons of gaps within a shard.
var (
	errTrimmed = errors.New("the records behind the checkpoint were older than 24 hours and are deleted")
	errUnread  = errors.New("nobody has read the shard for more than 24 hours: older records in it are deleted")
)

// skip records that what comes next is trimmed away and goes on at the trim horizon, or waits for as long as the
// configuration says so.
func (s *shard) skip(reason error) error {
	for s.live().GapPolicy == gapHalt {
		if err := s.hold(reason); err != nil {
			return err
		}
	}
	s.view.unblock()
	s.at.iterator, s.at.horizon = "", true
	now := s.clock.now()
	if known := len(s.row.Gaps); known > 0 && s.row.Gaps[known-1].After == s.at.last && now.Sub(s.row.Gaps[known-1].Found) < retention {
		return s.pause(reason) // recorded already, perhaps before a restart
	}
	gap := s.newGap(reason.Error(), now)
	err := s.write(s.lives.work, item{gapColumn(gap.Number): gap.encode()}, s.stillOurs)
	if err != nil {
		return err
	}
	s.record(gap)
	return nil
}

func (s *shard) newGap(reason string, now time.Time) Gap {
	return Gap{
		Stream: s.row.Label, Shard: s.row.ID, After: s.at.last, Reason: reason, Found: now,
		Number: len(s.row.Gaps) + 1, Pending: s.config.OnGap != nil,
	}
}

// record makes a stored gap known.
func (s *shard) record(gap Gap) {
	s.row.Gaps = append(s.row.Gaps, gap)
	s.gapFound(gap)
}
