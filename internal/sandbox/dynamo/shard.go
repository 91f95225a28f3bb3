package dynamo

// A shard: a range of partition keys' hashes and the records of writes to them, until it is closed.

import (
	"slices"
	"time"

	"inventoryd/internal/sandbox/dynamo/attr"
)

// Times of a stream ("Change data capture for DynamoDB Streams", "GetShardIterator").
const (
	retention    = 24 * time.Hour
	iteratorLife = 15 * time.Minute
)

// entry is a stored stream record.
type entry struct {
	sequence string
	created  int64 // Unix nanoseconds
	old, new attr.Document
	size     int32
	expired  bool // by time to live
}

// hashes is an inclusive range of hashes.
type hashes struct{ low, high uint64 }

func (h hashes) halves() (hashes, hashes) {
	middle := h.low + (h.high-h.low)/2
	return hashes{h.low, middle}, hashes{middle + 1, h.high}
}

// shard is guarded by its stream's mutex.
type shard struct {
	id, parent string
	hashes     hashes
	start, end string // sequence numbers; end is empty while the shard is open
	opened     time.Time
	closed     time.Time // zero while open
	listed     time.Time // when listings begin to show it

	calls, bytes bucket // of GetRecords, where it is limited

	log   log
	state shardState
}

type shardState uint8

const (
	shardOpen      shardState = iota
	shardAnnounced            // listed before its parent is closed; takes no records yet
	shardClosed
	shardGone // listed although its records are gone
)

// log is a shard's records; those before the horizon are trimmed.
type log struct {
	entries []entry
	trimmed int    // how many were
	last    string // the sequence number of the last of them
}

// end is the position behind the last record. Positions count a shard's records from its beginning.
func (l *log) end() int { return l.trimmed + len(l.entries) }

// trim drops the records created before the horizon.
func (l *log) trim(horizon time.Time) {
	limit := horizon.UnixNano()
	n := 0
	for n < len(l.entries) && l.entries[n].created < limit {
		n++
	}
	if n == 0 {
		return
	}
	l.trimmed += n
	l.last = l.entries[n-1].sequence
	l.entries = l.entries[n:] // readers may still hold the old slice: never cleared
}

// after is the position of the first record whose sequence number is greater than s, or also equal to it.
func (l *log) after(s string, orEqual bool) int {
	at, found := slices.BinarySearchFunc(l.entries, s, func(e entry, s string) int { return compareSequences(e.sequence, s) })
	if found && !orEqual {
		at++
	}
	return l.trimmed + at
}

// since is the position of the first record created at t or later.
func (l *log) since(t time.Time) int {
	at, _ := slices.BinarySearchFunc(l.entries, t.UnixNano(), func(e entry, t int64) int {
		if e.created < t {
			return -1
		}
		return 1
	})
	return l.trimmed + at
}
