package queues

// The Go API: what other services deliver, and what tests look into.

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
)

// Contents is what a queue holds, each part in the order in which it was sent.
type Contents struct{ Visible, InFlight, Delayed []Message }

// Deliver sends a message to a queue named by ARN, URL or name, as another service does: without its limits on text.
func (s *Service) Deliver(target string, m Message) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	q, err := s.find(target)
	if err != nil {
		return err
	}
	_, err = s.put(q, m)
	return err
}

// Exists says whether an ARN names a queue.
func (s *Service) Exists(arn string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.exists(arn)
}

// IsFIFO says whether an ARN names a FIFO queue.
func IsFIFO(arn string) bool { return strings.HasSuffix(arn, ".fifo") }

// ARN is the ARN of the queue of that name.
func ARN(name string) string { return prefix + name }

// Create makes a queue and returns its URL; an equal one may exist.
func (s *Service) Create(name string, attributes map[string]string) (url string, err error) {
	out, err := s.createQueue(context.Background(), createQueueIn{QueueName: name, Attributes: attributes})
	if err != nil {
		return "", fmt.Errorf("create queue %s: %w", name, err)
	}
	return out.(queueURLOut).QueueUrl, nil
}

// Contents tells what a queue holds now; nothing where there is no such queue.
func (s *Service) Contents(name string) Contents {
	s.mu.Lock()
	defer s.mu.Unlock()
	q, err := s.find(name)
	if err != nil {
		return Contents{}
	}
	var c Contents
	for _, m := range q.sorted() {
		switch {
		case m.flying:
			c.InFlight = append(c.InFlight, m.Message)
		case m.place.hidden >= 0:
			c.Delayed = append(c.Delayed, m.Message)
		default:
			c.Visible = append(c.Visible, m.Message)
		}
	}
	return c
}

// Drain takes all visible messages out of a queue, in the order in which they were sent.
func (s *Service) Drain(name string) []Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	q, err := s.find(name)
	if err != nil {
		return nil
	}
	var drained []Message
	for _, m := range q.sorted() {
		if m.place.hidden < 0 {
			drained = append(drained, m.Message)
			q.remove(m)
		}
	}
	return drained
}

func (q *queue) sorted() []*message {
	all := make([]*message, 0, len(q.byID))
	for _, m := range q.byID {
		all = append(all, m)
	}
	slices.SortFunc(all, func(a, b *message) int { return cmp.Compare(a.sequence, b.sequence) })
	return all
}
