package topics

// Publish and PublishBatch. check.go has what SNS refuses.

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"time"

	"inventoryd/internal/sandbox/wire"
)

const (
	maxMessage    = 262_144         // bytes of a message and of a batch in all, unless the topic's MaximumMessageSize says more
	deduplication = 5 * time.Minute // "Message deduplication for FIFO topics"
)

// message is what is published.
type message struct {
	body, subject, structure string
	group, deduplication     string
	attributes               map[string]attribute
}

// attribute is a message attribute; Binary holds its value in base64, as it is delivered.
type attribute struct{ Type, Value string }

// values are what filter policies compare with.
func (a attribute) values() []any {
	switch a.Type {
	case "Number":
		return []any{json.Number(a.Value)}
	case "String.Array":
		var list []any
		d := json.NewDecoder(strings.NewReader(a.Value))
		d.UseNumber()
		_ = d.Decode(&list) // what is no list has no values
		return list
	case "Binary":
		return nil
	}
	return []any{a.Value}
}

// read takes a message from the form; p is "" or the prefix of a batch entry.
func read(f url.Values, p string) (message, error) {
	m := message{
		body: f.Get(p + "Message"), subject: f.Get(p + "Subject"), structure: f.Get(p + "MessageStructure"),
		group: f.Get(p + "MessageGroupId"), deduplication: f.Get(p + "MessageDeduplicationId"), attributes: map[string]attribute{},
	}
	for i := 1; ; i++ {
		e := fmt.Sprintf("%sMessageAttributes.entry.%d.", p, i)
		if !f.Has(e + "Name") {
			break
		}
		a := attribute{f.Get(e + "Value.DataType"), f.Get(e + "Value.StringValue")}
		if strings.HasPrefix(a.Type, "Binary") {
			a.Value = f.Get(e + "Value.BinaryValue")
		}
		m.attributes[f.Get(e+"Name")] = a
	}
	if f.Has(p+"Subject") && !validSubject(m.subject) {
		return m, invalid("Subject")
	}
	return m, nil
}

func (m *message) size() int {
	n := len(m.body)
	for name, a := range m.attributes {
		n += len(name) + len(a.Type) + len(a.Value)
	}
	return n
}

type publishResult struct {
	XMLName        xml.Name `xml:"PublishResult"`
	MessageId      string
	SequenceNumber string `xml:",omitempty"`
}

func (s *Service) publish(f url.Values) (any, error) {
	arn := f.Get("TopicArn")
	if arn == "" {
		arn = f.Get("TargetArn")
	}
	t, err := s.find(arn)
	if err != nil {
		return nil, err
	}
	m, err := read(f, "")
	if err != nil {
		return nil, err
	}
	a, err := s.accept(t, m)
	return publishResult{MessageId: a.id, SequenceNumber: a.sequence}, err
}

// accept takes a message and delivers it, unless a FIFO topic has had it.
func (s *Service) accept(t *topic, m message) (accepted, error) {
	if err := t.check(&m); err != nil {
		return accepted{}, err
	}
	now := s.clock.Now()
	if before, ok := t.repeated(m.deduplication, now); ok {
		return before, nil
	}
	a := accepted{id: s.id(), at: now}
	if t.fifo() {
		a.sequence = fmt.Sprintf("1%019d", s.messages)
		t.recent[m.deduplication] = a
		t.oldest = append(t.oldest, m.deduplication)
	}
	for _, sub := range t.subscriptions {
		if sub.state == confirmed && sub.filter.passes(m, sub.attributes["FilterPolicyScope"]) {
			s.deliver(t, sub, m, a)
		}
	}
	return a, nil
}

// repeated finds the message that a FIFO topic accepted with this deduplication id within the interval.
func (t *topic) repeated(id string, now time.Time) (accepted, bool) {
	for len(t.oldest) > 0 && now.Sub(t.recent[t.oldest[0]].at) >= deduplication {
		delete(t.recent, t.oldest[0])
		t.oldest = t.oldest[1:]
	}
	a, ok := t.recent[id]
	return a, ok
}

type publishBatchResult struct {
	XMLName    xml.Name           `xml:"PublishBatchResult"`
	Successful []publishedEntry   `xml:"Successful>member"`
	Failed     []unpublishedEntry `xml:"Failed>member"`
}

type publishedEntry struct {
	Id, MessageId  string
	SequenceNumber string `xml:",omitempty"`
}

type unpublishedEntry struct {
	Id, Code, Message string
	SenderFault       bool
}

var entryID = regexp.MustCompile(`^[A-Za-z0-9_-]{1,80}$`)

func (s *Service) publishBatch(f url.Values, undone wire.Spread) (any, error) {
	t, err := s.find(f.Get("TopicArn"))
	if err != nil {
		return nil, err
	}
	ids, err := batchIDs(t, f)
	if err != nil {
		return nil, err
	}
	var out publishBatchResult
	for i, id := range ids {
		if undone.Leaves() {
			out.Failed = append(out.Failed, unpublishedEntry{id, "InternalError", "We encountered an internal error. Please try again.", false})
			continue
		}
		m, err := read(f, entryPrefix(i))
		var a accepted
		if err == nil {
			a, err = s.accept(t, m)
		}
		var refused *wire.Error
		switch {
		case errors.As(err, &refused):
			out.Failed = append(out.Failed, unpublishedEntry{id, refused.Code, refused.Message, true})
		case err != nil:
			return nil, err
		default:
			out.Successful = append(out.Successful, publishedEntry{id, a.id, a.sequence})
		}
	}
	return out, nil
}

func entryPrefix(i int) string { return fmt.Sprintf("PublishBatchRequestEntries.member.%d.", i+1) }
