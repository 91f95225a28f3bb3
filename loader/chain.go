package loader

// Chains: the messages of one instance that tell of one object take turns. One leads and loads the object as it is; the others
// wait without slots, and end with the load that serves them.

import (
	"slices"
	"sync"
)

// chains are those of one loader, by bucket and key. It is safe for concurrent use.
type chains struct {
	mu sync.Mutex // guards of, the chains and the tickets' verdicts until they have ended
	of map[[2]string]*chain
}

// chain is one object's.
type chain struct {
	tickets []*ticket // in the order of their arrival; the leader is one of them
	wrote   bool      // rows were written since it was last known that the table holds a finished load
}

// ticket is one message's place in a chain.
type ticket struct {
	name  [2]string
	in    *chain
	id    string        // of the message
	mark  *mark         // set for it by the leader before it
	lead  chan struct{} // closed when it is to lead
	ended chan struct{} // closed when it has been served

	ending ending // valid once ended is closed
	err    error
}

// join takes a place in an object's chain; the first one leads.
func (c *chains) join(bucket, key, id string) *ticket {
	t := &ticket{name: [2]string{bucket, key}, id: id, lead: make(chan struct{}), ended: make(chan struct{})}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.of == nil {
		c.of = map[[2]string]*chain{}
	}
	t.in = c.of[t.name]
	if t.in == nil {
		t.in = &chain{}
		c.of[t.name] = t.in
		close(t.lead)
	}
	t.in.tickets = append(t.in.tickets, t)
	return t
}

// present are those in the chain of a leader, itself included: a reading that begins now serves them.
func (c *chains) present(t *ticket) []*ticket {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(t.in.tickets)
}

// newest is the last that came, where that is not the leader itself.
func (c *chains) newest(t *ticket) *ticket {
	c.mu.Lock()
	defer c.mu.Unlock()
	if last := t.in.tickets[len(t.in.tickets)-1]; last != t {
		return last
	}
	return nil
}

// serve ends those of served that still wait, but for the leader and another one.
func (c *chains) serve(leader, but *ticket, served []*ticket, how ending, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, t := range served {
		if t == leader || t == but || !slices.Contains(leader.in.tickets, t) {
			continue
		}
		leader.in.tickets = slices.DeleteFunc(leader.in.tickets, func(o *ticket) bool { return o == t })
		t.ending, t.err = how, err
		close(t.ended)
	}
}

// leave gives a place up. Where it was the leader's, another leads from now on: the one that a mark was set for, else the
// newest.
func (c *chains) leave(t *ticket) {
	c.mu.Lock()
	defer c.mu.Unlock()
	i := slices.Index(t.in.tickets, t)
	if i < 0 {
		return // it was served
	}
	t.in.tickets = slices.Delete(t.in.tickets, i, i+1)
	if len(t.in.tickets) == 0 {
		delete(c.of, t.name)
		return
	}
	select {
	case <-t.lead:
	default:
		return
	}
	next := t.in.tickets[len(t.in.tickets)-1]
	if i := slices.IndexFunc(t.in.tickets, func(o *ticket) bool { return o.mark != nil }); i >= 0 {
		next = t.in.tickets[i]
	}
	close(next.lead)
}

// hand gives a mark to the ticket that is to lead next.
func (c *chains) hand(next *ticket, m *mark) {
	c.mu.Lock()
	defer c.mu.Unlock()
	next.mark = m
}

func (c *chains) wrote(t *ticket) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return t.in.wrote
}

func (c *chains) setWrote(t *ticket, wrote bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	t.in.wrote = wrote
}

// handed is the mark that was set for a ticket before it led; nil: none.
func (c *chains) handed(t *ticket) *mark {
	c.mu.Lock()
	defer c.mu.Unlock()
	return t.mark
}
