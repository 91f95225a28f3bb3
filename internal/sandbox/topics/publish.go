package topics

// Publish and PublishBatch: what SNS takes, and what it refuses.

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

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

// validSubject: ASCII text that begins with a letter, number or punctuation mark, without line breaks or control
// characters, fewer than 100 characters ("Publish", parameter Subject). SNS also takes letters beyond ASCII today.
func validSubject(s string) bool {
	return s != "" && utf8.RuneCountInString(s) <= 100 && s[0] != ' ' && !strings.ContainsFunc(s, func(r rune) bool { return r < 0x20 || r == 0x7f })
}

func (m *message) size() int {
	n := len(m.body)
	for name, a := range m.attributes {
		n += len(name) + len(a.Type) + len(a.Value)
	}
	return n
}

var attributeName = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,256}$`)

// check holds a message against what the topic takes, and completes its deduplication id.
func (t *topic) check(m *message) error {
	switch {
	case m.body == "":
		return invalid("Empty message")
	case m.size() > t.limit():
		return invalid("Message too long")
	case m.structure == "json" && !hasDefault(m.body):
		return invalid("Message Structure - No default entry in JSON message body")
	case m.structure != "" && m.structure != "json":
		return invalid("MessageStructure")
	}
	for name, a := range m.attributes {
		if err := checkAttribute(name, a); err != nil {
			return err
		}
	}
	return t.checkFIFO(m)
}

// limit is the greatest size of a message in bytes.
func (t *topic) limit() int {
	if n, err := strconv.Atoi(t.attributes["MaximumMessageSize"]); err == nil {
		return n
	}
	return maxMessage
}

func hasDefault(body string) bool {
	var parts map[string]any
	_ = json.Unmarshal([]byte(body), &parts) // what is no JSON has no default
	_, ok := parts["default"].(string)
	return ok
}

func checkAttribute(name string, a attribute) error {
	lower := strings.ToLower(name)
	if !attributeName.MatchString(name) || strings.HasPrefix(name, ".") || strings.HasSuffix(name, ".") || strings.Contains(name, "..") ||
		strings.HasPrefix(lower, "aws.") || strings.HasPrefix(lower, "amazon.") {
		return wire.Errorf("ParameterValueInvalid", "Invalid parameter: The message attribute name '%s' is invalid.", name)
	}
	kind, _, _ := strings.Cut(a.Type, ".")
	switch {
	case kind != "String" && kind != "Number" && kind != "Binary":
		return wire.Errorf("ParameterValueInvalid", "The message attribute '%s' has an invalid message attribute type, the set of supported type prefixes is Binary, Number, and String.", name)
	case a.Value == "":
		return wire.Errorf("ParameterValueInvalid", "The message attribute '%s' must contain non-empty message attribute value for message attribute type '%s'.", name, a.Type)
	case kind == "Number":
		if _, err := strconv.ParseFloat(a.Value, 64); err != nil {
			return wire.Errorf("ParameterValueInvalid", "Could not cast message attribute '%s' value to number.", name)
		}
	case kind == "Binary":
		if _, err := base64.StdEncoding.DecodeString(a.Value); err != nil {
			return wire.Errorf("ParameterValueInvalid", "The message attribute '%s' is not base64.", name)
		}
	}
	return nil
}

func (t *topic) checkFIFO(m *message) error {
	if !t.fifo() {
		if m.deduplication != "" {
			return invalid("MessageDeduplicationId Reason: The request includes MessageDeduplicationId parameter that is not valid for this topic type")
		}
		return nil
	}
	if m.group == "" {
		return invalid("The MessageGroupId parameter is required for FIFO topics")
	}
	if m.deduplication == "" {
		if t.attributes["ContentBasedDeduplication"] != "true" {
			return invalid("The topic should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly")
		}
		sum := sha256.Sum256([]byte(m.body))
		m.deduplication = hex.EncodeToString(sum[:])
	}
	return nil
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
	if before, ok := t.recent[m.deduplication]; ok && t.fifo() && now.Sub(before.at) < deduplication {
		return before, nil
	}
	a := accepted{id: s.id(), at: now}
	if t.fifo() {
		a.sequence = fmt.Sprintf("1%019d", s.messages)
		t.recent[m.deduplication] = a
	}
	for _, sub := range t.subscriptions {
		if sub.filter.passes(m.attributes) {
			s.deliver(t, sub, m, a)
		}
	}
	return a, nil
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

func (s *Service) publishBatch(f url.Values) (any, error) {
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

// batchIDs checks a batch as a whole and returns its entries' ids.
func batchIDs(t *topic, f url.Values) ([]string, error) {
	var ids []string
	seen, size := map[string]bool{}, 0
	for i := 0; f.Has(entryPrefix(i) + "Id"); i++ {
		id := f.Get(entryPrefix(i) + "Id")
		if !entryID.MatchString(id) {
			return nil, wire.Errorf("InvalidBatchEntryId", "The Id of a batch entry in a batch request doesn't abide by the specification.")
		}
		if seen[id] {
			return nil, wire.Errorf("BatchEntryIdsNotDistinct", "Two or more batch entries in the request have the same Id.")
		}
		seen[id] = true
		ids = append(ids, id)
		m, _ := read(f, entryPrefix(i)) // a bad subject fails its entry later
		size += m.size()
	}
	switch {
	case len(ids) == 0:
		return nil, wire.Errorf("EmptyBatchRequest", "The batch request doesn't contain any entries.")
	case len(ids) > 10:
		return nil, wire.Errorf("TooManyEntriesInBatchRequest", "The batch request contains more entries than permissible.")
	case size > t.limit():
		return nil, wire.Errorf("BatchRequestTooLong", "The length of all the batch messages put together is more than the limit.")
	}
	return ids, nil
}
