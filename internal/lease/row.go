package lease

// This file: the row of an instance and its columns.

import (
	"crypto/rand"
	"encoding/hex"
	"os"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"inventoryd/internal/attribute"
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

// decode reads a row that only we write. A counter that is no number stands still, like a dead one's.
func decode(item map[string]types.AttributeValue) Instance {
	i := Instance{
		ID: attribute.String(item[colSK]), Host: attribute.String(item[colHost]),
		Joined: attribute.Int(item[colJoined]), Counter: attribute.Int(item[colCounter]), Look: attribute.Int(item[colLook]),
		Duration: time.Duration(attribute.Int(item[colDuration])) * time.Millisecond,
		Leaving:  attribute.True(item[colLeaving]), Dead: attribute.True(item[colDead]),
		Parts: attribute.Strings(item[colParts]),
	}
	if at, err := time.Parse(time.RFC3339, attribute.String(item[colReadAt])); err == nil {
		i.ReadAt = at
	}
	return i
}

var yes = attribute.Bool(true)
