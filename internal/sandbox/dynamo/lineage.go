package dynamo

// The life of shards: birth, closing, children, and what time does to them by itself. All of it under the stream's
// mutex.

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// birth makes a shard that is open, or announced if there is a parent that still is.
func (st *stream) birth(parent string, h hashes, now time.Time) *shard {
	st.count++
	sh := &shard{
		// Ids do not tell what came first within a millisecond, and differ between streams.
		id:     fmt.Sprintf("shardId-%020d-%08x", now.UnixMilli(), uint32(hashOf(st.label))+st.count*0x9e3779b1),
		parent: parent, hashes: h, start: st.sequence.next(), opened: now, listed: now,
	}
	if parent != "" {
		sh.listed = now.Add(st.script.lag)
	}
	at, _ := slices.BinarySearchFunc(st.shards, sh.id, func(sh *shard, id string) int { return strings.Compare(sh.id, id) })
	st.shards = slices.Insert(st.shards, at, sh)
	st.settled = time.Time{}
	return sh
}

// close ends a shard, which the caller removes from st.open.
func (st *stream) close(sh *shard, now time.Time) {
	sh.closed, sh.end, sh.state = now, st.sequence.next(), shardClosed
	st.settled = time.Time{}
}

// succeed closes an open shard; n children share its hashes: 1 or 2. Announced children are taken.
func (st *stream) succeed(sh *shard, n int, now time.Time) []*shard {
	st.close(sh, now)
	children := st.announced(sh)
	if children == nil {
		children = st.children(sh, n, now)
	}
	for _, c := range children {
		c.state, c.opened = shardOpen, now
	}
	at := slices.Index(st.open, sh)
	st.open = slices.Replace(st.open, at, at+1, children...)
	return children
}

func (st *stream) children(sh *shard, n int, now time.Time) []*shard {
	if n == 1 {
		return []*shard{st.birth(sh.id, sh.hashes, now)}
	}
	low, high := sh.hashes.halves()
	return []*shard{st.birth(sh.id, low, now), st.birth(sh.id, high, now)}
}

// announced are the children that were announced, in the order of their hashes; nil for none.
func (st *stream) announced(parent *shard) []*shard {
	var list []*shard
	for _, sh := range st.shards {
		if sh.state == shardAnnounced && sh.parent == parent.id {
			list = append(list, sh)
		}
	}
	slices.SortFunc(list, func(a, b *shard) int {
		if a.hashes.low < b.hashes.low {
			return -1
		}
		return 1
	})
	return list
}

// life is how long a shard stays open by itself: about the rollover, not all shards at once.
func (st *stream) life(sh *shard) time.Duration {
	return st.script.rollover + time.Duration(hashOf(sh.id)%600)*st.script.rollover/14400 // up to 10 of 240 minutes more
}

// settle does what was due by now: shards roll over and those of the day before go.
func (st *stream) settle(now time.Time) {
	if now.Before(st.settled) {
		return
	}
	for {
		sh, due := st.nextRollover()
		if sh == nil || due.After(now) {
			break
		}
		st.succeed(sh, 1, due)
	}
	horizon := st.horizonAt(now)
	st.shards = slices.DeleteFunc(st.shards, func(sh *shard) bool {
		return sh.state == shardClosed && sh.closed.Before(horizon)
	})
	st.settled = st.nextEvent(now)
}

// nextRollover is the open shard that rolls over first; nil if none does.
func (st *stream) nextRollover() (*shard, time.Time) {
	var first *shard
	var at time.Time
	if st.script.rollover == 0 {
		return nil, at
	}
	for _, sh := range st.open {
		if due := sh.opened.Add(st.life(sh)); first == nil || due.Before(at) {
			first, at = sh, due
		}
	}
	return first, at
}

// nextEvent is the next instant at which settle will have something to do.
func (st *stream) nextEvent(now time.Time) time.Time {
	next := now.Add(retention)
	if sh, due := st.nextRollover(); sh != nil && due.Before(next) {
		next = due
	}
	for _, sh := range st.shards {
		if gone := sh.closed.Add(retention); sh.state == shardClosed && gone.Before(next) {
			next = gone
		}
	}
	return next
}

// horizonAt is the instant before which records are trimmed.
func (st *stream) horizonAt(now time.Time) time.Time {
	if h := now.Add(-retention); h.After(st.horizon) {
		return h
	}
	return st.horizon
}

// readable finds a shard whose records can be read, trimmed as of now.
func (st *stream) readable(id string, now time.Time) *shard {
	st.settle(now)
	sh := st.find(id)
	if sh == nil || sh.state == shardGone {
		return nil
	}
	sh.log.trim(st.horizonAt(now))
	return sh
}
