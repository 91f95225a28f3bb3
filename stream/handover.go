package stream

// This file: how a shard goes from one instance to another while both live, and how a stop gives it away. There is always
// exactly one owner: the giver's one write stores the frontier and names the taker.

import (
	"context"
	"errors"
	"sync"
	"time"

	"go.uber.org/zap"

	"inventoryd/internal/attribute"
)

// errHandedOver is the cause for which a shard stops that another instance is to have.
var errHandedOver = errors.New("the shard is handed over")

// longCall is how long a call of the handler may take that a hand-over waits for; after a longer one the shard stays.
const longCall = 15 * time.Second

// reins are what others hold of a shard that is being read. Safe for concurrent use.
type reins struct {
	mu      sync.Mutex // guards what follows
	cancel  context.CancelCauseFunc
	to      string    // who is to have the shard; "": nobody
	ordered time.Time // when that was said
}

// harness makes the context of the shard's reading, which the reins end.
func (s *shard) harness() {
	s.reins.mu.Lock()
	defer s.reins.mu.Unlock()
	s.stop, s.reins.cancel = context.WithCancelCause(s.t.lives.stop)
	s.reins.to = ""
}

// drop stops the reading of a shard that is not this instance's any more.
func (s *shard) drop(why error) {
	s.reins.mu.Lock()
	defer s.reins.mu.Unlock()
	s.reins.cancel(why)
}

// handOverTo stops the reading so that another instance goes on with it. A call of the handler may end first.
func (s *shard) handOverTo(to string) {
	s.reins.mu.Lock()
	defer s.reins.mu.Unlock()
	if s.reins.to == "" {
		s.reins.to, s.reins.ordered = to, time.Now()
		s.reins.cancel(errHandedOver)
	}
}

func (s *shard) order() (to string, at time.Time) {
	s.reins.mu.Lock()
	defer s.reins.mu.Unlock()
	return s.reins.to, s.reins.ordered
}

// handOver gives the shard away; nil means that it stays, and is read on.
func (s *shard) handOver() error {
	to, ordered := s.order()
	if waited := time.Since(ordered); waited <= longCall && s.t.estate.lives(to) {
		return s.giveTo(to)
	} else if waited > longCall {
		s.t.log.Warn("a shard is not handed over: a call of the handler took too long", zap.String("shard", s.row.ID), zap.Duration("took", waited))
		s.tries.hasten() // so that it is, when it is asked for again
	}
	if err := s.write(s.t.lives.work, item{}, s.stillOurs, append(s.cleared(), colTo)...); err != nil {
		return err
	}
	s.row.To = ""
	s.t.keep(s.row)
	s.harness()
	return nil
}

// giveTo stores the frontier and the new owner in one write.
func (s *shard) giveTo(to string) error {
	epoch := s.row.Epoch + 1
	err := s.write(s.t.lives.work, item{colState: attribute.S(StateReady), colOwner: attribute.S(to), colEpoch: attribute.N(epoch)}, func(now shardRow) bool {
		return now.Epoch >= epoch // nobody else changes an owner that lives
	}, append(s.cleared(), colTo)...)
	if err != nil {
		return err
	}
	s.left(to, epoch)
	s.t.raise.put(news{to: to, given: s.row})
	s.t.log.Info("a shard was handed over", zap.String("shard", s.row.ID), zap.String("to", to))
	return errHandedOver
}

// left is the row of a shard that was given away, or back ("").
func (s *shard) left(to string, epoch int64) {
	s.row.Owner, s.row.State, s.row.Epoch, s.row.To = to, StateReady, epoch, ""
	if s.at.last != "" {
		s.row.Checkpoint, s.row.Sequence = Position(s.row.Label, s.at.last), s.at.last
	}
	s.t.board.place(s.row, time.Time{}, s.at.through)
}

// release gives the shard to an heir, or, where nobody else lives, back.
func (s *shard) release() error {
	<-s.t.left // the others know by now that this instance gets nothing more
	if heir := s.t.estate.heir(s.row.weight()); heir != "" {
		if err := s.giveTo(heir); !errors.Is(err, errHandedOver) {
			return err
		}
		return nil
	}
	err := s.write(s.t.lives.work, item{colState: attribute.S(StateReady)}, func(now shardRow) bool {
		return now.Owner == "" && now.Epoch == s.row.Epoch
	}, append(s.cleared(), colOwner, colTo)...)
	if err == nil {
		s.left("", s.row.Epoch)
	}
	return err
}

// keep tells the coordinator of a row that its shard's goroutine has written.
func (t *tenure) keep(row shardRow) { t.events.put(func(c *coordinator) { c.claimed(row) }) }
