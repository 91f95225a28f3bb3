package state

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash/fnv"
	"strings"
	"time"
)

// Key is the primary key of a row.
type Key struct{ PK, SK string }

// Key sizes in bytes that DynamoDB takes ("Quotas in Amazon DynamoDB": partition and sort key length).
const (
	maxPK = 2048
	maxSK = 1024
)

// AppKey is the row that says whose table this is.
func AppKey(app string) Key { return Key{app, "-"} }

// LoadKey is the ledger's row of an object. Rows are spread over 16 partitions.
func LoadKey(app, bucket, key string) Key {
	name := bucket + "/" + key
	h := fnv.New32a()
	h.Write([]byte(name))
	return Key{fmt.Sprintf("%s#load#%02d", app, h.Sum32()%16), shorten(name, maxSK, 900)}
}

// MessageKey is the row of an SQS message that failed for good.
func MessageKey(app, id string) Key { return Key{app + "#message#" + id, "-"} }

// AlertKey is the row that holds whether an item is known to be out of stock.
func AlertKey(app, store, item string) Key {
	pk := app + "#alert#" + store
	if len(pk) > maxPK {
		pk = app + "#alert#" + digest(store)
	}
	return Key{pk, item}
}

// AlertHistoryKey is a row of the history of alerts: a partition for each day (UTC).
func AlertHistoryKey(app string, at time.Time, eventID string) Key {
	at = at.UTC()
	return Key{app + "#alerts#" + at.Format(time.DateOnly), at.Format("15:04:05.000") + "#" + eventID}
}

// ResyncLockKey is the lock of the one instance that resyncs.
func ResyncLockKey(app string) Key { return Key{app + "#lock", "resync"} }

// InstanceKey is the heartbeat row of an instance; every instance of the app is in one partition.
func InstanceKey(app, id string) Key { return Key{app + "#instance", id} }

// Position joins a stream's label and a sequence number to a string that compares as both grow: labels are
// instants in ISO 8601, sequence numbers are padded to the 40 digits that DynamoDB's documentation allows.
func Position(label, sequence string) string {
	return label + "#" + strings.Repeat("0", max(0, 40-len(sequence))) + sequence
}

// shorten cuts a name that does not fit limit bytes to its first keep bytes, `#` and its SHA-256.
func shorten(name string, limit, keep int) string {
	if len(name) <= limit {
		return name
	}
	return strings.ToValidUTF8(name[:keep], "") + "#" + digest(name)
}

func digest(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}
