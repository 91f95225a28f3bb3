package main

import (
	"inventoryd/internal/health"
	"inventoryd/loader/lanes"
)

// watch is the watch over loops as the parts take it. ticked, where there is one, is told of each tick by the loop's name.
type watch struct {
	health *health.Health
	ticked func(string)
}

// Loop registers a loop.
func (w watch) Loop(name string) (tick, done func()) {
	turn, done := w.health.Loop(name)
	if w.ticked == nil {
		return turn, done
	}
	return func() { w.ticked(name); turn() }, done
}

// Work registers who is a loop while it does not wait for others.
func (w watch) Work(name string) lanes.Pulse {
	tick, rest, done := w.health.Work(name)
	if w.ticked == nil {
		return lanes.NewPulse(tick, rest, done)
	}
	return lanes.NewPulse(func() { tick(); w.ticked(name) }, rest, done)
}
