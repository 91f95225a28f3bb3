package stream

// This file: streams that follow one another: when the one before has been read out, and what the next waits for.

import (
	"fmt"
	"maps"
	"slices"
	"time"
)

// listings is what is known of one stream as a whole.
type listings struct {
	listing      // the last complete one
	gone    bool // the service does not know the stream any more
	open    int  // shards that have not ended
	drained bool // it has been read out; as of the last sweep
}

// listing is a listing of a stream's shards that reached its end.
type listing struct {
	begun time.Time       // zero: there was none
	at    time.Time       // when it began by the service's clock
	ids   map[string]bool // the shards in it
}

// drainedBefore is true when all streams older than this one have been read out.
func (c *catalogue) drainedBefore(label string) bool {
	for older, l := range c.streams {
		if older < label && !l.drained {
			return false
		}
	}
	return true
}

// drain finds out anew which streams have been read out.
func (c *catalogue) drain() {
	for label, l := range c.streams {
		l.drained = c.closing(label).drained()
	}
}

// closing gathers what decides whether a stream has been read out.
func (c *catalogue) closing(label string) closing {
	l := c.streams[label]
	is := closing{gone: l.gone, listed: !l.begun.IsZero(), allKnown: true, open: l.open}
	if len(c.streams) > 1 {
		for key, e := range c.shards {
			is.followed = is.followed || key.label > label && e.row.Epoch > 0
		}
	}
	for id := range l.ids {
		if c.shards[shardKey{label, id}] == nil {
			is.allKnown = false
		}
	}
	if next := c.after(label); next != "" {
		is.settled = l.at.Sub(born(next))
	}
	return is
}

// after is the label of the stream that follows, "" where there is none.
func (c *catalogue) after(label string) string {
	next := ""
	for other := range c.streams {
		if other > label && (next == "" || other < next) {
			next = other
		}
	}
	return next
}

// born is the instant of a stream's birth, which is its label.
func born(label string) time.Time {
	at, _ := time.Parse("2006-01-02T15:04:05.000", label) // another kind of label: no waiting for late children
	return at
}

// waiting says what the table's latest stream waits for, "" where it does not.
func (c *catalogue) waiting() string {
	for _, label := range slices.Sorted(maps.Keys(c.streams)) {
		l := c.streams[label]
		if label >= c.latest || l.drained {
			continue
		}
		next := c.after(label)
		if l.open > 0 {
			return fmt.Sprintf("stream %s is not read yet: %d shards of stream %s before it have not been read to their end", next, l.open, label)
		}
		return fmt.Sprintf("stream %s is not read before %s: until then stream %s before it may show another shard",
			next, born(next).Add(settling).Format(time.RFC3339), label)
	}
	return ""
}

// unproven is true when a stream waits for the proof that the one before it has no more shards.
func (c *catalogue) unproven() bool {
	for label, l := range c.streams {
		if label < c.latest && l.open == 0 && !l.drained {
			return true
		}
	}
	return false
}
