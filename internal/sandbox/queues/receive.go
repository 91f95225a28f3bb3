package queues

// ReceiveMessage: long polling, visibility, redrive.

import (
	"context"
	"strconv"
	"strings"
	"time"

	"inventoryd/internal/sandbox/wire"
)

type receiveMessageIn struct {
	QueueUrl                    string
	MaxNumberOfMessages         *int
	VisibilityTimeout           *int
	WaitTimeSeconds             *int
	AttributeNames              []string
	MessageSystemAttributeNames []string
	MessageAttributeNames       []string
}

type receiveMessageOut struct {
	Messages []messageOut `json:",omitempty"`
}

type messageOut struct {
	MessageId              string
	ReceiptHandle          string
	Body                   string
	MD5OfBody              string
	MD5OfMessageAttributes string               `json:",omitempty"`
	Attributes             map[string]string    `json:",omitempty"`
	MessageAttributes      map[string]Attribute `json:",omitempty"`
}

// receipt is what a receive asks of the queue.
type receipt struct {
	max        int
	visibility *time.Duration // nil: the queue's
}

func (s *Service) receiveMessage(ctx context.Context, in receiveMessageIn) (any, error) {
	r, wait, err := in.check()
	if err != nil {
		return nil, err
	}
	var deadline time.Time
	for {
		got, again, err := s.take(in, r)
		if err != nil {
			return nil, err
		}
		if deadline.IsZero() {
			if wait == nil {
				wait = &again.wait
			}
			deadline = s.clock.Now().Add(*wait)
		}
		if len(got) > 0 || !s.clock.Now().Before(deadline) {
			return receiveMessageOut{got}, nil
		}
		until := deadline
		if !again.next.IsZero() && again.next.Before(until) {
			until = again.next
		}
		if err := s.clock.Wait(ctx, until, again.wake); err != nil {
			return nil, err
		}
	}
}

func (in receiveMessageIn) check() (r receipt, wait *time.Duration, err error) {
	r.max = 1
	if n := in.MaxNumberOfMessages; n != nil {
		if *n < 1 || *n > 10 {
			return r, nil, invalid(*n, "MaxNumberOfMessages", "Must be between 1 and 10, if provided.")
		}
		r.max = *n
	}
	if n := in.VisibilityTimeout; n != nil {
		if *n < 0 || *n > maxVisibility {
			return r, nil, invalid(*n, "VisibilityTimeout", "Must be between 0 and 43200, if provided.")
		}
		d := time.Duration(*n) * time.Second
		r.visibility = &d
	}
	if n := in.WaitTimeSeconds; n != nil {
		if *n < 0 || *n > 20 {
			return r, nil, invalid(*n, "WaitTimeSeconds", "Must be >= 0 and <= 20, if provided.")
		}
		d := time.Duration(*n) * time.Second
		wait = &d
	}
	return r, wait, nil
}

// again is how a receive that found nothing goes on.
type again struct {
	wait time.Duration // the queue's ReceiveMessageWaitTimeSeconds
	next time.Time     // when a hidden message is to be seen
	wake <-chan struct{}
}

// take receives what there is, without waiting.
func (s *Service) take(in receiveMessageIn, r receipt) ([]messageOut, again, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q, err := s.find(in.QueueUrl)
	if err != nil {
		return nil, again{}, err
	}
	if q.flying >= s.inFlight && q.fifo == nil && (in.WaitTimeSeconds == nil && q.settings.wait == 0 || in.WaitTimeSeconds != nil && *in.WaitTimeSeconds == 0) {
		// By long polling the queue only looks empty ("Amazon SQS queue quotas").
		return nil, again{}, wire.Errorf("OverLimit", "The maximum number of in flight messages is reached.")
	}
	visibility := q.settings.visibility
	if r.visibility != nil {
		visibility = *r.visibility
	}
	var got []messageOut
	now := s.clock.Now()
	for m := range q.candidates(now) {
		if len(got) == r.max || q.flying >= s.inFlight {
			break
		}
		if s.redrive(q, m, now) {
			continue
		}
		q.receive(m, now, visibility)
		got = append(got, m.answer(q, in))
	}
	return got, again{q.settings.wait, q.next(), q.wake}, nil
}

// receive hides a message and gives it a new receipt handle.
func (q *queue) receive(m *message, now time.Time, visibility time.Duration) {
	m.receives++
	m.received = now
	if m.first.IsZero() {
		m.first = now
	}
	m.handle = q.handleOf(m)
	if visibility > 0 {
		m.flying = true
		m.visibleAt = now.Add(visibility)
		q.hide(m)
	}
}

// redrive moves a message that was received often enough to the dead-letter queue: with its id, and, in a standard
// queue, the time when it was sent ("Using dead-letter queues in Amazon SQS").
func (s *Service) redrive(q *queue, m *message, now time.Time) bool {
	r := q.settings.redrive
	if r == nil || m.receives < r.max {
		return false
	}
	target, ok := s.queues[strings.TrimPrefix(r.Target, prefix)]
	if !ok || (target.fifo == nil) != (q.fifo == nil) {
		return false
	}
	q.remove(m)
	moved := &message{Message: m.Message, sequence: m.sequence, sent: m.sent, first: m.first, receives: m.receives, source: q.arn(), visibleAt: now}
	if target.fifo != nil {
		moved.sent = now
	}
	target.add(moved, now)
	return true
}

func (m *message) answer(q *queue, in receiveMessageIn) messageOut {
	attributes := chosen(m.Attributes, in.MessageAttributeNames)
	return messageOut{
		MessageId: m.ID, ReceiptHandle: m.handle, Body: m.Body, MD5OfBody: digest(m.Body),
		MD5OfMessageAttributes: attributesDigest(attributes), MessageAttributes: attributes,
		Attributes: m.system(q, append(in.AttributeNames, in.MessageSystemAttributeNames...)),
	}
}

// chosen are the attributes that match a name, a prefix with ".*", or All.
func chosen(attributes map[string]Attribute, names []string) map[string]Attribute {
	some := map[string]Attribute{}
	for _, name := range names {
		stem, prefixed := strings.CutSuffix(name, ".*")
		for k, v := range attributes {
			if name == "All" || k == name || prefixed && strings.HasPrefix(k, stem) {
				some[k] = v
			}
		}
	}
	return some
}

// system are the system attributes asked for.
func (m *message) system(q *queue, names []string) map[string]string {
	all := map[string]string{
		"SenderId":                         account,
		"SentTimestamp":                    strconv.FormatInt(m.sent.UnixMilli(), 10),
		"ApproximateReceiveCount":          strconv.Itoa(m.receives),
		"ApproximateFirstReceiveTimestamp": strconv.FormatInt(m.first.UnixMilli(), 10),
	}
	for name, value := range map[string]string{"MessageGroupId": m.Group, "MessageDeduplicationId": m.Deduplication, "AWSTraceHeader": m.Trace, "DeadLetterQueueSourceArn": m.source} {
		if value != "" {
			all[name] = value
		}
	}
	if q.fifo != nil {
		all["SequenceNumber"] = sequenceNumber(m.sequence)
	}
	some := map[string]string{}
	for _, name := range names {
		if name == "All" {
			return all
		}
		if value, ok := all[name]; ok {
			some[name] = value
		}
	}
	return some
}
