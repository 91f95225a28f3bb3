package page

// The page of a store, or of all of them.

import (
	"net/http"
	"slices"
	"time"

	"inventoryd/internal/web/stock"
)

// inventoryPage is what the template stock shows.
type inventoryPage struct {
	frame
	Choices []stock.Summary // stores to choose among
	Typed   bool            // they are too many for a list: the name is typed
	Rows    []stock.Row
	Found   int // rows that the search has found
	Axis    axis
	Feed    Feed
	HasFeed bool
}

// manyStores is how many stores a list to choose from may have.
const manyStores = 1000

func (p *Page) stock(w http.ResponseWriter, r *http.Request) {
	sel, err := selectionOf(r, stock.ByNeed)
	if err != nil {
		p.refuse(w, err)
		return
	}
	if sel.Item != "" {
		p.item(w, r, sel)
		return
	}
	f := p.frame(r, "stock", sel)
	f.Title = "Inventory Dashboard"
	page := inventoryPage{frame: f, Axis: axisOf(0)}
	page.Choices, page.Typed = p.choices(r, sel)
	page.Feed, page.HasFeed = p.feedOf(r.Context(), sel.Store)
	if v := f.State.View; v != nil {
		numbers := v.Select(sel.Find, sel.By, sel.Reverse)
		page.Found = len(numbers)
		page.Axis = axisOf(highest(v, numbers))
		for _, i := range numbers[min(sel.From, len(numbers)):min(sel.From+rowsOfPage, len(numbers))] {
			page.Rows = append(page.Rows, rowOf(v, int(i)))
		}
	}
	code := http.StatusOK
	if f.State.View == nil {
		code = http.StatusServiceUnavailable
		w.Header().Set("Retry-After", "5")
	}
	p.show(w, code, "stock", page)
}

func rowOf(v *stock.View, i int) stock.Row {
	row := v.Row(i)
	row.Store = v.Store
	return row
}

func highest(v *stock.View, numbers []uint32) (most int64) {
	for _, i := range numbers {
		most = max(most, v.Row(int(i)).Count)
	}
	return most
}

// choices are the stores to choose among: those of the last scan, which begins for whoever opens the page the first time.
func (p *Page) choices(r *http.Request, sel selection) (stores []stock.Summary, typed bool) {
	all := p.cfg.Reader.Last("")
	if all.View == nil || time.Since(all.View.AsOf) > storesKept {
		p.cfg.Reader.Ask("")
	}
	if all.View != nil {
		stores = all.View.Stores
		typed = len(stores) > manyStores || all.View.HiddenStores > 0
		stores = stores[:min(len(stores), manyStores)]
	}
	if sel.Store == "" || slices.ContainsFunc(stores, func(s stock.Summary) bool { return s.Store == sel.Store }) {
		return stores, typed
	}
	return append([]stock.Summary{{Store: sel.Store}}, stores...), typed
}

// storesKept is how old the list of stores may be on the page of one of them.
const storesKept = 2 * time.Minute

// Next is the link to the rows after those shown; "" where there are none.
func (p inventoryPage) Next() string {
	if p.Sel.From+rowsOfPage >= p.Found {
		return ""
	}
	return p.Sel.At(p.Sel.From + rowsOfPage)
}

// Before is the link to the rows before those shown; "" where there are none.
func (p inventoryPage) Before() string {
	if p.Sel.From == 0 {
		return ""
	}
	return p.Sel.At(p.Sel.From - rowsOfPage)
}

// First and Last are the numbers of the rows shown, from 1.
func (p inventoryPage) First() int { return p.Sel.From + 1 }

// Last is the number of the last row shown.
func (p inventoryPage) Last() int { return p.Sel.From + len(p.Rows) }
