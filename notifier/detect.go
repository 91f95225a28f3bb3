package notifier

// What has changed: which changes of a batch are transitions of their items, judged by the images alone.

import (
	"context"

	"go.uber.org/zap"

	"inventoryd/internal/inventory"
	"inventoryd/internal/state"
)

// side is where a count is: out of stock at or below the item's threshold, or else the configuration's.
func (r *Rules) side(i *inventory.Item) state.Stock {
	if i != nil && i.Count <= r.limit(i) {
		return state.Out
	}
	return state.In // also an item that is not there: nobody has to restock it
}

// limit is the threshold that holds for an item.
func (r *Rules) limit(i *inventory.Item) int64 {
	if i.Threshold != nil {
		return *i.Threshold
	}
	return r.Threshold
}

// transition is a change that takes its item across the threshold, or may do so.
type transition struct {
	index  int // of the change in its batch
	change *inventory.Change
	to     state.Stock
	// certain: the images show it; else the item's row must say what was before.
	certain bool
	// head is an uncertain transition before this one, on which it depends where this shortage began.
	head *transition
	// began is the change with which the shortage began that ends here, where that is known; nil: the row knows it.
	began *inventory.Change
}

// find tells from the images whether a usable change takes its item across the threshold, and to which side. An item
// that is removed comes to be In.
func (r *Rules) find(c *inventory.Change) (to state.Stock, certain, found bool) {
	to = r.side(c.New)
	if c.OldUnknown {
		return to, false, true
	}
	return to, true, to != r.side(c.Old)
}

// detect finds the transitions of a batch, folded to at most one for each item: what it leads to in the end. A batch
// without any costs no allocation.
func (n *Notifier) detect(ctx context.Context, r *Rules, changes []inventory.Change) []*transition {
	var found []*transition
	var last map[inventory.Key]*transition
	var odd oddities
	for i := range changes {
		c := &changes[i]
		if c.Invalid != nil {
			odd.unusable, odd.reason = odd.unusable+1, c.Invalid
			continue
		}
		if c.New == nil {
			odd.removed++
		}
		to, certain, ok := r.find(c)
		if !ok {
			continue
		}
		if c.NoOldImage {
			odd.imageless++
		}
		next := &transition{index: i, change: c, to: to, certain: certain}
		before := last[c.Key]
		if before == nil {
			if last == nil {
				last = map[inventory.Key]*transition{}
			}
			found = append(found, next)
			last[c.Key] = next
			continue
		}
		before.fold(next)
	}
	if odd.unusable+odd.removed+odd.imageless > 0 {
		n.noteOddities(ctx, odd)
	}
	return found
}

// fold makes t what it and the later transition of the same item lead to together. Its index stays: what is not done
// begins there.
func (t *transition) fold(next *transition) {
	if t.to == next.to && !next.certain {
		return // after t the item is there already
	}
	if t.to == next.to && t.to == state.In {
		t.change, t.certain = next.change, true // once more in stock: only the position is later
		return
	}
	if next.to == state.Out {
		t.change, t.to, t.certain, t.began, t.head = next.change, state.Out, true, nil, nil
		return
	}
	// A shortage ends that began with t, or where t is uncertain perhaps earlier.
	if t.to == state.Out && !t.certain {
		head := *t
		t.head, t.began = &head, nil
	} else if t.to == state.Out {
		t.began = t.change
	}
	t.change, t.to, t.certain = next.change, state.In, true
}

// oddities are the changes of a batch that are no ordinary ones.
type oddities struct {
	unusable, removed, imageless int
	reason                       error // of the last that is unusable
}

// noteOddities counts them, and logs each kind at most once a minute.
func (n *Notifier) noteOddities(ctx context.Context, odd oddities) {
	n.meters.unusable.add(ctx, odd.unusable)
	n.meters.removed.add(ctx, odd.removed)
	if count, due := n.unusable.add(odd.unusable); due {
		n.log.Warn("changes without a usable count ignored", zap.Int("changes", count), zap.Error(odd.reason))
	}
	if count, due := n.removed.add(odd.removed); due {
		n.log.Info("items removed from the table", zap.Int("changes", count))
	}
	if odd.imageless > 0 {
		n.noOldImages.Do(func() {
			n.log.Warn("stream carries no old images, so that each change costs a write: give the stream the view type NEW_AND_OLD_IMAGES")
		})
	}
}
