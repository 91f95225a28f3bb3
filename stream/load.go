package stream

// This file: how much a shard has to do, which the plan goes by, and whether its reads fail for so long that another
// instance should try.

import (
	"time"
)

// flow counts a shard's records over windows of five minutes.
type flow struct {
	begun   time.Time // of the window
	records int
	last    float64 // records a second in the window before
	stored  float64 // as it stands in the row
}

// rateWindow is over how long records are counted.
const rateWindow = 5 * time.Minute

func (r *flow) begin(stored float64) { r.begun, r.last, r.stored = time.Now(), stored, stored }

// add counts n records.
func (r *flow) add(n int) {
	r.records += n
	if took := time.Since(r.begun); took >= rateWindow {
		r.last, r.records, r.begun = float64(r.records)/took.Seconds(), 0, time.Now()
	}
}

// now is the rate that goes into the row with a checkpoint.
func (r *flow) now() float64 {
	if r.last < 0.05 { // which the row would round to nothing
		return 0
	}
	return r.last
}

// stale is true where the row says more than there is after a quiet window: it is written once more.
func (r *flow) stale() bool { return r.now() == 0 && r.stored > 0 }

const (
	failingFor = 2 * time.Minute  // failed calls for so long move a shard to who can read
	failedFor  = 10 * time.Minute // for so long the row remembers who failed
)

// failing notes in the shard's row that this instance cannot read it, once its calls have failed for long; now and then
// again, as long as they do.
func (s *shard) failing() error {
	if s.pulse.failing.IsZero() {
		s.pulse.failing = time.Now()
	}
	if time.Since(s.pulse.failing) < failingFor || s.t.estate.alone() {
		return nil
	}
	now, me := s.t.clock.now(), s.t.beat.ID()
	if until := s.row.Failed[me]; until.Sub(now) > failedFor-time.Minute {
		return nil
	}
	failed := s.row.Failed.at(now)
	failed[me] = now.Add(failedFor)
	if err := s.write(s.t.lives.work, item{colFailed: failed.encode()}, s.stillOurs); err != nil {
		return err
	}
	s.row.Failed = failed
	return nil
}

// works notes that a read has worked; a note that this instance cannot read the shard is taken back.
func (s *shard) works() error {
	s.pulse.failing = time.Time{}
	s.t.readWell()
	if me := s.t.beat.ID(); !s.row.Failed[me].IsZero() {
		failed := s.row.Failed.at(s.t.clock.now())
		delete(failed, me)
		if err := s.write(s.t.lives.work, item{colFailed: failed.encode()}, s.stillOurs); err != nil {
			return err
		}
		s.row.Failed = failed
	}
	return nil
}
