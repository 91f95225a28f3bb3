package notifier

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns/types"

	"inventoryd/internal/inventory"
)

// Limits of PublishBatch (SNS API reference): entries, and bytes of all messages together.
const (
	maxEntries = 10
	maxBytes   = 262144
)

// unit is what is done together: the messages of one PublishBatch and the marks of their items, or ten marks that
// need no message. No item is in a unit twice.
type unit struct {
	steps []*step
	size  int           // bytes of its messages
	after []*unit       // units before it that concern the same item, or on a FIFO topic the same group
	ended chan struct{} // closed when it has been tried or skipped
}

// cut packs steps into units, in their order. fifo says that messages of a store must arrive in order, not only those
// of an item.
func cut(steps []*step, fifo bool) []*unit {
	var units []*unit
	var mailing, marking *unit // those that still take steps
	last := map[inventory.Key]*unit{}
	for _, s := range steps {
		if s.done {
			continue
		}
		open := &marking
		if s.alert != nil {
			open = &mailing
		}
		if *open == nil || (*open).full(s) {
			*open = &unit{ended: make(chan struct{})}
			units = append(units, *open)
		}
		u := *open
		u.steps, u.size = append(u.steps, s), u.size+s.message.size
		if s.alert == nil {
			continue // the only step of its item
		}
		order := s.key
		if fifo {
			order.Item = ""
		}
		if before := last[order]; before != nil && before != u {
			u.follow(before)
		}
		last[order] = u
	}
	return units
}

func (u *unit) full(s *step) bool {
	if len(u.steps) == maxEntries || u.size+s.message.size > maxBytes {
		return true
	}
	for _, other := range u.steps {
		if other.key == s.key {
			return true
		}
	}
	return false
}

func (u *unit) follow(before *unit) {
	for _, known := range u.after {
		if known == before {
			return
		}
	}
	u.after = append(u.after, before)
}

// message is an alert as SNS takes it, and the bytes that it counts for.
type message struct {
	entry types.PublishBatchRequestEntry
	size  int
}

// newMessage fills an entry. FIFO topics get the store as group, in which order is kept, and the change's event id as
// deduplication id.
func newMessage(a *Alert, subject, body string, fifo bool) message {
	m := message{entry: types.PublishBatchRequestEntry{Message: &body, MessageAttributes: attributes(a)}}
	m.size = len(subject) + len(body)
	for name, value := range m.entry.MessageAttributes {
		m.size += len(name) + len(*value.DataType) + len(*value.StringValue)
	}
	if subject != "" {
		m.entry.Subject = &subject
	}
	if fifo {
		m.entry.MessageGroupId = aws.String(fifoID(a.Store))
		m.entry.MessageDeduplicationId = aws.String(fifoID(a.id))
	}
	return m
}

// fifoID is s where it can be a group or deduplication id (SNS API reference, Publish: at most 128 letters, digits and
// punctuation of ASCII), else its SHA-256.
func fifoID(s string) string {
	odd := strings.IndexFunc(s, func(r rune) bool { return r <= ' ' || r > '~' }) >= 0
	if s != "" && len(s) <= 128 && !odd {
		return s
	}
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}

// entryID names an entry within its call.
func entryID(i int) *string { return aws.String(strconv.Itoa(i)) }
