package stream

// This file: one shard, from the claim of its row to its end or its release. One goroutine owns it.

import (
	"cmp"
	"context"
	"errors"
	"time"

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
	t     *tenure         // the instance that reads it
	stop  context.Context // ends the reading of this shard; the goroutine's own
	reins reins           // others end it with
	row   shardRow        // as it stands in the table
	at    readPoint
	pulse pulse
	ack   ack
	tries attempts
	flow  flow
	view  *view // what Status shows
}

// readPoint is where the shard is read.
type readPoint struct {
	iterator string
	opened   time.Time // when the service gave the iterator
	last     string    // sequence number of the last record handled; "": none
	horizon  bool      // begin at the trim horizon: after a gap, or where an instant is refused
	empty    int       // pages without records in a row, since the iterator was opened
	known    bool      // an empty page means the tip
	tip      time.Time // when the tip was last seen; zero: never
	through  time.Time // nothing that was created before is unread
	owed     *Gap      // not written yet
	covered  bool      // a gap was found just now: it covers what the next iterator leaves out
}

// pulse is what decides when the shard is read again.
type pulse struct {
	called   time.Time          // beginning of the last read
	recent   [maxRate]time.Time // beginnings of the last reads, in a ring
	reads    int
	arrived  time.Time // when the last record arrived
	failures int       // in a row
	failing  time.Time // since when all calls fail; zero: they do not
	limited  time.Time // since when they say LimitExceeded; zero: the last one did not
}

// renewAfter is the age at which an iterator is replaced; the service lets it expire after 15 minutes.
const renewAfter = 14 * time.Minute

// newShard makes a shard that is known to have been quiet for that long, and to have been read until an instant.
func (t *tenure) newShard(row shardRow, v *view, quiet time.Duration, through time.Time) *shard {
	s := &shard{
		t: t, row: row, tries: attempts{batch: firstBatch}, view: v, pulse: pulse{arrived: time.Now().Add(-quiet)},
		at: readPoint{tip: row.TipAt, through: through}, ack: ack{tip: row.TipAt},
	}
	s.flow.begin(row.Load)
	s.harness()
	return s
}

// draw spreads the n-th wait of the shard for a purpose.
func (s *shard) draw(purpose string, n int) float64 { return s.t.config.draw(s.row.ID+"/"+purpose, n) }

func (s *shard) place() string { return "shard " + s.row.ID }

// run claims the shard and reads it until it ends (errEnded), the instance stops, or the shard is lost.
func (s *shard) run() error {
	if err := s.claim(); err != nil {
		return err
	}
	s.t.log.Debug("reading a shard", zap.String("shard", s.row.ID), zap.String("checkpoint", s.row.Checkpoint))
	for {
		err := s.begin()
		if err == nil {
			err = s.goOn()
		}
		if errors.Is(err, errHandedOver) {
			err = s.handOver()
		}
		if err != nil {
			return s.leave(err)
		}
	}
}

// leave ends the reading of the shard for this reason: it gives the shard away where that is still this instance's to do.
func (s *shard) leave(err error) error {
	s.t.troubles.drop(s.place())
	s.t.troubles.drop(s.handlerPlace())
	switch {
	case errors.Is(err, errEnded), errors.Is(err, errHandedOver):
		return err
	case errors.Is(err, errLost), errors.Is(err, errMissing):
		s.t.metrics.leasesLost.Add(context.Background(), 1)
		s.t.log.Warn("a shard was lost", zap.String("shard", s.row.ID), zap.Error(err))
		return err
	}
	return errors.Join(err, s.release())
}

// claim makes this instance the row's owner.
func (s *shard) claim() error {
	err := s.t.caller.persist(s.stop, leasePlace, nil, func(ctx context.Context) error {
		if s.row.Owner == s.t.beat.ID() && s.row.begun() {
			return nil // its row was made so
		}
		row, err := s.t.store.claim(ctx, s.row, s.t.beat.ID())
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
		s.t.board.place(s.row, time.Now(), s.at.through)
		s.t.tellPending(s.row.Gaps)
		s.t.keep(s.row)
	}
	return err
}

// bury ends a shard whose stream is gone.
func (s *shard) bury() error {
	if err := s.claim(); err != nil {
		return err
	}
	if last, err := s.row.last(); err == nil {
		s.at.last, s.ack.stored = last, last
	}
	return s.vanish("the stream was deleted before the shard was read to its end")
}

// begin places the reading behind what the row says is handled.
func (s *shard) begin() error {
	last, err := s.row.last()
	if err != nil {
		return s.halt(err)
	}
	if s.at.last == "" { // else it has been read here before
		s.at.last, s.ack.stored = last, last
	}
	return nil
}

// goOn reads from where the shard stands. A quiet shard rests here, on a stack of a few hundred bytes: deeper, each of
// thousands would keep a stack of twice the size.
func (s *shard) goOn() error {
	for {
		pause, err := s.turn()
		if err != nil {
			return err
		}
		if err := s.rest(pause); err != nil {
			return err
		}
	}
}

// turn reads one page and deals with it; it returns how long to wait for the next.
func (s *shard) turn() (pause time.Duration, err error) {
	if err := s.admit(); err != nil {
		return 0, err
	}
	p, op, err := s.read()
	if s.stop.Err() != nil {
		s.t.budget.release(p.size)
		return 0, context.Cause(s.stop)
	}
	if err != nil {
		return 0, s.remedy(op, err)
	}
	return s.take(p)
}

// admit records a gap where the shard is about to be read from its oldest record and something may have been deleted
// before that: also where it was read before, but nothing of it was handled.
func (s *shard) admit() error {
	if s.at.iterator != "" {
		return nil
	}
	covered := s.at.covered
	s.at.covered = false
	if covered || !s.fromOldest() || s.unreadFor() <= retention {
		return nil
	}
	err := s.skip(errUnread)
	s.at.covered = false
	return err
}

// fromOldest is true where nothing but the horizon tells where reading goes on.
func (s *shard) fromOldest() bool { return s.at.last == "" || s.at.horizon }

// unreadFor is how old an unread record may be.
func (s *shard) unreadFor() time.Duration { return s.t.clock.now().Sub(s.at.through) }

// take deals with one page; it returns how long to wait for the next.
func (s *shard) take(p page) (pause time.Duration, err error) {
	s.pulse.failures, s.pulse.limited = 0, time.Time{}
	s.t.troubles.mend(s.place())
	s.t.clock.hear(p.at)
	s.t.metrics.read.Add(context.Background(), int64(len(p.records)))
	s.look(p)
	s.flow.add(len(p.records))
	if err := s.works(); err != nil {
		s.t.budget.release(p.size)
		s.t.metrics.returned.Add(context.Background(), int64(len(p.records)))
		return 0, err
	}
	if pause, err = s.handle(p); err != nil {
		return 0, err
	}
	if pause > 0 {
		s.at.iterator = "" // the page is read again: its memory is others' for the pause
		return pause, nil
	}
	if p.next == "" {
		return 0, s.end()
	}
	s.at.iterator, s.at.opened = p.next, s.pulse.called
	next := pace{
		idle: s.t.live().IdlePoll, unknown: !s.at.known,
		full: len(p.records) >= maxRecords || p.text >= fullPage, quiet: time.Since(s.pulse.arrived),
	}
	pause = next.interval()
	if s.at.known && len(p.records) == 0 {
		s.view.tip(s.at.tip, pause+callTimeout)
	}
	return pause - time.Since(s.pulse.called), nil
}

// tipAfter is how many empty pages in a row mean the tip after a new iterator: it may take several calls to reach the
// next record ("GetRecords").
const tipAfter = 60

// look notes what a page says of the shard's tip and of what is unread.
func (s *shard) look(p page) {
	now := s.t.clock.now()
	if n := len(p.records); n > 0 {
		s.pulse.arrived = time.Now()
		s.at.empty, s.at.known = 0, now.Sub(p.records[n-1].Created) < behind
		if s.fromOldest() {
			s.at.through = later(s.at.through, p.records[0].Created)
		}
		s.view.head(p.records[0].Created)
		return
	}
	s.at.empty++
	if s.at.known = s.at.known || s.at.empty >= cmp.Or(s.t.config.tip, tipAfter); s.at.known {
		s.at.tip, s.at.through = now, now
	}
}

// later is the later of two instants.
func later(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}
