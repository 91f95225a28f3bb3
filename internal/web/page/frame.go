package page

// What every page has: navigation, and what is wrong, in words, at the top.

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"inventoryd/internal/web/stock"
)

// patience is how long a page waits for the inventory to be read; then it shows what there is.
const patience = 700 * time.Millisecond

// frame is what all templates need.
type frame struct {
	Title    string
	App      string
	Version  string
	Here     string // the page: stock, item, restock or operator
	Sel      selection
	State    stock.State
	Warnings []warning
	Problems int  // of the daemon's parts; the operator's page tells them
	Operator bool // there is an operator's page
}

// warning is what a looker must know before reading on.
type warning struct {
	Kind string // trouble, held or late
	Text string
	Time time.Time // zero: none
	Link string
}

// View is what is shown; nil if nothing was read yet.
func (f frame) View() *stock.View { return f.State.View }

// frame reads what is selected, and what is to be said at the top.
func (p *Page) frame(r *http.Request, here string, sel selection) frame {
	ctx, cancel := context.WithTimeout(r.Context(), patience)
	defer cancel()
	f := frame{App: p.cfg.App, Version: p.cfg.Version, Here: here, Sel: sel, Operator: p.cfg.Sources.Health != nil}
	if here != "operator" {
		f.State = p.cfg.Reader.Look(ctx, sel.Store)
		f.Warnings = p.warnings(r.Context(), sel.Store, f.State)
	}
	if f.Operator {
		for _, s := range p.cfg.Sources.Health().Parts {
			if !s.OK {
				f.Problems++
			}
		}
	}
	return f
}

// warnings says what makes the view less than it seems: it could not be read, or the feeds behind it have not come.
func (p *Page) warnings(ctx context.Context, store string, s stock.State) (list []warning) {
	if s.Trouble != "" {
		list = append(list, warning{Kind: "trouble", Text: "The inventory cannot be read: " + s.Trouble + ".", Time: s.Since})
	}
	feeds := p.operator.feeds.get(ctx)
	for _, f := range feeds.Value {
		if store != "" && !slices.Contains(f.Stores, store) {
			continue
		}
		switch {
		case f.Held:
			list = append(list, warning{Kind: "held", Text: fmt.Sprintf("The last feed %s is held back and not in these figures: %s.", short(f.Name), f.Why), Time: f.Last, Link: "operator#feeds"})
		case f.Late:
			list = append(list, warning{Kind: "late", Text: fmt.Sprintf("The feed %s is late: %s.", short(f.Name), f.Why), Time: f.Last, Link: "operator#feeds"})
		}
	}
	const most = 5
	if n := len(list); n > most {
		list = append(list[:most], warning{Kind: "late", Text: fmt.Sprintf("%d more feeds are late or held.", n-most), Link: "operator#feeds"})
	}
	return list
}

// feedOf is the feed that brought a store's present rows, by the time of its last load.
func (p *Page) feedOf(ctx context.Context, store string) (feed Feed, ok bool) {
	for _, f := range p.operator.feeds.get(ctx).Value {
		if slices.Contains(f.Stores, store) && f.Last.After(feed.Last) {
			feed, ok = f, true
		}
	}
	return feed, ok
}

// refuse answers a request that cannot be met.
func (p *Page) refuse(w http.ResponseWriter, err error) {
	code := http.StatusServiceUnavailable
	var bad badRequest
	if errors.As(err, &bad) {
		code = http.StatusBadRequest
	}
	f := frame{Title: "This cannot be shown", App: p.cfg.App, Version: p.cfg.Version, Operator: p.cfg.Sources.Health != nil}
	p.show(w, code, "refused", struct {
		frame
		Why string
	}{f, err.Error()})
}
