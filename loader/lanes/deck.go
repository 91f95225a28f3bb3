package lanes

import "time"

// Ahead is how many rows may be under way, or wait, behind a row that is not written: one that so many were added after is written.
const Ahead = aheadRows + 2*blockRows

// Bounds of the read-ahead, after the oldest row that is not written.
const (
	aheadRows  = 50_000
	aheadBytes = 4 << 20 // of stores and items
)

// deck is the pure core: it deals the rows that were added, stores in turn, so that the rows of a key come one at a time
// and in their order. It knows no clock: now is the time since some beginning.
type deck struct {
	queues map[uint64]*queue
	turn   *queue // in the ring
	ring   int    // queues in it
	busy   []uint64

	first, last *block // of the read-ahead
	free        *block // to be used again
	spare       int    // of them
	rows, bytes int    // of the read-ahead
	queued      int    // rows that wait
	under       int    // rows that are under way

	second           time.Duration
	active, strained int // stores that rows were dealt of, or left of, in this second
}

// mostSpare bounds how many blocks are kept to be used again.
const mostSpare = 64

// newDeck makes a deck of which at most so many rows will be under way.
func newDeck(under int) *deck {
	slots := 1 << 12
	for slots < 128*under { // so a key is seldom taken for one that is under way
		slots *= 2
	}
	return &deck{queues: map[uint64]*queue{}, busy: make([]uint64, slots/64)}
}

// slot is where the deck notes that a key is under way, if mask is set in word.
func (d *deck) slot(e *entry) (word *uint64, mask uint64) {
	return &d.busy[e.key>>6%uint64(len(d.busy))], 1 << (e.key & 63)
}

// room reports whether the read-ahead takes another block.
func (d *deck) room() bool { return d.rows < aheadRows && d.bytes < aheadBytes }

// block returns an empty one.
func (d *deck) block() *block {
	b := d.free
	if b == nil {
		return newBlock()
	}
	d.free = b.next
	d.spare--
	return b.clear()
}

// add adds the rows of a block.
func (d *deck) add(b *block) {
	if b.left = len(b.entries); b.left == 0 {
		return
	}
	if d.last == nil {
		d.first = b
	} else {
		d.last.next = b
	}
	d.last = b
	d.rows += len(b.entries)
	d.bytes += len(b.arena)
	d.queued += len(b.entries)
	var q *queue
	for i := range b.entries {
		e := &b.entries[i]
		if q == nil || q.shelf != e.shelf {
			q = d.queue(e.shelf, q)
		}
		e.queue = q
		if q.head == nil {
			q.head = e
			d.link(q)
		} else {
			q.tail.next = e
		}
		q.tail = e
	}
}

// mostVisits bounds how many stores are looked at for one batch.
const mostVisits = 1024

// deal adds rows to a batch until it is full, or nothing more can be dealt; then wait is when to ask again, if that
// depends on time alone: 0 where it does not. merged is how many rows a later one of the same key took the place of.
func (d *deck) deal(now time.Duration, batch []*entry) (_ []*entry, merged int64, wait time.Duration) {
	d.tick(now)
	circle := d.ring
	each := max(1, BatchSize/max(1, circle))
	for visits, vain := 0, 0; len(batch) < BatchSize && vain < d.ring && visits < mostVisits; visits++ {
		if visits == circle { // not all stores have rows that can be dealt
			each = BatchSize
		}
		q := d.turn
		d.turn = q.next
		if w := q.wait(now); w > 0 {
			if wait == 0 || w < wait {
				wait = w
			}
			vain++
			continue
		}
		before, lost := len(batch), int64(0)
		batch, lost = d.draw(q, min(each, BatchSize-len(batch)), batch)
		merged += lost
		if len(batch) == before && lost == 0 {
			vain++
			continue
		}
		vain = 0
		if q.dealt != d.second {
			q.dealt = d.second
			d.active++
		}
	}
	return batch, merged, wait
}

// mostPassed bounds how many rows of a store are passed over because their keys are under way.
const mostPassed = 32

// draw moves up to n rows of a queue to a batch, and those of keys that the batch has in their places.
func (d *deck) draw(q *queue, n int, batch []*entry) (_ []*entry, merged int64) {
	var before *entry
	passed := 0
	for e := q.head; e != nil && passed < mostPassed; {
		after := e.next
		word, mask := d.slot(e)
		switch at := -1; {
		case *word&mask == 0:
			if n == 0 {
				passed = mostPassed
				continue
			}
			n--
			*word |= mask
			q.tokens--
			q.under++
			d.under++
			batch = append(batch, e)
			d.cut(q, before, e)
		default:
			if at = indexOf(batch, e); at < 0 {
				passed++
				before = e
				break
			}
			d.finish(batch[at])
			batch[at] = e
			merged++
			d.cut(q, before, e)
		}
		e = after
	}
	if q.head == nil {
		d.unlink(q)
	}
	return batch, merged
}

func indexOf(batch []*entry, e *entry) int {
	for i, other := range batch {
		if e.same(other) {
			return i
		}
	}
	return -1
}

// cut takes e, which follows before, out of its queue.
func (d *deck) cut(q *queue, before, e *entry) {
	d.queued--
	if before == nil {
		q.head = e.next
	} else {
		before.next = e.next
	}
	if q.tail == e {
		q.tail = before
	}
	e.next = nil
}

// done takes a row that was dealt as written, or as refused.
func (d *deck) done(e *entry, now time.Duration) {
	word, mask := d.slot(e)
	*word &^= mask
	d.under--
	e.queue.under--
	e.queue.written(now)
	d.finish(e)
}

// finish forgets a row, and the blocks at the beginning of the read-ahead that have no other.
func (d *deck) finish(e *entry) {
	e.block.left--
	for d.first != nil && d.first.left == 0 {
		b := d.first
		if d.first = b.next; d.first == nil {
			d.last = nil
		}
		d.rows -= len(b.entries)
		d.bytes -= len(b.arena)
		if d.spare < mostSpare {
			b.next, d.free = d.free, b
			d.spare++
		}
	}
}

// back returns a row that was dealt to the head of its queue.
func (d *deck) back(e *entry) {
	word, mask := d.slot(e)
	*word &^= mask
	d.under--
	d.queued++
	q := e.queue
	q.under--
	if e.next = q.head; q.head == nil {
		q.tail = e
		d.link(q)
	}
	q.head = e
}

func (d *deck) backAll(batch []*entry) {
	for _, e := range batch {
		d.back(e)
	}
}

// full notes that the table left a row.
func (d *deck) full(e *entry, now, pause time.Duration) {
	d.tick(now)
	q := e.queue
	if q.short != d.second {
		q.short = d.second
		d.strained++
	}
	q.full(now, pause)
}

func (d *deck) tick(now time.Duration) {
	if second := now.Truncate(time.Second); second != d.second {
		d.second, d.active, d.strained = second, 0, 0
	}
}

// wide reports whether the table leaves rows of so many stores that it is not about single partitions.
func (d *deck) wide() bool { return d.active >= 4 && 2*d.strained > d.active }
