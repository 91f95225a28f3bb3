package main

// What the page shows of alerts, as the state table has it: the same on every instance.

import (
	"context"
	"slices"
	"strings"
	"time"

	"inventoryd/internal/inventory"
	"inventoryd/internal/state"
	"inventoryd/internal/web/page"
	"inventoryd/notifier"
)

const (
	shownAlerts = 20 // messages that the operator's page lists
	storyDays   = 7  // in whose history an item's page looks for messages about it
)

// alertsOf tells the page of what is to be told, and of what was told since yesterday.
func alertsOf(book notifier.Book) func(context.Context) (page.Alerts, error) {
	return func(ctx context.Context) (page.Alerts, error) {
		backlog, err := book.Backlog(ctx, time.Now())
		if err != nil {
			return page.Alerts{}, err
		}
		told, err := book.Recent(ctx, time.Now(), shownAlerts)
		if err != nil {
			return page.Alerts{}, err
		}
		shown := page.Alerts{Due: backlog.Due, DueMore: backlog.More, OldestDue: backlog.Oldest, Failed: backlog.Failed}
		for _, h := range told {
			shown.Recent = append(shown.Recent, page.Alert{At: h.At, Event: h.Event, Store: h.Store, Text: firstLine(h.Body)})
		}
		return shown, nil
	}
}

// sinceOf tells the page since when items are short.
func sinceOf(book notifier.Book) func(context.Context, []inventory.Key) (map[inventory.Key]time.Time, error) {
	return func(ctx context.Context, keys []inventory.Key) (map[inventory.Key]time.Time, error) {
		rows, err := book.Items(ctx, keys)
		if err != nil {
			return nil, err
		}
		since := map[inventory.Key]time.Time{}
		for _, row := range rows {
			if row.Stock == state.Out {
				since[inventory.Key{Store: row.Store, Item: row.Item}] = row.Began.At
			}
		}
		return since, nil
	}
}

// storyOf tells the page what is known of one item.
func storyOf(cfg Config, book notifier.Book, ledger state.Ledger) func(context.Context, inventory.Key) (page.Story, error) {
	return func(ctx context.Context, k inventory.Key) (story page.Story, err error) {
		row, known, err := book.Item(ctx, k)
		if err != nil {
			return story, err
		}
		var days []time.Time
		for n := range storyDays {
			days = append(days, time.Now().AddDate(0, 0, -n))
		}
		if known {
			if row.Stock == state.Out {
				story.Since = row.Began.At
			}
			switch {
			case row.Failed != "":
				story.Due = "refused by SNS: " + row.Failed
			case row.Due.Kind != "":
				story.Due = string(row.Due.Kind)
			}
			if last := row.Told.V; !last.IsZero() && last.Before(days[storyDays-1]) && !sameDay(last, days[storyDays-1]) {
				days = append(days, last)
			}
		}
		told, err := book.Told(ctx, k, days)
		for _, h := range told {
			story.Told = append(story.Told, page.Alert{At: h.At, Event: h.Event, Store: h.Store, Text: lineAbout(h, k.Item)})
		}
		if err != nil {
			return story, err
		}
		story.Loads, err = loadsOfStore(ctx, cfg, ledger, k.Store)
		return story, err
	}
}

func sameDay(a, b time.Time) bool {
	return a.UTC().Format(time.DateOnly) == b.UTC().Format(time.DateOnly)
}

// lineAbout is the line of a message that tells of an item.
func lineAbout(h state.History, item string) string {
	for line := range strings.Lines(h.Body) {
		if strings.Contains(line, item) {
			return firstLine(strings.TrimRight(line, "\r\n"))
		}
	}
	if at := slices.IndexFunc(h.Subjects, func(s state.Subject) bool { return s.Item == item }); at > 0 {
		return firstLine(h.Subject)
	}
	return firstLine(h.Body)
}
