package notifier

import (
	"context"

	"go.uber.org/zap"

	"inventoryd/internal/inventory"
	"inventoryd/internal/state"
)

// candidate is a change that may be a transition of its item.
type candidate struct {
	index int // of the change in its batch
	to    state.Stock
	// certain: the images show the transition; else the alert row must say what was before.
	certain bool
}

// side is where a count is: out of stock at or below the threshold.
func (r Rules) side(i *inventory.Item) state.Stock {
	if i != nil && i.Count <= r.Threshold {
		return state.Out
	}
	return state.In // also an item that is not there: nobody has to restock it
}

// transition tells from the images whether a usable change takes its item across the threshold, and to which side.
// An item that is removed comes to be In.
func (r Rules) transition(c *inventory.Change) (to state.Stock, certain, found bool) {
	to = r.side(c.New)
	if c.OldUnknown {
		return to, false, true
	}
	return to, true, to != r.side(c.Old)
}

// detect finds the candidates of a batch, and counts what cannot be used. A batch without any costs no allocation.
func (n *Notifier) detect(ctx context.Context, r Rules, changes []inventory.Change) []candidate {
	var found []candidate
	var unusable, removed, unknown int
	var reason error
	for i := range changes {
		c := &changes[i]
		if c.Invalid != nil {
			unusable, reason = unusable+1, c.Invalid
			continue
		}
		if c.New == nil {
			removed++
		}
		to, certain, ok := r.transition(c)
		if !ok {
			continue
		}
		if !certain {
			unknown++
		}
		found = append(found, candidate{i, to, certain})
	}
	if unusable+removed+unknown > 0 {
		n.noteOddities(ctx, unusable, removed, unknown, reason)
	}
	return found
}

// noteOddities counts the changes that are no ordinary ones, and logs each kind at most once a minute.
func (n *Notifier) noteOddities(ctx context.Context, unusable, removed, unknown int, reason error) {
	n.meters.unusable.add(ctx, unusable)
	n.meters.removed.add(ctx, removed)
	now := n.config.wall()
	if count, due := n.unusable.add(now, unusable); due {
		n.log.Warn("changes without a usable count ignored", zap.Int("changes", count), zap.Error(reason))
	}
	if count, due := n.removed.add(now, removed); due {
		n.log.Info("items removed from the table", zap.Int("changes", count))
	}
	if unknown > 0 {
		n.noOldImages.Do(func() {
			n.log.Warn("stream carries no old images, alert rows decide: give the stream the view type NEW_AND_OLD_IMAGES")
		})
	}
}
