package lanes

// The queues of the stores, and the ring in which they have their turns.

import "time"

// queue is the rows of one store that wait, in the feed's order.
type queue struct {
	share
	shelf      uint64 // hash of the store
	head, tail *entry
	prev, next *queue // in the ring of those that have rows; nil: it has none
	after      *queue // of the store whose rows followed in the feed the last time
	forgotten  bool   // and so not the store's any more
	under      int    // rows that are under way

	dealt, short time.Duration // seconds in which rows of it were dealt, or left by the table
}

// idleQueues is how many queues without rows are remembered, for their paces.
const idleQueues = 4096

// queue is a store's, whose row follows one of the queue before, if that is not nil.
func (d *deck) queue(shelf uint64, before *queue) *queue {
	if before != nil && before.after != nil && before.after.shelf == shelf && !before.after.forgotten {
		return before.after
	}
	q := d.queues[shelf]
	if q == nil {
		q = d.open(shelf)
	}
	if before != nil {
		before.after = q
	}
	return q
}

// open makes a queue for a store that has none.
func (d *deck) open(shelf uint64) *queue {
	if len(d.queues)-d.ring-d.under > idleQueues {
		for shelf, q := range d.queues {
			if q.head == nil && q.under == 0 {
				delete(d.queues, shelf)
				q.forgotten, q.after = true, nil
			}
		}
	}
	q := &queue{shelf: shelf, dealt: -1, short: -1}
	d.queues[shelf] = q
	return q
}

// link puts a queue into the ring, where its turn comes last.
func (d *deck) link(q *queue) {
	d.ring++
	if d.turn == nil {
		q.prev, q.next, d.turn = q, q, q
		return
	}
	q.prev, q.next = d.turn.prev, d.turn
	q.prev.next, q.next.prev = q, q
}

func (d *deck) unlink(q *queue) {
	if d.ring--; d.ring == 0 {
		d.turn = nil
	} else if d.turn == q {
		d.turn = q.next
	}
	q.prev.next, q.next.prev = q.next, q.prev
	q.prev, q.next = nil, nil
}
