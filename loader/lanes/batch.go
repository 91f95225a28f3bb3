package lanes

import (
	"bytes"
	"hash/maphash"
)

// BatchSize is how many rows one BatchWriteItem takes ("BatchWriteItem": up to 25 put requests, no key twice).
const BatchSize = 25

// Row is one row to be written.
type Row struct {
	Store, Item  []byte
	Count        int64
	Line, Offset int64 // where the feed has it

	hash uint64
}

// seed makes the hash of keys; it differs from run to run, so no feed can be made to meet in one lane.
var seed = maphash.MakeSeed()

func hash(store, item []byte) uint64 {
	return maphash.Bytes(seed, store)*31 + maphash.Bytes(seed, item)
}

// batch collects rows of distinct keys; it owns their bytes and is used again once they are written.
type batch struct {
	rows  []Row
	arena []byte
}

func newBatch() *batch { return &batch{rows: make([]Row, 0, BatchSize)} }

// add copies r into the batch. A row of a key that is there already takes its place: the last one wins, and merged
// is true.
func (b *batch) add(r Row) (merged bool) {
	for i := range b.rows {
		have := &b.rows[i]
		if have.hash == r.hash && bytes.Equal(have.Store, r.Store) && bytes.Equal(have.Item, r.Item) {
			have.Count, have.Line, have.Offset = r.Count, r.Line, r.Offset
			return true
		}
	}
	r.Store = b.keep(r.Store)
	r.Item = b.keep(r.Item)
	b.rows = append(b.rows, r)
	return false
}

// keep copies p into the arena. Where the arena moves, what was kept before stays in its old place.
func (b *batch) keep(p []byte) []byte {
	from := len(b.arena)
	b.arena = append(b.arena, p...)
	return b.arena[from:len(b.arena):len(b.arena)]
}

func (b *batch) full() bool { return len(b.rows) == BatchSize }

func (b *batch) clear() {
	b.rows, b.arena = b.rows[:0], b.arena[:0]
}
