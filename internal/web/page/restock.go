package page

// The list to print and to walk the shelves with.

import (
	"cmp"
	"net/http"
	"slices"
	"time"

	"inventoryd/internal/inventory"
	"inventoryd/internal/web/stock"
)

// restockPage is what the template restock shows.
type restockPage struct {
	frame
	Choices []stock.Summary
	Typed   bool
	Rows    []restockRow
	Hidden  int // shortages that are not listed
	Since   bool
	Pending int // shortages of which nobody has asked yet since when they last
	Feed    Feed
	HasFeed bool
}

type restockRow struct {
	stock.Row
	Since time.Time // zero: unknown
}

func (p *Page) restock(w http.ResponseWriter, r *http.Request) {
	sel, err := selectionOf(r, stock.ByNeed)
	if err != nil {
		p.refuse(w, err)
		return
	}
	page := restockPage{frame: p.frame(r, "restock", sel)}
	page.Title = "Restock list"
	page.Choices, page.Typed = p.choices(r, sel)
	page.Feed, page.HasFeed = p.feedOf(r.Context(), sel.Store)
	code := http.StatusServiceUnavailable
	if v := page.State.View; v != nil {
		code = http.StatusOK
		var rows []stock.Row
		rows, page.Hidden = v.Short()
		keys := make([]inventory.Key, len(rows))
		for i, row := range rows {
			keys[i] = inventory.Key{Store: row.Store, Item: row.Item}
		}
		var since map[inventory.Key]time.Time
		since, page.Pending = p.operator.shortages.of(r.Context(), keys)
		for i, row := range rows {
			at := since[keys[i]]
			page.Since = page.Since || !at.IsZero()
			page.Rows = append(page.Rows, restockRow{row, at})
		}
	}
	slices.SortStableFunc(page.Rows, func(a, b restockRow) int { return oldestFirst(a, b, page.Since) })
	p.show(w, code, "restock", page)
}

// oldestFirst sorts by the beginning of the shortage; what has none comes last. Where none has, what is out comes first.
func oldestFirst(a, b restockRow, known bool) int {
	if !known {
		return cmp.Compare(b.Level, a.Level)
	}
	if a.Since.IsZero() != b.Since.IsZero() {
		return cmp.Or(boolean(a.Since.IsZero())-boolean(b.Since.IsZero()), 0)
	}
	return a.Since.Compare(b.Since)
}

func boolean(b bool) int {
	if b {
		return 1
	}
	return 0
}
