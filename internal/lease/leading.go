package lease

// This file: which parts a member leads, and what it does while it leads them.

import (
	"context"
	"time"
)

// Leads reports whether this member leads a part, and until when that is certain without another look.
func (m *Member) Leads(part string) (until time.Time, leads bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	until, leads, _ = m.leads(part)
	return until, leads
}

// leads is Leads with the mutex held; begins is when it will lead where it only has to wait for its own lease's sake.
func (m *Member) leads(part string) (until time.Time, leads bool, begins time.Time) {
	if m.beat == nil || m.asked.IsZero() || !m.beat.Good() {
		return time.Time{}, false, time.Time{}
	}
	if leader, ok := m.view.Leader(part); !ok || leader.ID != m.beat.ID() {
		return time.Time{}, false, time.Time{}
	}
	until = m.asked.Add(m.of.Duration - Margin(m.of.Duration))
	if deadline := m.beat.Deadline(); deadline.Before(until) {
		until = deadline
	}
	now := time.Now()
	return until, now.Before(until) && !now.Before(m.begins), m.begins
}

// Lead calls f whenever this member leads the part, with a context that ends, with ErrLapsed, when it leads no more. It
// returns when ctx ends (nil) or when f returns before its context has ended: f's error.
func (m *Member) Lead(ctx context.Context, part string, f func(context.Context) error) error {
	for {
		if !m.wait(ctx, part, true) {
			return nil
		}
		inner, cancel := context.WithCancelCause(ctx)
		ended := make(chan struct{})
		go func() { // ends with inner, at the latest when f has returned
			defer close(ended)
			m.wait(inner, part, false)
			cancel(ErrLapsed)
		}()
		err := f(inner)
		over := inner.Err() != nil
		cancel(nil)
		<-ended
		if ctx.Err() != nil {
			return nil
		}
		if !over {
			return err
		}
	}
}

// wait waits until this member leads the part, or does no more; false: ctx has ended.
func (m *Member) wait(ctx context.Context, part string, want bool) bool {
	for {
		m.mu.Lock()
		until, leads, begins := m.leads(part)
		changed := m.changed
		m.mu.Unlock()
		if leads == want {
			return ctx.Err() == nil
		}
		next := until
		if !leads {
			next = begins
		}
		timer := time.NewTimer(time.Hour)
		if left := time.Until(next); left > 0 {
			timer.Reset(left)
		}
		select {
		case <-changed:
		case <-timer.C:
		case <-ctx.Done():
		}
		timer.Stop()
		if ctx.Err() != nil {
			return false
		}
	}
}

// Others is how many other members with the part live, as the last look showed them.
func (m *Member) Others(part string) (n int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.beat == nil {
		return 0
	}
	for _, other := range m.view.Alive() {
		if other.ID != m.beat.ID() && other.Has(part) {
			n++
		}
	}
	return n
}

// Yield takes a new number where other members have the part, so that one of them leads it: for a member that cannot do
// what it leads. It leads until the next look shows it.
func (m *Member) Yield(ctx context.Context, part string) error {
	m.mu.Lock()
	beat := m.beat
	m.mu.Unlock()
	if beat == nil || m.Others(part) == 0 {
		return nil
	}
	return beat.Renumber(ctx)
}
