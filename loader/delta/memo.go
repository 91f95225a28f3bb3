package delta

import "sync/atomic"

// Budget is memory that several may use. It is safe for concurrent use; nil has no end.
type Budget struct{ left atomic.Int64 }

// NewBudget makes a budget of so many bytes.
func NewBudget(bytes int64) *Budget {
	b := &Budget{}
	b.left.Store(bytes)
	return b
}

func (b *Budget) take(bytes int64) bool {
	if b == nil {
		return true
	}
	if b.left.Add(-bytes) >= 0 {
		return true
	}
	b.left.Add(bytes)
	return false
}

func (b *Budget) give(bytes int64) {
	if b != nil {
		b.left.Add(bytes)
	}
}

// memo remembers counts by the hash of their key, in 8 bytes each and a little air: of the hash a slot has all but 14 bits, and the
// count is masked by a mix of all of them. So a key that is taken for another one, with a chance of one in 2^50 for each pair, has
// some count that is no feed's: its row is written without need.
type memo struct {
	budget *Budget // nil: without bounds
	slots  int
	n      int
	parts  [segments][]slot
	used   [segments]int
}

const (
	segments  = 1024 // share the memory, so that growing moves a little at a time, and none is a large object
	countBits = 24
	lowest    = -1 << 20 // of counts that are remembered
	highest   = lowest + 1<<countBits - 2
	slotBytes = 8
)

// slot holds the upper bits of a key's hash, which are not 0, and its masked count; one that is not remembered is 0, others one
// more than they lie above lowest.
type slot uint64

func newMemo(b *Budget) *memo { return &memo{budget: b} }

// close gives the memory back.
func (m *memo) close() {
	m.budget.give(int64(m.slots) * slotBytes)
	*m = memo{}
}

func (m *memo) len() int { return m.n }

// tagOf are the bits of a hash by which a slot of its segment is known.
func tagOf(hash uint64) uint64 { return max(1, hash>>countBits) }

// mask is a mix of a hash.
func mask(hash uint64) uint64 { return hash * 0x9e3779b97f4a7c15 >> (64 - countBits) }

// at is the slot of a tag in a segment, or the empty one where it would be; nil: there is none at all.
func at(part []slot, tag uint64) *slot {
	if len(part) == 0 {
		return nil
	}
	for i := tag * uint64(len(part)) >> (64 - countBits); ; i++ {
		if i == uint64(len(part)) {
			i = 0
		}
		if s := &part[i]; *s == 0 || uint64(*s)>>countBits == tag {
			return s
		}
	}
}

func (m *memo) at(hash uint64) *slot { return at(m.parts[hash%segments], tagOf(hash)) }

// get is what was put: where it is no count that is remembered, the item is not usable.
func (m *memo) get(hash uint64) (k Known, ok bool) {
	s := m.at(hash)
	if s == nil || *s == 0 {
		return Known{}, false
	}
	k.There = true
	if above := uint64(*s)&(1<<countBits-1) ^ mask(hash); above > 0 {
		k.Count, k.Usable = int64(above-1)+lowest, true
	}
	return k, true
}

func slotOf(hash uint64, count int64) slot {
	above := uint64(0)
	if fits(count) {
		above = uint64(count-lowest) + 1
	}
	return slot(tagOf(hash)<<countBits | above ^ mask(hash))
}

// fits reports whether a count is one that is remembered.
func fits(count int64) bool { return lowest <= count && count <= highest }

// set changes the count of a hash that it has.
func (m *memo) set(hash uint64, count int64) {
	if s := m.at(hash); s != nil && *s != 0 {
		*s = slotOf(hash, count)
	}
}

// put remembers a count; false: there is no room for it.
func (m *memo) put(hash uint64, count int64) bool {
	p := hash % segments
	s := m.at(hash)
	if s != nil && *s != 0 {
		*s = slotOf(hash, count)
		return true
	}
	if size := len(m.parts[p]); s == nil || m.used[p] >= size*7/8 {
		more := size/8 + 16
		if !m.budget.take(int64(more) * slotBytes) {
			return false
		}
		m.grow(p, size+more)
		s = m.at(hash)
	}
	*s = slotOf(hash, count)
	m.used[p]++
	m.n++
	return true
}

// grow gives a segment more slots.
func (m *memo) grow(p uint64, size int) {
	old := m.parts[p]
	m.parts[p] = make([]slot, size)
	m.slots += size - len(old)
	for _, s := range old {
		if s != 0 {
			*at(m.parts[p], uint64(s)>>countBits) = s
		}
	}
}
