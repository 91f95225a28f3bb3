package health

// Liveness: loops that tick.

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"
)

// Stuck is how long a loop may go without a tick. Loops tick every 10 s or more often, in back-offs and waits too.
const Stuck = 90 * time.Second

type loop struct {
	name string
	last atomic.Int64 // since Health.born, in nanoseconds, on the monotonic clock; or resting
}

// resting is a loop's last tick while nothing is expected of it.
const resting = -1

// Loop registers a loop that has begun. The loop calls tick at least every 10 s and done when it ends; both are cheap
// and safe for concurrent use. Several loops may have one name.
func (h *Health) Loop(name string) (tick, done func()) {
	tick, _, done = h.Work(name)
	tick()
	return tick, done
}

// Work registers somebody who works and waits for others by turns, each of whom is watched over elsewhere: from each tick to
// the next call of rest it is a loop. It begins at rest.
func (h *Health) Work(name string) (tick, rest, done func()) {
	l := &loop{name: name}
	tick = func() { l.last.Store(int64(time.Since(h.born))) }
	rest = func() { l.last.Store(resting) }
	rest()
	h.mu.Lock()
	defer h.mu.Unlock()
	h.loops[l] = struct{}{}
	return tick, rest, func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		delete(h.loops, l)
	}
}

// Live is nil while every loop ticks; else it names those that are stuck.
func (h *Health) Live() error {
	var stuck []string
	for _, s := range h.loopStates() {
		if !s.OK {
			stuck = append(stuck, s.Name+": "+s.Reason)
		}
	}
	if stuck == nil {
		return nil
	}
	return fmt.Errorf("stuck: %s", strings.Join(stuck, "; "))
}

// loopStates has one state for each name: that of the loop that ticked the longest ago.
func (h *Health) loopStates() []State {
	now := time.Since(h.born)
	oldest := map[string]time.Duration{}
	h.mu.Lock()
	for l := range h.loops {
		last := time.Duration(l.last.Load())
		if last == resting {
			last = now
		}
		if before, ok := oldest[l.name]; !ok || last < before {
			oldest[l.name] = last
		}
	}
	h.mu.Unlock()
	states := make([]State, 0, len(oldest))
	for name, last := range oldest {
		s := State{Name: name, OK: true, Since: h.born.Add(last)}
		if silent := now - last; silent >= Stuck {
			s.OK, s.Reason = false, fmt.Sprintf("no tick for %s", silent.Truncate(time.Second))
		}
		states = append(states, s)
	}
	slices.SortFunc(states, func(a, b State) int { return cmp.Compare(a.Name, b.Name) })
	return states
}
