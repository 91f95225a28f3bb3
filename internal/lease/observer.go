package lease

import "time"

// Verdict is what an observer thinks of an instance.
type Verdict int

const (
	Alive   Verdict = iota // its counter has moved since the look before
	Suspect                // its counter stands still, not yet for its lease's duration; or its row is missing
	Dead                   // its counter has stood still for its lease's duration, or it carries the dead mark
)

func (v Verdict) String() string { return [...]string{"alive", "suspect", "dead"}[v] }

// Observer tells from the counters of instances, from the durations in their rows and from its own monotonic clock,
// which of them are dead. It makes no calls and starts nothing: the caller reads the rows and says when. Not safe for
// concurrent use.
type Observer struct {
	longest   time.Duration // the largest duration known
	sightings map[string]sighting
}

type sighting struct {
	row     Instance  // as it was seen last
	since   time.Time // when the answer arrived that first showed this counter
	verdict Verdict
}

// NewObserver makes an observer whose own lease has this duration.
func NewObserver(duration time.Duration) *Observer {
	return &Observer{longest: duration, sightings: map[string]sighting{}}
}

// Longest is the largest duration of a lease that was ever seen.
func (o *Observer) Longest() time.Duration { return o.longest }

// Look records rows whose reading was asked for at the instant asked and answered at the instant answered (both with
// Go's monotonic reading), and returns a verdict for each instance: those in rows, those that are named, as holders of
// something, without having a row, and those that had a row before. A counter stands still from the answer that
// first showed it to the question that showed it again, so that no verdict comes early.
func (o *Observer) Look(asked, answered time.Time, rows []Instance, named ...string) map[string]Verdict {
	next := make(map[string]sighting, len(rows))
	for _, row := range rows {
		o.longest = max(o.longest, row.Duration)
	}
	for _, row := range rows {
		next[row.ID] = o.judge(asked, answered, row)
	}
	missing := func(row Instance) {
		if _, ok := next[row.ID]; !ok && row.ID != "" {
			row.Missing = true
			next[row.ID] = o.judge(asked, answered, row)
		}
	}
	for _, last := range o.sightings {
		if last.verdict != Dead {
			missing(last.row)
		}
	}
	for _, id := range named {
		if last, ok := o.sightings[id]; ok {
			missing(last.row)
		}
		missing(Instance{ID: id})
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
		return sighting{row, answered, Dead}
	case !known || row.Missing && !last.row.Missing:
		return sighting{row, answered, Suspect}
	case row.Counter != last.row.Counter || last.row.Missing && !row.Missing:
		return sighting{row, answered, Alive}
	case asked.Sub(last.since) >= o.patience(row):
		return sighting{row, last.since, Dead}
	default:
		return sighting{row, last.since, Suspect}
	}
}

// patience is for how long an instance's counter may stand still.
func (o *Observer) patience(row Instance) time.Duration {
	if row.Missing || row.Duration <= 0 {
		return o.longest
	}
	return row.Duration
}

// Due is the earliest instant at which a suspect's time is over: the moment to look again. It reports false when
// there is no suspect.
func (o *Observer) Due() (time.Time, bool) {
	var due time.Time
	for _, s := range o.sightings {
		if at := s.since.Add(o.patience(s.row)); s.verdict == Suspect && (due.IsZero() || at.Before(due)) {
			due = at
		}
	}
	return due, !due.IsZero()
}

// missing are the instances that had a row and are not dead yet.
func (o *Observer) missing() []Instance {
	var all []Instance
	for _, s := range o.sightings {
		if s.row.Missing && s.verdict != Dead {
			all = append(all, s.row)
		}
	}
	return all
}
