package dynamo

// A table's stream: it takes the record of each change into the shard that the item's partition key belongs to. A
// stream outlives its table and its being disabled by a day.

import (
	"math/bits"
	"slices"
	"strings"
	"sync"
	"time"

	"inventoryd/internal/sandbox/dynamo/attr"
)

type stream struct {
	table    string
	label    string
	view     string
	key      schema
	created  time.Time
	onRecord func(table string, r Record)

	mu       sync.Mutex // guards what follows; the last of the locks, never held over a wait
	disabled time.Time  // zero while enabled
	settled  time.Time  // until then nothing happens to the shards by itself
	sequence sequence
	shards   []*shard // in the order of their ids
	open     []*shard // in the order of their hashes
	count    uint32   // of shards ever made
	horizon  time.Time
	script   script
	listings bucket // of DescribeStream, where it is limited
}

// script is what controls changed in a stream's behaviour.
type script struct {
	rollover      time.Duration // 0: never
	transition    time.Duration
	lag           time.Duration // of listings behind a child's birth
	repeatCursors int
	emptyPages    int
	expired       time.Time // iterators issued until then are
	limited       bool      // LimitStreams
}

// newStream makes an enabled stream and the shards it begins with. The service is locked.
func (s *Service) newStream(t *table, view string, now time.Time) *stream {
	st := &stream{
		table: t.name, view: view, key: t.key, created: now, onRecord: s.settings.onRecord,
		sequence: sequence(firstSequence),
		script:   script{rollover: s.settings.rollover, transition: s.settings.transition, limited: s.settings.limitStreams},
	}
	at := now
	if old := t.stream; old != nil {
		old.mu.Lock()
		st.sequence = slices.Clone(old.sequence)
		old.mu.Unlock()
	}
	for st.label == "" || s.streams[st.arn()] != nil { // labels differ although streams follow within a millisecond
		st.label = at.UTC().Format("2006-01-02T15:04:05.000")
		at = at.Add(time.Millisecond)
	}
	s.streams[st.arn()] = st
	n := uint64(s.settings.shards)
	low := uint64(0)
	for i := uint64(1); i <= n; i++ {
		high := ^uint64(0)
		if i < n {
			h, _ := bits.Div64(i, 0, n)
			high = h - 1
		}
		st.open = append(st.open, st.birth("", hashes{low, high}, now))
		low = high + 1
	}
	return st
}

func (st *stream) arn() string {
	return "arn:aws:dynamodb:" + Region + ":" + Account + ":table/" + st.table + "/stream/" + st.label
}

func (st *stream) enabled() bool {
	st.mu.Lock()
	defer st.mu.Unlock()
	return st.disabled.IsZero()
}

// disable closes the stream: its shards stay readable until they are trimmed.
func (st *stream) disable(now time.Time) {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.settle(now)
	for _, sh := range st.open {
		st.close(sh, now)
	}
	st.open = nil
	st.shards = slices.DeleteFunc(st.shards, func(sh *shard) bool { return sh.state == shardAnnounced })
	st.disabled = now
}

// status is the StreamStatus. The stream is locked.
func (st *stream) status(now time.Time) string {
	switch {
	case st.disabled.IsZero() && now.Before(st.created.Add(st.script.transition)):
		return "ENABLING"
	case st.disabled.IsZero():
		return "ENABLED"
	case now.Before(st.disabled.Add(st.script.transition)):
		return "DISABLING"
	}
	return "DISABLED"
}

// gone tells whether the stream was disabled so long ago that nothing of it is left.
func (st *stream) gone(now time.Time) bool {
	st.mu.Lock()
	defer st.mu.Unlock()
	return !st.disabled.IsZero() && now.After(st.disabled.Add(retention))
}

// described is what DescribeTable says of the stream.
func (st *stream) described() *streamDescription {
	d := &streamDescription{LatestStreamArn: st.arn(), LatestStreamLabel: st.label}
	if st.enabled() {
		d.StreamSpecification = &streamSpecification{StreamEnabled: true, StreamViewType: st.view}
	}
	return d
}

// append takes the record of a change; expired says that time to live made it.
func (st *stream) append(now time.Time, old, next row, expired bool) {
	st.mu.Lock()
	defer st.mu.Unlock()
	if !st.disabled.IsZero() {
		return
	}
	st.settle(now)
	sh := st.owner(rowHash(old.key + next.key)) // one of them, or both alike
	e := entry{
		sequence: st.sequence.next(), created: now.UnixNano(), old: old.doc, new: next.doc,
		size: st.recordSize(old, next), expired: expired,
	}
	sh.log.entries = append(sh.log.entries, e)
	if st.onRecord != nil {
		st.onRecord(st.table, Record{Shard: sh.id, Sequence: e.sequence, Created: now, Old: e.old, New: e.new})
	}
}

// recordSize is the SizeBytes: of the keys and of the images that the view has.
func (st *stream) recordSize(old, next row) int32 {
	size := max(old.keySize, next.keySize)
	if strings.HasPrefix(st.view, "NEW") {
		size += next.size
	}
	if strings.Contains(st.view, "OLD") {
		size += old.size
	}
	return size
}

// owner is the open shard of a hash.
func (st *stream) owner(h uint64) *shard {
	at, _ := slices.BinarySearchFunc(st.open, h, func(sh *shard, h uint64) int {
		if sh.hashes.high < h {
			return -1
		}
		return 1
	})
	return st.open[at]
}

// find is the shard of that id; nil for none.
func (st *stream) find(id string) *shard {
	at, ok := slices.BinarySearchFunc(st.shards, id, func(sh *shard, id string) int { return strings.Compare(sh.id, id) })
	if !ok {
		return nil
	}
	return st.shards[at]
}

// Record is a stream's record as OnRecord shows it; an absent image is empty.
type Record struct {
	Shard, Sequence string
	Created         time.Time
	Old, New        attr.Document
}
