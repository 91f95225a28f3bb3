package notifier

import (
	"inventoryd/internal/inventory"
	"inventoryd/internal/state"
)

// Foretell tells what a change would make of an item that is as its images say: whether it runs out of stock, or comes back.
// Which messages that makes depends on time: on cool-downs, groups and what comes after it.
func (r Rules) Foretell(before, after *inventory.Item) (out, back bool) {
	is, was := r.side(after), r.side(before)
	return is == state.Out && was == state.In, is == state.In && was == state.Out
}
