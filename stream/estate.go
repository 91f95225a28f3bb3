package stream

// This file: who gets this instance's shards when it stops.

import (
	"slices"
	"sync"

	"inventoryd/internal/lease"
	"inventoryd/stream/internal/plan"
)

// estate is who gets this instance's shards when it stops.
type estate struct {
	mu     sync.Mutex // guards what follows
	others []plan.Instance
	loads  map[string]float64
}

func (e *estate) set(others []plan.Instance, loads map[string]float64) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.others, e.loads = others, loads
}

// refresh takes the instances as they are now, but for this one: who is dead or leaves is no heir, and who has just joined is.
func (e *estate) refresh(now []lease.Instance, me string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	stay := map[string]plan.Instance{}
	for _, i := range e.others {
		stay[i.ID] = i
	}
	e.others = nil
	for _, i := range now {
		if i.Dead || i.Leaving || i.ID == me {
			continue
		}
		known := stay[i.ID] // or has just joined
		known.ID = i.ID
		e.others = append(e.others, known)
	}
}

// drop forgets one that stops.
func (e *estate) drop(id string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.others = slices.DeleteFunc(slices.Clone(e.others), func(i plan.Instance) bool { return i.ID == id })
}

// heir is who gets a shard of this weight, "" where nobody else lives.
func (e *estate) heir(weight float64) string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return plan.Heir(e.others, e.loads, weight)
}

// lives is true of another instance that lives and stays.
func (e *estate) lives(id string) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, i := range e.others {
		if i.ID == id {
			return !i.Leaving
		}
	}
	return false
}

// alone is true where nobody else lives and stays.
func (e *estate) alone() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, i := range e.others {
		if !i.Leaving {
			return false
		}
	}
	return true
}
