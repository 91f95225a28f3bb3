package stock

// Rows in little memory: the names in one string, the rest in slices of numbers.

import (
	"cmp"
	"encoding/binary"
	"hash/maphash"
	"strconv"
	"sync"
	"time"

	"inventoryd/internal/inventory"
)

// list is rows by name. But for the orders it does not change.
type list struct {
	names  string
	ends   []uint32 // where each row's name ends in names
	counts []int64
	levels []Level
	over   []spread // of a sum, else nil

	mu     sync.Mutex // guards orders
	orders map[Order][]uint32
}

// spread is over how many stores a sum goes.
type spread struct{ stores, out, low uint32 }

const rowBytes = 4 + 8 + 1 + 2*4 // of a row beside its name: the slices, and its place in two orders

// Len is the number of rows.
func (l *list) Len() int { return len(l.ends) }

// Row returns row i, without its store.
func (l *list) Row(i int) Row {
	r := Row{Item: l.name(i), Count: l.counts[i], Level: l.levels[i]}
	if l.over != nil {
		o := l.over[i]
		r.Stores, r.Out, r.Low = int(o.stores), int(o.out), int(o.low)
	}
	return r
}

func (l *list) name(i int) string {
	begin := uint32(0)
	if i > 0 {
		begin = l.ends[i-1]
	}
	return l.names[begin:l.ends[i]]
}

// builder makes a view of the rows of one reading.
type builder interface {
	add(i inventory.Item, threshold int64)
	unusable(k inventory.Key)
	view(begun time.Time, whole bool) *View
}

// seed makes the versions of one process comparable, and those of others different.
var seed = maphash.MakeSeed()

// content is the hash of the rows read so far.
type content struct{ maphash.Hash }

func newContent() *content {
	c := &content{}
	c.SetSeed(seed)
	return c
}

func (c *content) row(store, item string, count, threshold int64) {
	var n [16]byte
	binary.LittleEndian.PutUint64(n[:], uint64(count))
	binary.LittleEndian.PutUint64(n[8:], uint64(threshold))
	c.WriteString(store)
	c.WriteByte(0)
	c.WriteString(item)
	c.WriteByte(0)
	c.Write(n[:])
}

func (c *content) version(unusable int) string {
	return strconv.FormatUint(c.Sum64()+uint64(unusable), 36)
}

// storeBuilder makes the view of one store. Its rows come by name.
type storeBuilder struct {
	store   string
	bytes   int // that the view may have
	names   []byte
	rows    list
	short   int // shortages listed beyond maxItems
	full    bool
	totals  Totals
	content *content
}

func newStoreBuilder(store string, bytes int) *storeBuilder {
	return &storeBuilder{store: store, bytes: bytes, content: newContent()}
}

func (b *storeBuilder) add(i inventory.Item, threshold int64) {
	level := levelOf(i.Count, threshold)
	b.totals.count(level)
	b.content.row("", i.Item, i.Count, threshold)
	// An eighth of the room is kept for shortages beyond the first items.
	used := len(b.names) + rowBytes*b.rows.Len() + len(i.Item) + rowBytes
	b.full = b.full || b.rows.Len() >= maxItems || used > b.bytes-b.bytes/8
	if b.full {
		if level == Fine || b.short >= maxShort || used > b.bytes {
			return
		}
		b.short++
	}
	b.names = append(b.names, i.Item...)
	b.rows.ends = append(b.rows.ends, uint32(len(b.names)))
	b.rows.counts = append(b.rows.counts, i.Count)
	b.rows.levels = append(b.rows.levels, level)
}

func (b *storeBuilder) unusable(inventory.Key) { b.totals.Unusable++ }

func (b *storeBuilder) view(begun time.Time, whole bool) *View {
	return &View{
		Store: b.store, AsOf: begun, Took: time.Since(begun), Version: b.content.version(b.totals.Unusable), Whole: whole,
		Totals: b.totals, Hidden: b.totals.Items - b.rows.Len(), First: b.rows.Len() - b.short,
		list: &list{names: string(b.names), ends: exact(b.rows.ends), counts: exact(b.rows.counts), levels: exact(b.rows.levels)},
	}
}

// exact is a copy without spare room.
func exact[T any](s []T) []T {
	out := make([]T, len(s))
	copy(out, s)
	return out
}

func (t *Totals) count(l Level) {
	t.Items++
	switch l {
	case Out:
		t.Out++
	case Low:
		t.Low++
	}
}

func compare(a, b string) int { return cmp.Compare(a, b) }
