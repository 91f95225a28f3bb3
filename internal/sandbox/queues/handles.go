package queues

// What is done by receipt handle: delete a message, change its visibility.

import (
	"context"
	"encoding/base64"
	"fmt"
	"strings"
	"time"

	"inventoryd/internal/sandbox/wire"
)

// maxVisibility in seconds: 12 hours, from the receive on ("ChangeMessageVisibility").
const maxVisibility = 43_200

// handleOf is the receipt handle of a message's present receive from this queue: another one for each.
func (q *queue) handleOf(m *message) string {
	return base64.StdEncoding.EncodeToString(fmt.Appendf(nil, "%s#%s#%d", q.name, m.key(), m.receives))
}

// byHandle finds the message of a handle: nil where it is gone; latest says that it was not received again since.
func (q *queue) byHandle(handle string) (m *message, latest bool, err error) {
	if handle == "" {
		return nil, false, missing("ReceiptHandle")
	}
	raw, err := base64.StdEncoding.DecodeString(handle)
	parts := strings.Split(string(raw), "#")
	if err != nil || len(parts) != 3 || parts[0] != q.name {
		return nil, false, wire.Errorf("ReceiptHandleIsInvalid", "The input receipt handle %q is not a valid receipt handle.", handle)
	}
	m = q.byID[parts[1]]
	return m, m != nil && m.handle == handle, nil
}

type handleEntry struct {
	Id                string
	ReceiptHandle     string
	VisibilityTimeout *int
}

func (e handleEntry) id() string { return e.Id }

type handleIn struct {
	QueueUrl string
	handleEntry
}

type handleBatchIn struct {
	QueueUrl string
	Entries  []handleEntry
}

func (s *Service) deleteMessage(_ context.Context, in handleIn) (any, error) {
	return s.byHandle(in, (*queue).deleteBy)
}

func (s *Service) deleteMessageBatch(body []byte, undone wire.Spread) (any, error) {
	return s.byHandles("DeleteMessageBatchRequestEntry", body, undone, (*queue).deleteBy)
}

func (s *Service) changeVisibility(_ context.Context, in handleIn) (any, error) {
	return s.byHandle(in, (*queue).changeBy)
}

func (s *Service) changeVisibilityBatch(body []byte, undone wire.Spread) (any, error) {
	return s.byHandles("ChangeMessageVisibilityBatchRequestEntry", body, undone, (*queue).changeBy)
}

// byHandle does something to one message.
func (s *Service) byHandle(in handleIn, do func(*queue, handleEntry, time.Time) error) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q, err := s.find(in.QueueUrl)
	if err != nil {
		return nil, err
	}
	return empty{}, do(q, in.handleEntry, s.clock.Now())
}

// byHandles does something to each message of a batch; kind is the entries' type as an error names it.
func (s *Service) byHandles(kind string, body []byte, undone wire.Spread, do func(*queue, handleEntry, time.Time) error) (any, error) {
	in, err := decode[handleBatchIn](body)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	q, err := s.find(in.QueueUrl)
	if err != nil {
		return nil, err
	}
	return batch(kind, in.Entries, undone, func(e handleEntry) (any, error) {
		return succeeded{e.Id}, do(q, e, s.clock.Now())
	})
}

// deleteBy: in a standard queue an older handle, and one of a message that has gone, succeed without effect; a FIFO
// queue refuses a handle whose visibility is over ("DeleteMessage").
func (q *queue) deleteBy(e handleEntry, _ time.Time) error {
	m, latest, err := q.byHandle(e.ReceiptHandle)
	if err != nil || m == nil {
		return err
	}
	if q.fifo != nil && !(latest && m.flying) {
		return invalid(e.ReceiptHandle, "ReceiptHandle", "The receipt handle has expired.")
	}
	if latest && !q.unreliable.undeleted.now() {
		q.remove(m)
	}
	return nil
}

func (q *queue) changeBy(e handleEntry, now time.Time) error {
	if e.VisibilityTimeout == nil {
		return missing("VisibilityTimeout")
	}
	seconds := *e.VisibilityTimeout
	if seconds < 0 || seconds > maxVisibility {
		return invalid(seconds, "VisibilityTimeout", "Must be between 0 and 43200, if provided.")
	}
	m, latest, err := q.byHandle(e.ReceiptHandle)
	if err != nil {
		return err
	}
	if m == nil || !latest {
		return invalid(e.ReceiptHandle, "ReceiptHandle", "Message does not exist or is not available for visibility timeout change.")
	}
	if !m.flying {
		return wire.Errorf("MessageNotInflight", "The message referred to isn't in flight.")
	}
	until := now.Add(time.Duration(seconds) * time.Second)
	if until.Sub(m.received) > maxVisibility*time.Second {
		return invalid(seconds, "VisibilityTimeout", "Total VisibilityTimeout for the message is beyond the limit [43200 seconds]")
	}
	q.unhide(m)
	if seconds == 0 {
		m.visibleAt = now
		q.show(m)
		return nil
	}
	m.flying, m.visibleAt = true, until
	q.hide(m)
	q.notify() // who waits for it to be seen looks when
	return nil
}
