package health

// Readiness: parts that say why they cannot work, asked every second.

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	interval = time.Second     // between two questions to a part
	patience = 5 * time.Second // a part that has not answered for so long is not ready
)

type part struct {
	name  string
	ready func() error

	// What follows is guarded by Health.mu.
	asking bool      // a question is out
	answer time.Time // of the last answer, or of the registration
	err    error     // the last answer
	since  time.Time // when err became nil or ceased to be
}

var errNotAsked = errors.New("starting")

// Part registers a part; ready returns nil or why the part cannot do its work, from what it remembers: it is called
// every second by Watch and must not wait. Until the first answer the part is not ready.
func (h *Health) Part(name string, ready func() error) {
	now := time.Now()
	h.mu.Lock()
	defer h.mu.Unlock()
	h.parts = append(h.parts, &part{name: name, ready: ready, answer: now, err: errNotAsked, since: now})
}

// Watch asks every part each second until ctx ends, and returns when no question is out any more.
func (h *Health) Watch(ctx context.Context) {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	var questions sync.WaitGroup
	defer questions.Wait()
	for {
		for _, p := range h.idle() {
			questions.Go(func() { h.ask(p) })
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
	}
}

// idle returns the parts that have no question out, and marks them as having one.
func (h *Health) idle() []*part {
	h.mu.Lock()
	defer h.mu.Unlock()
	var idle []*part
	for _, p := range h.parts {
		if !p.asking {
			p.asking = true
			idle = append(idle, p)
		}
	}
	return idle
}

func (h *Health) ask(p *part) {
	err := p.ready()
	now := time.Now()
	h.mu.Lock()
	defer h.mu.Unlock()
	if (err == nil) != (p.err == nil) {
		p.since = now
	}
	p.asking, p.answer, p.err = false, now, err
}

// Ready is nil while every part is ready; else it names those that are not, and why.
func (h *Health) Ready() error {
	var reasons []string
	for _, s := range h.partStates() {
		if !s.OK {
			reasons = append(reasons, s.Name+": "+s.Reason)
		}
	}
	if reasons == nil {
		return nil
	}
	return errors.New(strings.Join(reasons, "; "))
}

func (h *Health) partStates() []State {
	now := time.Now()
	h.mu.Lock()
	defer h.mu.Unlock()
	states := make([]State, 0, len(h.parts))
	for _, p := range h.parts {
		s := State{Name: p.name, OK: p.err == nil, Since: p.since}
		if p.err != nil {
			s.Reason = p.err.Error()
		}
		if silent := now.Sub(p.answer); silent >= patience {
			s.OK, s.Reason = false, fmt.Sprintf("does not answer since %s", silent.Truncate(time.Second))
			if p.err == nil {
				s.Since = p.answer
			}
		}
		states = append(states, s)
	}
	slices.SortFunc(states, func(a, b State) int { return cmp.Compare(a.Name, b.Name) })
	return states
}
