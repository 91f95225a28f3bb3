package stream

// This file: a gap, that is, changes that nobody will ever read.

import (
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"inventoryd/internal/attribute"
)

// Gap is a loss: changes that DynamoDB dropped before they were read, or never recorded. It stands in the lease table,
// and is pending until Runtime.OnGap has returned nil for it.
type Gap struct {
	Stream  string    `json:"stream"`          // label of the stream
	Shard   string    `json:"shard,omitempty"` // "": the stream was off, for the whole table
	After   string    `json:"after,omitempty"` // sequence number of the last record handled; "": none
	Reason  string    `json:"reason"`          // in words
	Found   time.Time `json:"found"`           // by the service's clock
	Number  int       `json:"number"`          // counts the gaps of one shard, from 1
	Pending bool      `json:"pending"`         // OnGap has not returned nil yet
}

func (g Gap) encode() types.AttributeValue {
	return attribute.M(item{
		"stream": attribute.S(g.Stream), "shard": attribute.S(g.Shard), "after": attribute.S(g.After), "reason": attribute.S(g.Reason),
		"found": instant(g.Found), "pending": attribute.Bool(g.Pending),
	})
}

func decodeGap(n int, i item) Gap {
	return Gap{
		Stream: attribute.String(i["stream"]), Shard: attribute.String(i["shard"]), After: attribute.String(i["after"]), Reason: attribute.String(i["reason"]),
		Found: timeOf(i["found"]), Number: n, Pending: attribute.True(i["pending"]),
	}
}
