package state

import (
	"crypto/sha256"
	"encoding/hex"
	"time"
)

// Key is the primary key of a row.
type Key struct{ PK, SK string }

// maxPK is the longest partition key in bytes that DynamoDB takes ("Quotas in Amazon DynamoDB").
const maxPK = 2048

// AppKey is the row that says whose table this is.
func AppKey(app string) Key { return Key{app, "-"} }

// InstancesPK is the partition of the daemons that share the table: a row for each, and "-", the counter of those that
// joined.
func InstancesPK(app string) string { return app + "#instance" }

// MessageKey is the row of an SQS message that failed for good.
func MessageKey(app, id string) Key { return Key{app + "#message#" + id, "-"} }

// AlertKey is the row that holds whether an item is known to be out of stock. The name of a store that is too long for
// the key stands there by its SHA-256.
func AlertKey(app, store, item string) Key {
	pk := app + "#alert#" + store
	if len(pk) > maxPK {
		sum := sha256.Sum256([]byte(store))
		pk = app + "#alert#" + hex.EncodeToString(sum[:])
	}
	return Key{pk, item}
}

// AlertHistoryKey is a row of the history of alerts: a partition for each day (UTC) of the changes.
func AlertHistoryKey(app string, at time.Time, eventID string) Key {
	at = at.UTC()
	return Key{app + "#alerts#" + at.Format(time.DateOnly), at.Format("15:04:05.000") + "#" + eventID}
}
