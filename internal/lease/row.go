package lease

// This file: the row of an instance and its columns.

import (
	"crypto/rand"
	"encoding/hex"
	"os"
	"slices"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// Instance is one row: an instance of the program, alive or not.
type Instance struct {
	ID       string
	Host     string
	Joined   int64         // its number J: who has the lowest leads
	Duration time.Duration // of its lease, by which it is judged
	Parts    []string      // what it does in the group
	Counter  int64         // grows with each renewal
	Look     int64         // others raise it: something that concerns this instance has changed
	ReadAt   time.Time     // when its reads last worked, by the service's clock; zero: not yet
	Leaving  bool          // it gives away what it holds and leads no more
	Dead     bool          // it left, or an observer called it dead; it never comes back under this id
	Missing  bool          // it was seen before and has no row any more; never set in a row
}

// Has reports whether the instance has a part; every instance has the part "".
func (i Instance) Has(part string) bool { return part == "" || slices.Contains(i.Parts, part) }

// Columns of an instance's row. Expires is the table's time to live, in epoch seconds.
const (
	colPK       = "pk"
	colSK       = "sk"
	colHost     = "host"
	colJoined   = "joined"
	colDuration = "duration_ms"
	colParts    = "parts"
	colCounter  = "counter"
	colLook     = "look"
	colReadAt   = "read_at"
	colLeaving  = "leaving"
	colDead     = "dead"
	colExpires  = "expires"
)

// keep is how long a row outlives its last renewal before DynamoDB deletes it.
const keep = 24 * time.Hour

// NewID makes the id of a new instance: the host's name and a random part, so that no start ever repeats one.
func NewID() string {
	var b [6]byte
	rand.Read(b[:]) // never fails
	return hostname() + "-" + hex.EncodeToString(b[:])
}

func hostname() string {
	host, err := os.Hostname()
	if err != nil {
		return "unknown"
	}
	return host
}

func decode(item map[string]types.AttributeValue) Instance {
	i := Instance{
		ID: text(item[colSK]), Host: text(item[colHost]),
		Joined: integer(item[colJoined]), Counter: integer(item[colCounter]), Look: integer(item[colLook]),
		Duration: time.Duration(integer(item[colDuration])) * time.Millisecond,
		Leaving:  truth(item[colLeaving]), Dead: truth(item[colDead]),
	}
	if parts, ok := item[colParts].(*types.AttributeValueMemberSS); ok {
		i.Parts = parts.Value
	}
	if at, err := time.Parse(time.RFC3339, text(item[colReadAt])); err == nil {
		i.ReadAt = at
	}
	return i
}

func text(v types.AttributeValue) string {
	if s, ok := v.(*types.AttributeValueMemberS); ok {
		return s.Value
	}
	return ""
}

func integer(v types.AttributeValue) int64 {
	if n, ok := v.(*types.AttributeValueMemberN); ok {
		i, _ := strconv.ParseInt(n.Value, 10, 64) // only we write it; a counter of anything else stands still like a dead one
		return i
	}
	return 0
}

func truth(v types.AttributeValue) bool {
	b, ok := v.(*types.AttributeValueMemberBOOL)
	return ok && b.Value
}

func str(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }

func number(n int64) types.AttributeValue {
	return &types.AttributeValueMemberN{Value: strconv.FormatInt(n, 10)}
}

var yes types.AttributeValue = &types.AttributeValueMemberBOOL{Value: true}
