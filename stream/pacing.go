package stream

// This file: when a shard is read next.

import "time"

const (
	maxRate   = 4 // calls a second and shard at most, for the service takes 5
	minPoll   = time.Second / maxRate
	behind    = 15 * time.Second // a shard whose records are older than this is catching up
	quietPart = 20               // a quiet shard is read each 20th of the time that it has been quiet
)

// pace is all that decides when a shard is read next.
type pace struct {
	idle    time.Duration // the longest pause, from the configuration
	full    bool          // the last page was as large as pages get
	unknown bool          // an empty page may not mean the tip
	quiet   time.Duration // since the last record arrived
}

// interval is the time from the beginning of one read to that of the next. A shard that is busy or behind is read as
// often as the service allows, and so is one of which the tip is not known. A quiet one is read ever more rarely, so that a record waits at most a twentieth of
// the silence before it, and never longer than idle.
func (p pace) interval() time.Duration {
	if p.full || p.unknown {
		return minPoll
	}
	return min(max(p.quiet/quietPart, minPoll), max(p.idle, minPoll))
}
