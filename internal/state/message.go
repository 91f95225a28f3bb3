package state

import (
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"inventoryd/internal/attribute"
)

// MessageKept is how long a failed message's row is kept: longer than SQS keeps a message (14 days).
const MessageKept = 15 * 24 * time.Hour

// Message is the row of an SQS message that failed for good, so that its redeliveries on the way to the dead-letter
// queue do not read its objects again. A message that is moved back from that queue has a new id.
type Message struct {
	ID      string
	Objects []string // bucket/key of the objects that it tells of, as far as it was understood
	Reason  string
	Failed  time.Time // by this machine's clock
}

// Attributes is the row as it is put.
func (m Message) Attributes(app string) map[string]types.AttributeValue {
	row := MessageKey(app, m.ID).Attributes()
	row["message_id"] = attribute.S(m.ID)
	if len(m.Objects) > 0 {
		row["objects"] = texts(m.Objects)
	}
	row["reason"] = attribute.S(m.Reason)
	row["failed"] = Instant(m.Failed)
	row[Expires] = attribute.N(m.Failed.Add(MessageKept).Unix())
	return row
}

// MessageOf reads a message's row.
func MessageOf(row map[string]types.AttributeValue) (Message, error) {
	r := reader{row: row}
	m := Message{ID: r.text("message_id"), Objects: textsIn(row["objects"]), Reason: r.text("reason"), Failed: r.instant("failed")}
	if r.err != nil {
		return m, fmt.Errorf("message row %s: %w", m.ID, r.err)
	}
	return m, nil
}
