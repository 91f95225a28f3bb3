package page

// The page of one item: in one store with all that is known of it, or in all stores.

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"inventoryd/internal/inventory"
	"inventoryd/internal/web/stock"
)

// itemPage is what the template item shows.
type itemPage struct {
	frame
	Found   []stock.Found // by store
	Axis    axis
	Unread  int // stores that were not asked
	Trouble string
	Story   Story
	Told    bool // there is a story
	Feed    Feed
	HasFeed bool
}

// Only is the item where it is in one store.
func (p itemPage) Only() *stock.Found {
	if p.Sel.Store == "" || len(p.Found) == 0 {
		return nil
	}
	return &p.Found[0]
}

func (p *Page) item(w http.ResponseWriter, r *http.Request, sel selection) {
	ctx, cancel := context.WithTimeout(r.Context(), operatorPatience)
	defer cancel()
	page := itemPage{frame: p.frame(r, "item", sel)}
	page.Title = visible(sel.Item)
	stores := []string{sel.Store}
	if sel.Store == "" {
		stores, page.Unread = storesOf(page.State.View, sel.Item)
	}
	found, err := p.cfg.Reader.Items(ctx, sel.Item, stores)
	if err != nil {
		page.Trouble = err.Error()
	}
	if sel.Store == "" && page.State.View == nil {
		page.Trouble = "the stores are not known yet"
	}
	slices.SortFunc(found, func(a, b stock.Found) int { return strings.Compare(a.Store, b.Store) })
	page.Found = found
	var most int64
	for _, f := range found {
		most = max(most, f.Count)
	}
	page.Axis = axisOf(most)
	page.Feed, page.HasFeed = p.feedOf(ctx, sel.Store)
	if sel.Store != "" && p.cfg.Sources.Story != nil {
		page.Story, page.Told, err = p.story(ctx, inventory.Key{Store: sel.Store, Item: sel.Item})
		if err != nil {
			page.Warnings = append(page.Warnings, warning{Kind: "trouble", Text: "What was told of this item cannot be read at present."})
		}
	}
	code := http.StatusOK
	switch {
	case page.Trouble != "":
		code = http.StatusServiceUnavailable
	case len(found) == 0:
		code = http.StatusNotFound
	}
	p.show(w, code, "item", page)
}

// storesOf is the stores to ask for an item: those that are short of it first.
func storesOf(v *stock.View, item string) (stores []string, unread int) {
	if v == nil {
		return nil, 0
	}
	for _, s := range v.Shortages {
		if s.Item == item && len(stores) < stock.MaxAsked {
			stores = append(stores, s.Store)
		}
	}
	n := len(stores)
	for _, s := range v.Stores {
		if _, short := slices.BinarySearch(stores[:n], s.Store); short {
			continue
		}
		if len(stores) == stock.MaxAsked {
			unread++
			continue
		}
		stores = append(stores, s.Store)
	}
	return stores, unread + v.HiddenStores
}

// story asks for an item's story; few at a time.
func (p *Page) story(ctx context.Context, k inventory.Key) (Story, bool, error) {
	select {
	case p.stories <- struct{}{}:
	case <-ctx.Done():
		return Story{}, false, ctx.Err()
	}
	defer func() { <-p.stories }()
	s, err := p.cfg.Sources.Story(ctx, k)
	if err != nil {
		return Story{}, false, fmt.Errorf("story of %v: %w", k, err)
	}
	return s, true, nil
}
