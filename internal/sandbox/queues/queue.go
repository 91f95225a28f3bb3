package queues

// The core of a queue: what is to be seen, what is hidden until when, and the way between the two. All of it runs
// under the service's lock.

import (
	"container/heap"
	"container/list"
	"time"
)

// inFlightLimit of a queue ("Amazon SQS queue quotas").
const inFlightLimit = 120_000

type queue struct {
	name     string
	settings settings
	created  time.Time
	modified time.Time
	purged   time.Time
	tags     map[string]string

	order  *list.List          // *message: a standard queue's visible ones; all those of a FIFO queue, by sequence number
	hidden hidden              // delayed or in flight, by the time when they are to be seen
	flying int                 // of those hidden, the ones received
	byID   map[string]*message // by key
	fifo   *fifo               // nil: a standard queue

	unreliable unreliable

	wake chan struct{} // closed and replaced when a message may have become visible
}

// place is where a message is in a queue's lists.
type place struct {
	order  *list.Element // nil: not in it
	hidden int           // its index, -1: not hidden
}

func newQueue(name string, s settings, now time.Time) *queue {
	q := &queue{name: name, settings: s, created: now, modified: now, order: list.New(), byID: map[string]*message{}, wake: make(chan struct{})}
	if s.fifo {
		q.fifo = &fifo{flying: map[string]int{}, recent: map[string]sent{}}
	}
	return q
}

// add takes a message in, hidden until visibleAt.
func (q *queue) add(m *message, now time.Time) {
	m.place = place{hidden: -1}
	q.byID[m.key()] = m
	if q.fifo != nil {
		m.place.order = q.order.PushBack(m)
	}
	if m.visibleAt.After(now) {
		q.hide(m)
	} else {
		q.show(m)
	}
}

// hide and show move a message between the visible and the hidden ones.
func (q *queue) hide(m *message) {
	if q.fifo == nil && m.place.order != nil {
		q.order.Remove(m.place.order)
		m.place.order = nil
	}
	heap.Push(&q.hidden, m)
	if !m.flying {
		return
	}
	q.flying++
	if q.fifo != nil {
		q.fifo.flying[m.Group]++
	}
}

func (q *queue) unhide(m *message) {
	heap.Remove(&q.hidden, m.place.hidden)
	if !m.flying {
		return
	}
	m.flying = false
	q.flying--
	if q.fifo != nil {
		q.fifo.land(m.Group)
	}
}

func (q *queue) show(m *message) {
	switch {
	case q.fifo != nil:
	case q.unreliable.order != nil && q.unreliable.order.IntN(2) == 0:
		m.place.order = q.order.PushFront(m)
	default:
		m.place.order = q.order.PushBack(m)
	}
	q.notify()
}

// remove takes a message out, wherever it is.
func (q *queue) remove(m *message) {
	if m.place.hidden >= 0 {
		q.unhide(m)
	}
	if m.place.order != nil {
		q.order.Remove(m.place.order)
		m.place.order = nil
	}
	delete(q.byID, m.key())
	if q.fifo != nil {
		q.notify() // its group may go on
	}
}

// notify wakes those who wait for messages.
func (q *queue) notify() {
	close(q.wake)
	q.wake = make(chan struct{})
}

// promote shows what has been hidden long enough, and drops what has been kept for too long.
func (q *queue) promote(now time.Time) {
	for len(q.hidden) > 0 && !q.hidden[0].visibleAt.After(now) {
		m := q.hidden[0]
		q.unhide(m)
		q.show(m)
	}
	for e := q.order.Front(); e != nil && q.expired(e.Value.(*message), now); e = q.order.Front() {
		q.remove(e.Value.(*message))
	}
}

func (q *queue) expired(m *message, now time.Time) bool {
	return now.Sub(m.sent) >= q.settings.retention
}

// next is when the first hidden message is to be seen; the zero time: there is none.
func (q *queue) next() time.Time {
	if len(q.hidden) == 0 {
		return time.Time{}
	}
	return q.hidden[0].visibleAt
}

// candidates yields the messages that may be received now, in order; each may be hidden or removed as it is yielded.
func (q *queue) candidates(now time.Time) func(yield func(*message) bool) {
	return func(yield func(*message) bool) {
		var after *list.Element
		blocked := map[string]bool{} // FIFO groups, as they were before this receive
		for e := q.order.Front(); e != nil; e = after {
			after = e.Next()
			m := e.Value.(*message)
			if q.expired(m, now) {
				q.remove(m)
				continue
			}
			if q.fifo != nil && q.blocks(m, blocked) {
				continue
			}
			if !yield(m) {
				return
			}
		}
	}
}

// blocks says whether m must wait: for a message of its group in flight, or for itself or one before it being delayed.
func (q *queue) blocks(m *message, blocked map[string]bool) bool {
	if _, known := blocked[m.Group]; !known {
		blocked[m.Group] = q.fifo.flying[m.Group] > 0
	}
	if m.place.hidden >= 0 {
		blocked[m.Group] = true
	}
	return blocked[m.Group]
}

// hidden is a heap of messages by visibleAt, then by sequence.
type hidden []*message

func (h hidden) Len() int { return len(h) }
func (h hidden) Less(i, j int) bool {
	if !h[i].visibleAt.Equal(h[j].visibleAt) {
		return h[i].visibleAt.Before(h[j].visibleAt)
	}
	return h[i].sequence < h[j].sequence
}

func (h hidden) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].place.hidden, h[j].place.hidden = i, j
}

func (h *hidden) Push(x any) {
	m := x.(*message)
	m.place.hidden = len(*h)
	*h = append(*h, m)
}

func (h *hidden) Pop() any {
	old := *h
	m := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	m.place.hidden = -1
	return m
}
