package main

// What the page shows of feeds.

import (
	"context"
	"fmt"

	"inventoryd/internal/state"
	"inventoryd/internal/web/page"
)

// feedsOf tells the page of the feeds, as the ledger has them: the same on every instance.
func feedsOf(cfg Config, c state.Ledger) func(context.Context) ([]page.Feed, error) {
	return func(ctx context.Context) ([]page.Feed, error) {
		feeds, err := state.Feeds(ctx, c, cfg.StateTable, cfg.App)
		if err != nil {
			return nil, err
		}
		urgentFirst(feeds)
		shown := make([]page.Feed, len(feeds))
		for i, f := range feeds {
			shown[i] = feedShown(f)
		}
		return shown, nil
	}
}

func feedShown(f state.Feed) page.Feed {
	shown := page.Feed{Name: f.Name, Note: f.Rule}
	if g := f.Good; g != nil {
		shown.Object, shown.Last, shown.Stores, shown.Rows, shown.Note = g.Bucket+"/"+g.Key, g.Version.Modified, g.Stores, g.Rows, g.Note
	}
	switch {
	case f.Held != nil:
		shown.Held, shown.Why, shown.Command = true, oneLine(f.Held.Note), releaseWords(f.Held)
		if len(shown.Stores) == 0 {
			shown.Stores = f.Held.Stores
		}
	case !f.Late.IsZero():
		shown.Late, shown.Why = true, lateWords(f)
	}
	return shown
}

// feedsOfStore are the feeds that have loaded a store within a month, the latest first.
func feedsOfStore(ctx context.Context, cfg Config, c state.Ledger, store string) (found []state.Feed, err error) {
	const most = 5
	feeds, err := state.FeedsOfStore(ctx, c, cfg.StateTable, cfg.App, store)
	if err != nil {
		return nil, err
	}
	for _, one := range feeds[:min(most, len(feeds))] {
		f, _, err := state.FeedNamed(ctx, c, cfg.StateTable, cfg.App, one.Feed)
		if err != nil {
			return nil, err
		}
		found = append(found, f)
	}
	return found, nil
}

// loadsOfStore are the last loads of the feeds that load a store.
func loadsOfStore(ctx context.Context, cfg Config, c state.Ledger, store string) (shown []page.Load, err error) {
	feeds, err := feedsOfStore(ctx, cfg, c, store)
	if err != nil {
		return nil, err
	}
	for _, f := range feeds {
		if f.Good == nil {
			continue
		}
		row, ok, err := state.LoadNamed(ctx, c, cfg.StateTable, cfg.App, f.Good.Bucket, f.Good.Key)
		if err != nil {
			return nil, fmt.Errorf("loads of a store: %w", err)
		}
		if ok {
			shown = append(shown, ledgerShown([]state.Load{row})...)
		}
	}
	return shown, nil
}
