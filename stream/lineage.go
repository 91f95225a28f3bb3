package stream

// This file: which shards may start, which rows may go: functions over values.

import "time"

// family is all that decides whether a shard may start.
type family struct {
	olderStream bool   // an older stream of the table is not drained yet
	parent      string // id of the parent, "" where there is none
	parentRow   bool   // the parent has a row
	parentEnded bool   // which says that it was read to its end
	parentGone  bool   // the parent is absent from a complete listing begun after the child was first seen
}

// mayStart is true when nothing that came before the shard can still be read.
func (f family) mayStart() bool {
	switch {
	case f.olderStream:
		return false
	case f.parent == "":
		return true
	case f.parentRow:
		return f.parentEnded
	default:
		return f.parentGone
	}
}

// leftover is all that decides whether the row of a shard may be deleted.
type leftover struct {
	ended           bool
	age             time.Duration // since it was read to its end
	listed          bool          // it is in the last complete listing, or there was none since the row's end
	childrenStarted bool          // something of each known child has been handled
	untold          bool          // a gap of it is still to be told
}

// mayGo is true when the row can no longer keep anything from being read twice or too early.
func (l leftover) mayGo() bool {
	return l.ended && l.age > keepEnded && !l.listed && l.childrenStarted && !l.untold
}

// keepEnded is how long the row of an ended shard stays at least: listings may show a shard long after its end.
const keepEnded = 48 * time.Hour

// settling is how long after the birth of a table's next stream a listing of the one before may still show a child that
// nobody knew of: listings lag by minutes.
const settling = 5 * time.Minute

// closing is all that decides whether a stream that is no longer the table's latest has been read out.
type closing struct {
	gone     bool          // the service does not know the stream any more
	open     int           // shards that have not ended
	followed bool          // a shard of a later stream was begun, so that this one had been read out
	listed   bool          // there has been a complete listing
	settled  time.Duration // from the next stream's birth to the beginning of that listing
	allKnown bool          // each shard of that listing has a row
}

// drained is true when the next stream may start.
func (c closing) drained() bool {
	if c.open > 0 {
		return false
	}
	return c.gone || c.followed || c.listed && c.allKnown && c.settled >= settling
}
