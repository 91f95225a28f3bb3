package loader

// Slots: how many objects are read and written at once. Messages that wait hold none, up to a number and a size; beyond it
// the one that has waited longest goes.

import (
	"context"
	"slices"
	"sync"

	"inventoryd/loader/lanes"
)

const (
	mostWaiting      = 1000    // messages that wait in hand
	mostWaitingBytes = 8 << 20 // of their bodies
)

// slots are all of them. It is safe for concurrent use.
type slots struct {
	changed chan struct{} // of capacity 1: told when one is free

	mu      sync.Mutex // guards what follows, and the slots' own fields
	free    int
	queue   []*slot // who wants one, in their order; empty while one is free
	waiting []*slot // who waits without one, the longest first
	bytes   int     // of those who wait
}

// slot is one message's claim to a slot: it has one, wants one, or waits without. Its methods do nothing for nil, which is
// who needs none.
type slot struct {
	of    *slots
	pulse lanes.Pulse // ticks while the slot is held
	size  int         // bytes of the message
	drop  func()      // told when it has waited longest of too many
	state slotState
	given chan struct{} // closed when it is given one; a new channel for each time it wants one
}

type slotState int

const (
	slotless slotState = iota
	slotWanted
	slotHeld
	slotWaits
)

func newSlots(n int) *slots { return &slots{free: n, changed: make(chan struct{}, 1)} }

// open is how many slots nobody has or wants.
func (s *slots) open() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.free
}

// idle is how many messages wait without a slot.
func (s *slots) idle() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.waiting)
}

// want makes the claim of a message of so many bytes, which wants a slot from now on.
func (s *slots) want(size int, pulse lanes.Pulse) *slot {
	one := &slot{of: s, pulse: pulse, size: size, drop: func() {}}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.enqueue(one)
	return one
}

// enqueue and what follows is called with s.mu held.
func (s *slots) enqueue(one *slot) {
	one.state, one.given = slotWanted, make(chan struct{})
	s.queue = append(s.queue, one)
	s.serve()
}

// serve gives free slots to those who want one, and tells of those that are left.
func (s *slots) serve() {
	for s.free > 0 && len(s.queue) > 0 {
		one := s.queue[0]
		s.queue = slices.Delete(s.queue, 0, 1)
		s.free--
		one.state = slotHeld
		close(one.given)
	}
	if s.free > 0 {
		select {
		case s.changed <- struct{}{}:
		default:
		}
	}
}

// leave takes a claim back, whatever its state.
func (s *slots) leave(one *slot) {
	is := func(other *slot) bool { return other == one }
	switch one.state {
	case slotHeld:
		s.free++
	case slotWanted:
		s.queue = slices.DeleteFunc(s.queue, is)
	case slotWaits:
		s.waiting = slices.DeleteFunc(s.waiting, is)
		s.bytes -= one.size
	}
	one.state = slotless
	s.serve()
}

// onDrop says whom to tell when the message has waited longest of too many.
func (s *slot) onDrop(drop func()) {
	s.of.mu.Lock()
	defer s.of.mu.Unlock()
	s.drop = drop
}

// take waits until the slot is held. Its error is the cause of the end of ctx.
func (s *slot) take(ctx context.Context) error {
	if s == nil {
		return context.Cause(ctx)
	}
	s.of.mu.Lock()
	if s.state == slotWaits {
		s.of.leave(s)
	}
	if s.state == slotless {
		s.of.enqueue(s)
	}
	given := s.given
	s.of.mu.Unlock()
	select {
	case <-given:
		s.pulse.Tick()
		return context.Cause(ctx)
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// yield lets the slot go, since the message is about to wait for something.
func (s *slot) yield() {
	if s == nil {
		return
	}
	s.pulse.Rest()
	s.of.mu.Lock()
	var dropped []func()
	if s.state != slotWaits {
		s.of.leave(s)
		s.state = slotWaits
		s.of.waiting = append(s.of.waiting, s)
		s.of.bytes += s.size
	}
	for len(s.of.waiting) > mostWaiting || s.of.bytes > mostWaitingBytes {
		dropped = append(dropped, s.of.waiting[0].drop)
		s.of.leave(s.of.waiting[0])
	}
	s.of.mu.Unlock()
	for _, drop := range dropped {
		drop()
	}
}

// end gives the slot back for good.
func (s *slot) end() {
	if s == nil {
		return
	}
	s.pulse.Done()
	s.of.mu.Lock()
	defer s.of.mu.Unlock()
	s.of.leave(s)
}

// life is the pulse of who holds it.
func (s *slot) life() lanes.Pulse {
	if s == nil {
		return lanes.Pulse{}
	}
	return s.pulse
}
