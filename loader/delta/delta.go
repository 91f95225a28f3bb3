// Package delta passes on only those rows of a feed that differ from what the table holds. The rows are gathered in a
// window; its keys are read, strongly consistent, by Query or BatchGetItem, whichever costs fewer read units; of a key's rows
// in the window the last one counts, and it is passed on where the table holds another count.
//
// What a Query brings beside the window's keys is kept for later windows, as far as memory allows (memo.go): so a large store in no
// order is read once. What was passed on and may not be in the table yet is remembered, too: of such a key the table is not asked.
package delta

import (
	"bytes"
	"context"
	"hash/maphash"
	"sync/atomic"

	"inventoryd/loader/lanes"
)

// Config says how the rows of one object are compared.
type Config struct {
	Reads  Reads
	Budget *Budget // of memory for what is kept for later windows
	// Out takes a row that differs from before, in the order of the feed.
	Out func(ctx context.Context, r lanes.Row, before Known) error
	// Told is told what becomes of each row, before Out is; nil: nobody is.
	Told func(r lanes.Row, before Known, f Fate)
	// Forget: what was passed on is in the table once so many rows followed it; 0: it never is, since nothing is written.
	Forget int
}

// Fate is what becomes of a row.
type Fate int

// The fates.
const (
	Differs Fate = iota // it is passed on
	Same                // the table holds it
	Merged              // a later row of its key in the window counts
)

// Known is what the table holds of a key.
type Known struct {
	There  bool
	Usable bool // it has a count
	Count  int64
	Odd    *Odd // what else there is to know; nil: nothing
}

// Odd is what a forecast must know of an item that is not like most: it is larger than a KB, or has a threshold of its own.
type Odd struct {
	Size      int // bytes
	Threshold *int64
}

// holds reports whether writing the count would change nothing.
func (k Known) holds(count int64) bool { return k.There && k.Usable && k.Count == count }

// Bounds of a window.
const (
	windowRows  = 25_000
	windowBytes = 2 << 20 // of stores and items
)

// Delta compares the rows of one object. Add, Flush and Oldest are called by one goroutine, its owner; Tally by any.
type Delta struct {
	cfg    Config
	rows   []row
	arena  []byte
	keys   []key
	places []int32 // of keys, by hash; 0: none, else one more than the index

	kept   *memo // for later windows
	odds   map[uint64]*Odd
	passed [2]*memo // rows that were passed on, the younger first
	reader reader

	merged, unchanged atomic.Int64
}

// row is one of the window.
type row struct {
	line, offset, count int64
	at                  uint32 // where the arena has the store, and behind it the item
	store, item         uint16 // their lengths
	key                 int32
}

// key is one of the window's keys.
type key struct {
	hash   uint64
	last   int32 // row
	before Known
	read   bool // before is known
}

// seed makes the hashes; it differs from run to run, so that no feed can be made to meet in one.
var seed = maphash.MakeSeed()

// New makes a Delta.
func New(cfg Config) *Delta {
	d := &Delta{cfg: cfg, places: make([]int32, 1<<16), kept: newMemo(cfg.Budget), odds: map[uint64]*Odd{}}
	d.passed = [2]*memo{newMemo(nil), newMemo(nil)}
	d.reader = newReader(cfg.Reads)
	return d
}

// Close gives the memory back.
func (d *Delta) Close() { d.kept.close() }

// Tally is how many rows a later one took the place of, and how many the table held already.
func (d *Delta) Tally() (merged, unchanged int64) { return d.merged.Load(), d.unchanged.Load() }

// Oldest is the line of the first row that is not decided yet.
func (d *Delta) Oldest() (line int64, ok bool) {
	if len(d.rows) == 0 {
		return 0, false
	}
	return d.rows[0].line, true
}

// Waiting is how many rows are not decided yet.
func (d *Delta) Waiting() int { return len(d.rows) }

// Add adds a row, whose bytes are copied; a full window is flushed first.
func (d *Delta) Add(ctx context.Context, r lanes.Row) error {
	if len(d.rows) == windowRows || len(d.arena) >= windowBytes {
		if err := d.Flush(ctx); err != nil {
			return err
		}
	}
	one := row{line: r.Line, offset: r.Offset, count: r.Count, at: uint32(len(d.arena)), store: uint16(len(r.Store)), item: uint16(len(r.Item))}
	d.arena = append(append(d.arena, r.Store...), r.Item...)
	d.rows = append(d.rows, one)
	n := len(d.rows) - 1
	hash := hashOf(r.Store, r.Item)
	place := d.find(hash, r.Store, r.Item)
	if *place == 0 {
		d.keys = append(d.keys, key{hash: hash})
		*place = int32(len(d.keys))
	}
	d.rows[n].key = *place - 1
	d.keys[*place-1].last = int32(n)
	return nil
}

func hashOf(store, item []byte) uint64 {
	return max(1, maphash.Bytes(seed, store)*31+maphash.Bytes(seed, item))
}

// find is where the index of a key stands, or is to stand.
func (d *Delta) find(hash uint64, store, item []byte) *int32 {
	for at := hash; ; at++ {
		place := &d.places[at%uint64(len(d.places))]
		if *place == 0 {
			return place
		}
		if k := &d.keys[*place-1]; k.hash == hash {
			if s, i := d.names(int(k.last)); bytes.Equal(s, store) && bytes.Equal(i, item) {
				return place
			}
		}
	}
}

// names are the store and the item of a row.
func (d *Delta) names(n int) (store, item []byte) {
	r := &d.rows[n]
	middle := r.at + uint32(r.store)
	return d.arena[r.at:middle], d.arena[middle : middle+uint32(r.item)]
}

// Flush decides the rows of the window. After an error those that are not decided stay in it.
func (d *Delta) Flush(ctx context.Context) error {
	for n := range d.keys {
		d.recall(&d.keys[n])
	}
	if err := d.reader.read(ctx, d); err != nil {
		return err
	}
	for n := range d.rows {
		if err := d.decide(ctx, n); err != nil {
			d.keep(n)
			return err
		}
	}
	d.keep(len(d.rows))
	return nil
}

// recall looks a key up among what is known without asking the table.
func (d *Delta) recall(k *key) {
	for _, m := range []*memo{d.passed[0], d.passed[1], d.kept} {
		if before, ok := m.get(k.hash); ok {
			k.before, k.read = before, true
			k.before.Odd = d.odds[k.hash]
			return
		}
	}
}

// decide passes a row on, or not.
func (d *Delta) decide(ctx context.Context, n int) error {
	r := &d.rows[n]
	k := &d.keys[r.key]
	store, item := d.names(n)
	out := lanes.Row{Store: store, Item: item, Count: r.count, Line: r.line, Offset: r.offset}
	fate := Differs
	switch {
	case int(k.last) != n:
		fate = Merged
		d.merged.Add(1)
	case k.before.holds(r.count):
		fate = Same
		d.unchanged.Add(1)
	}
	if d.cfg.Told != nil {
		d.cfg.Told(out, k.before, fate)
	}
	if fate != Differs {
		return nil
	}
	if err := d.cfg.Out(ctx, out, k.before); err != nil {
		return err
	}
	d.kept.set(k.hash, r.count)
	if d.cfg.Forget > 0 && d.passed[0].len() >= d.cfg.Forget {
		d.passed[0], d.passed[1] = newMemo(nil), d.passed[0]
	}
	d.passed[0].put(k.hash, r.count)
	return nil
}

// keep empties the window but for the rows from n on, which nobody will decide any more: it is for Waiting and Oldest.
func (d *Delta) keep(n int) {
	if n < len(d.rows) {
		d.rows = d.rows[n:]
		return
	}
	d.rows, d.arena, d.keys = d.rows[:0], d.arena[:0], d.keys[:0]
	clear(d.places)
}

// found notes what the table holds of a key; where the window does not ask for it, it is kept for later ones.
func (d *Delta) found(store, item []byte, known Known) (asked bool) {
	hash := hashOf(store, item)
	if place := d.find(hash, store, item); *place > 0 {
		k := &d.keys[*place-1]
		if k.read { // it was passed on, and may not be there yet
			return false
		}
		k.before, k.read = known, true
		d.remark(hash, known)
		return true
	}
	if known.Usable && fits(known.Count) && !d.pending(hash) && d.kept.put(hash, known.Count) {
		d.remark(hash, known)
	}
	return false
}

// remark keeps what else there is to know of an item.
func (d *Delta) remark(hash uint64, known Known) {
	if known.Odd != nil {
		d.odds[hash] = known.Odd
	}
}

// pending reports whether a key was passed on and may not be in the table yet.
func (d *Delta) pending(hash uint64) bool {
	_, young := d.passed[0].get(hash)
	_, old := d.passed[1].get(hash)
	return young || old
}
