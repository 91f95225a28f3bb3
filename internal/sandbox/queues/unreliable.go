package queues

// What a standard queue may do and seldom does: deliver in another order, deliver a message twice, deliver one again that
// was deleted ("Amazon SQS standard queues": best-effort ordering, at-least-once delivery). Tests have it do so.

import (
	"fmt"
	"math/rand/v2"
)

// unreliable is what a script has a queue do.
type unreliable struct {
	order     *rand.Rand // nil: as sent
	twice     every
	undeleted every
}

// every counts to n, again and again; 0: never.
type every struct{ n, count int }

func (e *every) now() bool {
	if e.n == 0 {
		return false
	}
	e.count++
	return e.count%e.n == 0
}

// Disorder has a standard queue show messages in an order that the seed determines; those that were seen last may come first.
func (s *Service) Disorder(name string, seed uint64) error {
	return s.script(name, func(u *unreliable) { u.order = rand.New(rand.NewPCG(seed, seed)) })
}

// Duplicate has every n-th message that is sent to a standard queue be there twice, with one id: two receivers may have it at
// the same time, and each deletes its own. 0: none.
func (s *Service) Duplicate(name string, n int) error {
	return s.script(name, func(u *unreliable) { u.twice = every{n: n} })
}

// Undelete has every n-th deletion in a standard queue be answered without effect: the message comes again when its
// visibility timeout is over. 0: none.
func (s *Service) Undelete(name string, n int) error {
	return s.script(name, func(u *unreliable) { u.undeleted = every{n: n} })
}

func (s *Service) script(name string, change func(*unreliable)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	q, err := s.find(name)
	if err != nil {
		return err
	}
	if q.fifo != nil {
		return fmt.Errorf("queue %s is a FIFO queue, which delivers in order and once", name)
	}
	change(&q.unreliable)
	return nil
}

// key is what the queue knows a message by: its id, or that of its twin.
func (m *message) key() string {
	if m.twin {
		return m.ID + "-twin"
	}
	return m.ID
}
