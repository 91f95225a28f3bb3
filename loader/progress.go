package loader

import (
	"fmt"
	"sync/atomic"
	"time"

	"inventoryd/loader/feed"
)

// Load is one object on its way into the table. Its methods are safe for concurrent use.
type Load struct {
	Bucket, Key string
	Size        int64 // in bytes as it is stored; -1: unknown
	Started     time.Time
	Feed        string // its name

	dry       bool
	foretells *forecaster // of a dry run that asks the table
	threshold string      // attribute that it asks for; empty: none
	meter     meter
	rejects   func(*feed.Reject) // told of each; may be nil
	bytes     atomic.Int64       // read of Size
	counts                       // rows
	zeroed    atomic.Int64       // absent items that became 0
	headers   atomic.Int64       // that came again, in the pass that has ended
	first     atomic.Pointer[feed.Reject]
	sink      atomic.Pointer[sink]  // of the reading
	ended     atomic.Pointer[tally] // once it has ended
}

// Bytes is how much of the object has been read.
func (l *Load) Bytes() int64 { return l.bytes.Load() }

// Books are the books so far. While the object is being loaded rows under way are in Read only.
func (l *Load) Books() Books { return l.books() }

func (l *Load) books() Books {
	t := l.ended.Load()
	if to := l.sink.Load(); t == nil && to != nil {
		now := to.tally()
		t = &now
	}
	return l.counts.books(t)
}

// firstReject tells where the reject is that was found first, of which there must be one. What the row says is for the
// report and for log.rows: this goes into errors, and so to the log.
func (l *Load) firstReject() string {
	r := l.first.Load()
	return fmt.Sprintf("line %d: %s", r.Line, r.Code)
}

// writing begins a reading.
func (l *Load) writing(to sink) {
	l.ended.Store(nil)
	l.sink.Store(&to)
}

// written ends a reading.
func (l *Load) written(to sink) {
	if to == (sink{}) {
		return
	}
	t := to.tally()
	if to.delta != nil {
		l.unwritten.Add(int64(to.delta.Waiting()))
	}
	l.ended.Store(&t)
	l.sink.Store(nil)
}

// again begins the second reading of a feed: what the first has found it finds once more.
func (l *Load) again() {
	l.counts.again()
	l.bytes.Store(0)
	l.first.Store(nil)
}
