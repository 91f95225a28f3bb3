package lease

// This file: looking at the others and burying the dead.

import (
	"context"
	"math/rand/v2"
	"time"
)

// Watch looks at a group's rows again and again and marks the dead. Not safe for concurrent use.
type Watch struct {
	group    Group
	self     string
	duration time.Duration
	observer *Observer
	random   func() float64
}

// NewWatch makes the watch of the instance self, whose lease has this duration. random, in [0, 1), spreads its looks;
// nil: it is seeded anew.
func NewWatch(group Group, self string, duration time.Duration, random func() float64) *Watch {
	if random == nil {
		random = rand.Float64
	}
	return &Watch{group: group, self: self, duration: duration, observer: NewObserver(duration), random: random}
}

// Look reads the rows and marks those dead whose time is over. named are ids that are written somewhere as holders. It
// is one attempt: after an error it is repeated as a whole.
func (w *Watch) Look(ctx context.Context, named ...string) (View, error) {
	asked := time.Now()
	rows, err := w.group.List(ctx)
	if err != nil {
		return View{}, err
	}
	byID := make(map[string]Instance, len(rows))
	for _, row := range rows {
		byID[row.ID] = row
	}
	v := View{Instances: rows, Dead: map[string]bool{}}
	for id, verdict := range w.observer.Look(asked, time.Now(), rows, named...) {
		row, ok := byID[id]
		switch {
		case verdict != Dead || id == w.self:
			continue
		case ok && !row.Dead:
			if buried, err := w.group.Bury(ctx, row); err != nil {
				return View{}, err
			} else if !buried {
				continue // it has moved
			}
			v.Buried = append(v.Buried, row)
		}
		v.Dead[id] = true
	}
	v.Instances = append(v.Instances, w.observer.missing()...)
	return v, nil
}

// Pause is the time until the next look is due: a third of the duration, ± 20 %, or less where a suspect's time is over
// before.
func (w *Watch) Pause() time.Duration {
	pause := time.Duration(float64(w.duration) / 3 * (0.8 + 0.4*w.random()))
	if due, suspect := w.observer.Due(); suspect {
		pause = min(pause, max(0, time.Until(due)))
	}
	return pause
}

// Longest is the largest duration of a lease that was ever seen.
func (w *Watch) Longest() time.Duration { return w.observer.Longest() }
