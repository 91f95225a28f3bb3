package stream

// This file: a gap, that is, changes that nobody will ever read.

import (
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
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
	return &types.AttributeValueMemberM{Value: item{
		"stream": str(g.Stream), "shard": str(g.Shard), "after": str(g.After), "reason": str(g.Reason),
		"found": instant(g.Found), "pending": boolean(g.Pending),
	}}
}

func decodeGap(n int, i item) Gap {
	g := Gap{
		Stream: strOf(i["stream"]), Shard: strOf(i["shard"]), After: strOf(i["after"]), Reason: strOf(i["reason"]),
		Found: timeOf(i["found"]), Number: n,
	}
	if pending, ok := i["pending"].(*types.AttributeValueMemberBOOL); ok {
		g.Pending = pending.Value
	}
	return g
}
