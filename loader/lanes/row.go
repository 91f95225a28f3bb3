package lanes

import (
	"bytes"
	"hash/maphash"
)

// BatchSize is how many rows one BatchWriteItem takes ("BatchWriteItem": up to 25 put requests, no key twice).
const BatchSize = 25

// Row is one row to be written.
type Row struct {
	Store, Item  []byte // less than 64 KiB each; DynamoDB takes 2 and 1
	Count        int64
	Line, Offset int64 // where the feed has it

	of *entry // what the deck knows it by
}

// seed makes the hashes of stores and keys; it differs from run to run, so that no feed can be made to meet in one.
var seed = maphash.MakeSeed()

// entry is a row in the deck.
type entry struct {
	count, line, offset int64
	key, shelf          uint64 // hashes of its key, of its store
	at                  uint32 // where its block has the store, and behind it the item
	store, item         uint16 // their lengths

	fate fate // of the row when its batch comes back

	block *block
	queue *queue
	next  *entry // in its queue
}

// fate is what became of a row in a batch.
type fate uint8

const (
	isWritten fate = iota
	isRefused
	isLeft
)

func (e *entry) row() Row {
	store := e.block.arena[e.at : e.at+uint32(e.store)]
	item := e.block.arena[e.at+uint32(e.store):][:e.item]
	return Row{Store: store, Item: item, Count: e.count, Line: e.line, Offset: e.offset, of: e}
}

// same reports whether two rows have one key.
func (e *entry) same(other *entry) bool {
	if e.key != other.key || e.store != other.store {
		return false
	}
	n := uint32(e.store) + uint32(e.item)
	return e.item == other.item && bytes.Equal(e.block.arena[e.at:e.at+n], other.block.arena[other.at:other.at+n])
}

// block holds rows that follow each other in the feed, and their bytes. It is used again once all of them are done.
type block struct {
	entries []entry // never moves
	arena   []byte
	left    int    // entries that are not done
	next    *block // read after it
}

const (
	blockRows  = 64
	blockBytes = 16 << 10 // an arena of so many bytes takes no further row
)

func newBlock() *block {
	return &block{entries: make([]entry, 0, blockRows), arena: make([]byte, 0, 2<<10)}
}

func (b *block) full() bool { return len(b.entries) == blockRows || len(b.arena) >= blockBytes }

// add copies r into the block.
func (b *block) add(r Row) {
	shelf := maphash.Bytes(seed, r.Store)
	b.entries = append(b.entries, entry{
		count: r.Count, line: r.Line, offset: r.Offset, key: shelf*31 + maphash.Bytes(seed, r.Item), shelf: shelf,
		at: uint32(len(b.arena)), store: uint16(len(r.Store)), item: uint16(len(r.Item)), block: b,
	})
	b.arena = append(append(b.arena, r.Store...), r.Item...)
}

func (b *block) clear() *block {
	clear(b.entries)
	b.entries, b.arena, b.next, b.left = b.entries[:0], b.arena[:0], nil, 0
	return b
}
