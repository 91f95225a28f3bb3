package loader

import (
	"fmt"
	"sync/atomic"
	"time"

	"inventoryd/loader/feed"
	"inventoryd/loader/lanes"
)

// Load is one object on its way into the table. Its methods are safe for concurrent use.
type Load struct {
	Bucket, Key string
	Size        int64 // in bytes as it is stored; -1: unknown
	Started     time.Time
	Feed        string // its name

	dry     bool
	rejects func(*feed.Reject) // told of each; may be nil
	bytes   atomic.Int64       // read of Size
	counts                     // rows
	headers atomic.Int64       // that came again, in the pass that has ended
	first   atomic.Pointer[feed.Reject]
	lanes   atomic.Pointer[lanes.Lanes]
	tally   atomic.Pointer[lanes.Tally] // once the lanes have ended
}

// Bytes is how much of the object has been read.
func (l *Load) Bytes() int64 { return l.bytes.Load() }

// Books are the books so far. While the object is being loaded rows under way are in Read only.
func (l *Load) Books() Books { return l.books() }

func (l *Load) books() Books {
	tally := l.tally.Load()
	if out := l.lanes.Load(); tally == nil && out != nil {
		now := out.Tally()
		tally = &now
	}
	return l.counts.books(tally)
}

// firstReject tells where the reject is that was found first, of which there must be one. What the row says is for the
// report and for log.rows: this goes into errors, and so to the log.
func (l *Load) firstReject() string {
	r := l.first.Load()
	return fmt.Sprintf("line %d: %s", r.Line, r.Code)
}

// writing begins a pass; out is nil where the pass only reads.
func (l *Load) writing(out *lanes.Lanes) {
	l.tally.Store(nil)
	l.lanes.Store(out)
}

// written ends a pass.
func (l *Load) written(out *lanes.Lanes) {
	if out == nil {
		return
	}
	tally := out.Tally()
	l.tally.Store(&tally)
	l.lanes.Store(nil)
}

// again begins the second pass over a feed in whose first no row was rejected.
func (l *Load) again() {
	l.counts.again()
	l.bytes.Store(0)
}
