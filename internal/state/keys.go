package state

import (
	"crypto/sha256"
	"encoding/hex"
	"hash/fnv"
	"strconv"
	"strings"
	"time"
)

// Key is the primary key of a row.
type Key struct{ PK, SK string }

// AppKey is the row that says whose table this is.
func AppKey(app string) Key { return Key{app, "-"} }

// InstancesPK is the partition of the daemons that share the table: a row for each, and "-", the counter of those that
// joined.
func InstancesPK(app string) string { return app + "#instance" }

// MessageKey is the row of an SQS message that failed for good.
func MessageKey(app, id string) Key { return Key{app + "#message#" + id, "-"} }

// ItemKey is the row that holds what is known and told of an item. The items of a store are spread over some
// partitions; the name of a store that is too long for the key stands there by its SHA-256.
func ItemKey(app, store, item string) Key {
	if len(store) > maxStore {
		store = digest(store)
	}
	return Key{app + "#item#" + store + "#" + bucket(item), item}
}

// maxStore is the longest name of a store that stands in a key: the app's name and what else there is fit beside it.
const maxStore = 1970

// Buckets is how many partitions each of some kinds of rows is spread over: one partition takes 1,000 write units a
// second ("Quotas in Amazon DynamoDB").
const Buckets = 4

// bucket is the partition, of Buckets, where something of this name is.
func bucket(name string) string { return strconv.Itoa(spread(name, Buckets)) }

// spread is one of n partitions, by a name.
func spread(name string, n uint32) int {
	h := fnv.New32a()
	h.Write([]byte(name)) // never fails
	return int(h.Sum32() % n)
}

// digest stands for a name that is too long for a key.
func digest(name string) string {
	sum := sha256.Sum256([]byte(name))
	return hex.EncodeToString(sum[:])
}

// TellKey is the row of what is to be told of a feed.
func TellKey(app, kind, feed string) Key { return Key{app + tellInfix + kind, feed} }

const tellInfix = "#tell#"

// KindOfTell is the kind of a key that TellKey made, and false for every other.
func (k Key) KindOfTell(app string) (kind string, ok bool) {
	return strings.CutPrefix(k.PK, app+tellInfix)
}

// StoreOfItem is the store in a key that ItemKey made, which may be a hash, and false for every other key.
func (k Key) StoreOfItem(app string) (store string, ok bool) {
	rest, ok := strings.CutPrefix(k.PK, app+"#item#")
	end := strings.LastIndexByte(rest, '#')
	if !ok || end < 0 {
		return "", false
	}
	return rest[:end], true
}

// BucketNames are the partitions of what is spread over Buckets.
func BucketNames() []string {
	names := make([]string, Buckets)
	for i := range names {
		names[i] = strconv.Itoa(i)
	}
	return names
}

// OutgoingKey is the row of a message that is being published.
func OutgoingKey(app, id string) Key { return Key{app + "#outgoing", id} }

// TellerKey is the row that names who tells. It lies with the outgoing messages and sorts before them.
func TellerKey(app string) Key { return OutgoingKey(app, "-") }

// HistoryKey is the row of a message that was told: partitions for each day (UTC).
func HistoryKey(app string, at time.Time, id string) Key {
	return Key{HistoryPK(app, at, bucket(id)), at.UTC().Format("15:04:05.000") + "#" + id}
}

// HistoryPK is one of the partitions, "0" to "3", of a day of the history.
func HistoryPK(app string, day time.Time, bucket string) string {
	return app + "#alerts#" + day.UTC().Format(time.DateOnly) + "#" + bucket
}

// ResyncKey is the row of the requests to compare the table with the rows of the items.
func ResyncKey(app string) Key { return Key{app + "#resync", "-"} }

// LookPK is the partition of the index where the row with this key is.
func (k Key) LookPK(app string) string { return LookPK(app, bucket(k.SK)) }

// LookPK is one of the partitions, "0" to "3", of the index.
func LookPK(app, bucket string) string { return app + "#look#" + bucket }
