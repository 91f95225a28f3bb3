package loader

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	"inventoryd/loader/lanes"
)

func TestWhoWaitsHoldsNoSlot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSlots(1)
		first, second := s.want(1, lanes.Pulse{}), s.want(1, lanes.Pulse{})
		if err := first.take(t.Context()); err != nil || s.open() != 0 {
			t.Fatalf("%v, %d open", err, s.open())
		}
		taken := make(chan error, 1)
		go func() { taken <- second.take(t.Context()) }()
		synctest.Wait()
		select {
		case <-taken:
			t.Fatal("two have the one slot")
		default:
		}
		first.yield()
		if err := <-taken; err != nil || s.idle() != 1 {
			t.Errorf("%v, %d wait", err, s.idle())
		}
		go func() { taken <- first.take(t.Context()) }()
		synctest.Wait()
		second.end()
		if err := <-taken; err != nil || s.open() != 0 || s.idle() != 0 {
			t.Errorf("%v, %d open, %d wait", err, s.open(), s.idle())
		}
		first.end()
		first.end()
		if s.open() != 1 {
			t.Errorf("%d open", s.open())
		}
	})
}

func TestWhoGivesUpWantingASlotLeavesIt(t *testing.T) {
	s := newSlots(1)
	first, second := s.want(1, lanes.Pulse{}), s.want(1, lanes.Pulse{})
	why := errors.New("stop")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(why)
	if err := second.take(ctx); !errors.Is(err, why) {
		t.Errorf("%v", err)
	}
	second.end()
	first.end()
	if s.open() != 1 || len(s.queue) != 0 {
		t.Errorf("%d open, %d want one", s.open(), len(s.queue))
	}
}

// TestTheLongestWaitingGoesWhenTooManyWait is bounded by number and by bytes.
func TestTheLongestWaitingGoesWhenTooManyWait(t *testing.T) {
	for size, most := range map[int]int{1: mostWaiting, 256 << 10: mostWaitingBytes / (256 << 10)} {
		s := newSlots(1)
		var gone []int
		for n := range most + 3 {
			one := s.want(size, lanes.Pulse{})
			one.onDrop(func() { gone = append(gone, n) })
			one.yield()
			one.yield() // twice is once
		}
		if len(gone) != 3 || gone[0] != 0 || gone[2] != 2 || s.idle() != most {
			t.Errorf("of %d bytes: %v went, %d wait", size, gone, s.idle())
		}
	}
}
