package queues

// SendMessage and its batch.

import (
	"context"
	"fmt"
	"time"

	"inventoryd/internal/sandbox/wire"
)

type sendEntry struct {
	Id                                     string
	MessageBody                            string
	DelaySeconds                           *int
	MessageAttributes                      map[string]Attribute
	MessageSystemAttributes                map[string]Attribute
	MessageGroupId, MessageDeduplicationId string
}

type sendMessageIn struct {
	QueueUrl string
	sendEntry
}

type sendMessageOut struct {
	Id                     string `json:",omitempty"`
	MessageId              string
	MD5OfMessageBody       string
	MD5OfMessageAttributes string `json:",omitempty"`
	SequenceNumber         string `json:",omitempty"`
}

func (s *Service) sendMessage(_ context.Context, in sendMessageIn) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q, err := s.find(in.QueueUrl)
	if err != nil {
		return nil, err
	}
	return s.sendEntry(q, in.sendEntry)
}

func (s *Service) sendEntry(q *queue, e sendEntry) (out sendMessageOut, err error) {
	m := Message{
		Body: e.MessageBody, Attributes: e.MessageAttributes, Group: e.MessageGroupId, Deduplication: e.MessageDeduplicationId,
		Trace: e.MessageSystemAttributes["AWSTraceHeader"].StringValue,
	}
	if e.DelaySeconds != nil {
		if *e.DelaySeconds < 0 || *e.DelaySeconds > 900 {
			return out, invalid(*e.DelaySeconds, "DelaySeconds", "DelaySeconds must be >= 0 and <= 900.")
		}
		delay := time.Duration(*e.DelaySeconds) * time.Second
		m.Delay = &delay
	}
	if err := m.check(); err != nil {
		return out, err
	}
	if m.size() > q.settings.maxSize {
		return out, wire.Errorf("InvalidParameterValue", "One or more parameters are invalid. Reason: Message must be shorter than %d bytes.", q.settings.maxSize)
	}
	got, err := s.put(q, m)
	if err != nil {
		return out, err
	}
	out = sendMessageOut{MessageId: got.id, MD5OfMessageBody: digest(m.Body), MD5OfMessageAttributes: attributesDigest(m.Attributes)}
	if q.fifo != nil {
		out.SequenceNumber = sequenceNumber(got.sequence)
	}
	return out, nil
}

// put takes a message into a queue, unless a FIFO queue has had it. The caller holds mu.
func (s *Service) put(q *queue, m Message) (sent, error) {
	if err := q.checkFIFO(&m); err != nil {
		return sent{}, err
	}
	now := s.clock.Now()
	if q.fifo != nil {
		if before, ok := q.fifo.repeated(m.Deduplication, now); ok {
			return before, nil
		}
	}
	delay := q.settings.delay
	if m.Delay != nil {
		delay = *m.Delay
	}
	id, sequence := s.nextID()
	m.ID = id
	q.add(&message{Message: m, sequence: sequence, sent: now, visibleAt: now.Add(delay)}, now)
	if q.unreliable.twice.now() {
		q.add(&message{Message: m, sequence: sequence, sent: now, visibleAt: now.Add(delay), twin: true}, now)
	}
	done := sent{id, sequence, now}
	if q.fifo != nil {
		q.fifo.remember(m.Deduplication, done)
	}
	return done, nil
}

func sequenceNumber(n uint64) string { return fmt.Sprintf("188494%014d", n) }

type sendMessageBatchIn struct {
	QueueUrl string
	Entries  []sendEntry
}

func (e sendEntry) id() string { return e.Id }

func (s *Service) sendMessageBatch(body []byte, undone wire.Spread) (any, error) {
	in, err := decode[sendMessageBatchIn](body)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	q, err := s.find(in.QueueUrl)
	if err != nil {
		return nil, err
	}
	size := 0
	for _, e := range in.Entries {
		m := Message{Body: e.MessageBody, Attributes: e.MessageAttributes}
		size += m.size()
	}
	if size > maxMessage {
		return nil, wire.Errorf("BatchRequestTooLong", "Batch requests cannot be longer than %d bytes. You have sent %d bytes.", maxMessage, size)
	}
	return batch("SendMessageBatchRequestEntry", in.Entries, undone, func(e sendEntry) (any, error) {
		out, err := s.sendEntry(q, e)
		out.Id = e.Id
		return out, err
	})
}
