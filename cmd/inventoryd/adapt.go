package main

import (
	"context"
	"errors"
	"fmt"

	"inventoryd/internal/inventory"
	"inventoryd/loader"
	"inventoryd/notifier"
	"inventoryd/stream"
)

// feedTeller joins the loader to the notifier: what happens to feeds is told to people. Neither package knows the other.
func feedTeller(tell func(context.Context, notifier.FeedEvent) error) func(context.Context, loader.FeedEvent) error {
	return func(ctx context.Context, e loader.FeedEvent) error { return tell(ctx, notifier.FeedEvent(e)) }
}

// handler joins the stream to the notifier: records become changes, and a change that failed becomes a record that
// failed. Neither package knows the other.
func handler(table inventory.Table, threshold string, handle func(context.Context, []inventory.Change) error) stream.Handler {
	return func(ctx context.Context, batch []stream.Record) error {
		changes := make([]inventory.Change, len(batch))
		for i, r := range batch {
			changes[i] = changeOf(table, threshold, r)
		}
		err := handle(ctx, changes)
		var failed *inventory.Failure
		if !errors.As(err, &failed) {
			return err
		}
		if failed.Permanent {
			return stream.FailedAt(failed.Index, stream.Permanent(failed.Err))
		}
		return stream.FailedAt(failed.Index, failed.Err)
	}
}

// changeOf reads a record as a change of the inventory; what it cannot read is in Invalid. threshold names the attribute
// that holds an item's own threshold, "" for none.
func changeOf(table inventory.Table, threshold string, r stream.Record) inventory.Change {
	c := inventory.Change{ID: r.ID, Position: r.Position(), Created: r.Created}
	if c.Key, c.Invalid = keyOf(table, r.Keys); c.Invalid != nil {
		return c
	}
	if c.New, c.Invalid = itemOf(table, threshold, c.Key, r.New); c.Invalid != nil {
		return c
	}
	// An old image without a usable count (written by somebody else) says nothing: the item's row does.
	c.Old, _ = itemOf(table, threshold, c.Key, r.Old)
	c.OldUnknown = r.Kind != stream.Insert && c.Old == nil
	c.NoOldImage = c.OldUnknown && !r.Old.Exists()
	return c
}

func keyOf(table inventory.Table, keys stream.Image) (k inventory.Key, err error) {
	if k.Store, err = text(keys, table.Store); err != nil {
		return k, err
	}
	k.Item, err = text(keys, table.Item)
	return k, err
}

func text(image stream.Image, name string) (string, error) {
	v, _ := image.Lookup(name)
	s, ok := v.S()
	if !ok {
		return "", fmt.Errorf("attribute %s is no string", name)
	}
	return s, nil
}

// itemOf reads an image; an absent image is no item and no error.
func itemOf(table inventory.Table, threshold string, k inventory.Key, image stream.Image) (*inventory.Item, error) {
	if !image.Exists() {
		return nil, nil
	}
	v, _ := image.Lookup(table.Count)
	n, ok := v.N()
	if !ok {
		return nil, fmt.Errorf("attribute %s is no number", table.Count)
	}
	count, err := inventory.ParseCount(n)
	if err != nil {
		return nil, fmt.Errorf("attribute %s: %w", table.Count, err)
	}
	i := &inventory.Item{Key: k, Count: count}
	if threshold != "" {
		i.Threshold = thresholdOf(image, threshold)
	}
	return i, nil
}

// thresholdOf reads an item's own threshold; nil where it has none that is usable.
func thresholdOf(image stream.Image, name string) *int64 {
	v, _ := image.Lookup(name)
	n, ok := v.N()
	if !ok {
		return nil
	}
	t, err := inventory.ParseCount(n)
	if err != nil {
		return nil
	}
	return &t
}
