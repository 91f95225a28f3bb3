package stream

import "sync"

// mailbox hands messages to the one goroutine that reads them; putting never blocks, so that two goroutines can
// write to each other.
type mailbox[T any] struct {
	mu    sync.Mutex // guards mail
	mail  []T
	ready chan struct{} // holds a token while there may be mail
}

func newMailbox[T any]() *mailbox[T] { return &mailbox[T]{ready: make(chan struct{}, 1)} }

func (m *mailbox[T]) put(message T) {
	m.mu.Lock()
	m.mail = append(m.mail, message)
	m.mu.Unlock()
	select {
	case m.ready <- struct{}{}:
	default:
	}
}

// take returns all mail, after a token was read from ready.
func (m *mailbox[T]) take() []T {
	m.mu.Lock()
	defer m.mu.Unlock()
	mail := m.mail
	m.mail = nil
	return mail
}

// bell wakes one goroutine, once however often it is rung meanwhile. It has room for one.
type bell chan struct{}

func (b bell) wake() {
	select {
	case b <- struct{}{}:
	default:
	}
}
