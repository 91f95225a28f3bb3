package stream

// This file: what a shard's goroutine does when a read fails; decide.go has the decision.

import (
	"context"
	"fmt"
	"time"
)

// remedy does what an error of the stream demands. A nil error means: read again.
func (s *shard) remedy(op operation, err error) error {
	kind := classify(err)
	s.pulse.failures++
	switch {
	case kind != limited:
		s.pulse.limited = time.Time{}
	case s.pulse.limited.IsZero():
		s.pulse.limited = time.Now()
	}
	switch decide(op, s.position(), kind) {
	case fallBack:
		s.at.horizon = true
		return nil
	case skipGap:
		return s.trimmed(op, err)
	case verify:
		return s.verify(err)
	case giveUp:
		return s.halt(fmt.Errorf("the checkpoint is refused, and nothing is skipped on a guess (Reset forgets it): %w", err))
	case reopen:
		s.at.iterator = ""
		return s.pause(err)
	}
	if kind == limited && time.Since(s.pulse.limited) >= tooManyAfter {
		s.t.troubles.report(s.place(), fmt.Errorf("too many readers on this shard: %w", err), true)
	} else {
		s.t.caller.complain(s.place(), err)
	}
	if err := s.failing(); err != nil {
		return err
	}
	delay, repeats := kind.delay(s.pulse.failures-1, s.draw("read", s.pulse.failures))
	if !repeats { // what nobody foresaw is not tried in a hurry
		delay = deniedPause
	}
	return s.rest(delay)
}

// trimmed goes on at the trim horizon. That is a gap unless nothing unread can be as old as what is deleted: the shard is
// young and nothing of it was handled (some stand-ins answer so), or its tip was seen within a day, and only the record at
// the checkpoint itself is deleted.
func (s *shard) trimmed(op operation, err error) error {
	lost := s.unreadFor() > retention
	if s.at.last != "" {
		lost = op == getRecords || s.t.clock.now().Sub(s.at.tip) > retention
	}
	if lost {
		if err := s.skip(errTrimmed); err != nil {
			return err
		}
	}
	s.at.iterator, s.at.horizon = "", true
	return s.pause(err)
}

// tooManyAfter is for how long LimitExceeded must last to mean that others read the shard too.
const tooManyAfter = time.Minute

// pause waits before a new iterator is tried: not at the first failure, ever longer if they go on.
func (s *shard) pause(err error) error {
	if s.pulse.failures <= 1 {
		return nil
	}
	s.t.caller.complain(s.place(), err)
	delay, _ := broken.delay(s.pulse.failures-1, s.draw("open", s.pulse.failures))
	return s.rest(delay)
}

// verify asks a complete listing whether the shard still exists.
func (s *shard) verify(cause error) error {
	answer := make(chan bool, 1)
	s.t.asked.put(question{key: s.row.key(), answer: answer})
	s.t.caller.complain(s.place(), cause)
	var exists bool
	select {
	case exists = <-answer:
	case <-s.stop.Done():
		return context.Cause(s.stop)
	}
	if !exists {
		return s.vanish("the shard was deleted before it was read to its end")
	}
	s.at.iterator = ""
	return s.rest(listSoon)
}

// halt keeps the shard without reading it until the instance stops, and says why.
func (s *shard) halt(why error) error {
	for {
		if err := s.hold(why); err != nil {
			return err
		}
	}
}

// hold does so for a while.
func (s *shard) hold(why error) error {
	s.view.block(why)
	s.t.troubles.report(s.place(), fmt.Errorf("blocked: %w", why), true)
	return s.rest(logEvery)
}
