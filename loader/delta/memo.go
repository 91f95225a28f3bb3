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

// memo remembers counts by the hash of their key, in 16 bytes each and a little air. Two keys of one hash are taken for each
// other with a chance of one in 2^64 for each pair.

// segments share the memory, so that growing moves a little at a time.
const segments = 256

type memo struct {
	budget *Budget // nil: without bounds
	slots  int
	n      int
	parts  [segments][]slot
	used   [segments]int
}

// slot holds a key's hash, which is not 0, and its count.
type slot struct {
	hash  uint64
	count int64
}

const slotBytes = 16

func newMemo(b *Budget) *memo { return &memo{budget: b} }

// close gives the memory back.
func (m *memo) close() {
	m.budget.give(int64(m.slots) * slotBytes)
	*m = memo{}
}

func (m *memo) len() int { return m.n }

// at is the slot of a hash, or the empty one where it would be; nil: there is none at all.
func (m *memo) at(hash uint64) *slot {
	part := m.parts[hash%segments]
	if len(part) == 0 {
		return nil
	}
	for i := hash / segments % uint64(len(part)); ; i++ {
		if i == uint64(len(part)) {
			i = 0
		}
		if s := &part[i]; s.hash == hash || s.hash == 0 {
			return s
		}
	}
}

func (m *memo) get(hash uint64) (count int64, ok bool) {
	if s := m.at(hash); s != nil && s.hash == hash {
		return s.count, true
	}
	return 0, false
}

// set changes the count of a hash that it has.
func (m *memo) set(hash uint64, count int64) {
	if s := m.at(hash); s != nil && s.hash == hash {
		s.count = count
	}
}

// put remembers a count; false: there is no room for it.
func (m *memo) put(hash uint64, count int64) bool {
	p := hash % segments
	s := m.at(hash)
	if s != nil && s.hash == hash {
		s.count = count
		return true
	}
	if size := len(m.parts[p]); s == nil || m.used[p] >= size*7/8 {
		more := size/4 + 16
		if !m.budget.take(int64(more) * slotBytes) {
			return false
		}
		m.grow(p, size+more)
		s = m.at(hash)
	}
	*s = slot{hash, count}
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
		if s.hash != 0 {
			*m.at(s.hash) = s
		}
	}
}
