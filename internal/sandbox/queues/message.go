package queues

// A message, its size, digests and what SQS refuses in one.

import (
	"crypto/md5"
	"encoding/binary"
	"encoding/hex"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"inventoryd/internal/sandbox/wire"
)

// Message is a message as its sender gave it.
type Message struct {
	ID         string // given by the queue that first takes it
	Body       string
	Attributes map[string]Attribute
	// Delay hides the message at first; nil: as the queue's DelaySeconds says.
	Delay *time.Duration
	// Group and Deduplication are a FIFO queue's MessageGroupId and MessageDeduplicationId.
	Group, Deduplication string
	// Trace is the system attribute AWSTraceHeader.
	Trace string
}

// Attribute is a message attribute: a text (types String and Number) or bytes (type Binary), as DataType says.
type Attribute struct {
	DataType    string
	StringValue string `json:",omitempty"`
	BinaryValue []byte `json:",omitempty"`
}

// message is a Message in a queue.
type message struct {
	Message
	sequence  uint64
	sent      time.Time
	first     time.Time // first received
	receives  int
	source    string    // ARN of the queue that gave it up, in a dead-letter queue
	visibleAt time.Time // when it is or was to be seen (again)
	received  time.Time // last; visibility ends 12 hours later
	handle    string    // the last receipt handle
	flying    bool      // received, and its visibility timeout is not over
	twin      bool      // the second of two (Duplicate)
	place     place
}

// size counts as SQS does: body and attributes with their names and types ("Amazon SQS message quotas").
func (m *Message) size() int {
	n := len(m.Body)
	for name, a := range m.Attributes {
		n += len(name) + len(a.DataType) + len(a.StringValue) + len(a.BinaryValue)
	}
	return n
}

func (m *Message) check() error {
	if m.Body == "" {
		return missing("MessageBody")
	}
	if !validText(m.Body) {
		return wire.Errorf("InvalidMessageContents", "Invalid binary character was found in the message body, the set of allowed characters is #x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF")
	}
	if len(m.Attributes) > 10 {
		return wire.Errorf("InvalidParameterValue", "Number of message attributes [%d] exceeds the allowed maximum [10].", len(m.Attributes))
	}
	for name, a := range m.Attributes {
		kind, _, _ := strings.Cut(a.DataType, ".")
		switch {
		case kind != "String" && kind != "Number" && kind != "Binary":
			return wire.Errorf("InvalidParameterValue", "The message attribute '%s' has an invalid message attribute type, the set of supported type prefixes is Binary, Number, and String.", name)
		case kind != "Binary" && a.StringValue == "" || kind == "Binary" && len(a.BinaryValue) == 0:
			return wire.Errorf("InvalidParameterValue", "The message attribute '%s' must contain non-empty message attribute value for message attribute type '%s'.", name, a.DataType)
		}
	}
	return nil
}

// validText: the characters of XML 1.0.
func validText(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool {
		return r < 0x20 && r != '\t' && r != '\n' && r != '\r' || r == 0xFFFE || r == 0xFFFF
	})
}

func digest(s string) string {
	sum := md5.Sum([]byte(s))
	return hex.EncodeToString(sum[:])
}

// attributesDigest is MD5OfMessageAttributes ("Calculating the MD5 message digest for message attributes").
func attributesDigest(attributes map[string]Attribute) string {
	if len(attributes) == 0 {
		return ""
	}
	h := md5.New()
	field := func(b []byte) {
		var n [4]byte
		binary.BigEndian.PutUint32(n[:], uint32(len(b)))
		h.Write(n[:])
		h.Write(b)
	}
	for _, name := range slices.Sorted(maps.Keys(attributes)) {
		a := attributes[name]
		field([]byte(name))
		field([]byte(a.DataType))
		if strings.HasPrefix(a.DataType, "Binary") {
			h.Write([]byte{2})
			field(a.BinaryValue)
		} else {
			h.Write([]byte{1})
			field([]byte(a.StringValue))
		}
	}
	return hex.EncodeToString(h.Sum(nil))
}
