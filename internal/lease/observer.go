package lease

import "time"

// Verdict is what an observer thinks of an instance.
type Verdict int

const (
	Alive   Verdict = iota // its counter has moved since the look before
	Suspect                // its counter stands still, not yet for the lease's duration
	Dead                   // its counter has stood still for the lease's duration, or it carries the dead mark
)

func (v Verdict) String() string { return [...]string{"alive", "suspect", "dead"}[v] }

// Observer tells from the counters of other instances, and from its own monotonic clock alone, which of them are
// dead. It makes no calls and starts nothing: the caller reads the rows and says when. Not safe for concurrent use.
type Observer struct {
	duration  time.Duration
	sightings map[string]sighting
}

type sighting struct {
	counter int64
	since   time.Time // when the answer arrived that first showed this counter
	verdict Verdict
}

// NewObserver makes an observer for leases of this duration.
func NewObserver(duration time.Duration) *Observer {
	return &Observer{duration: duration, sightings: map[string]sighting{}}
}

// absent stands for the counter of an instance that is named somewhere and has no row: it never moves.
const absent = -1

// Look records rows whose reading was asked for at the instant asked and answered at the instant answered (both with
// Go's monotonic reading), and returns a verdict for each instance: those in rows, and those that are named, as
// holders of something, without having a row. Instances that are in neither are forgotten. A counter stands still
// from the answer that first showed it to the question that showed it again, so that no verdict comes early.
func (o *Observer) Look(asked, answered time.Time, rows []Instance, named ...string) map[string]Verdict {
	next := make(map[string]sighting, len(rows))
	for _, row := range rows {
		next[row.ID] = o.judge(asked, answered, row)
	}
	for _, id := range named {
		if _, ok := next[id]; !ok && id != "" {
			next[id] = o.judge(asked, answered, Instance{ID: id, Counter: absent})
		}
	}
	o.sightings = next
	verdicts := make(map[string]Verdict, len(next))
	for id, s := range next {
		verdicts[id] = s.verdict
	}
	return verdicts
}

// judge compares one reading with the last. An instance seen for the first time is a suspect: whether it moves is
// not known yet.
func (o *Observer) judge(asked, answered time.Time, row Instance) sighting {
	last, known := o.sightings[row.ID]
	switch {
	case row.Dead:
		return sighting{row.Counter, answered, Dead}
	case !known:
		return sighting{row.Counter, answered, Suspect}
	case row.Counter != last.counter:
		return sighting{row.Counter, answered, Alive}
	case asked.Sub(last.since) >= o.duration:
		return sighting{row.Counter, last.since, Dead}
	default:
		return sighting{row.Counter, last.since, Suspect}
	}
}

// Due is the earliest instant at which a suspect's time is over: the moment to look again. It reports false when
// there is no suspect.
func (o *Observer) Due() (time.Time, bool) {
	var due time.Time
	for _, s := range o.sightings {
		if at := s.since.Add(o.duration); s.verdict == Suspect && (due.IsZero() || at.Before(due)) {
			due = at
		}
	}
	return due, !due.IsZero()
}
