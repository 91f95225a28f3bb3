package page

// What a request selects, and the links that select something else.

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"unicode/utf8"

	"inventoryd/internal/inventory"
	"inventoryd/internal/web/stock"
)

const (
	rowsOfPage = 100
	maxFind    = 200 // bytes of a search
)

// selection is the query of the page and of the API.
type selection struct {
	Store   string // "": all stores
	Item    string // "": all items
	Find    string
	By      stock.Order
	Reverse bool
	From    int // number of the first row
}

// badRequest is what is wrong with a request, for its sender.
type badRequest string

func (b badRequest) Error() string { return string(b) }

func selectionOf(r *http.Request, by stock.Order) (selection, error) {
	q, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return selection{By: by}, badRequest("the query cannot be read: a part of it is not percent-encoded")
	}
	s := selection{Store: q.Get("store"), Item: q.Get("item"), Find: q.Get("q"), By: by, Reverse: q.Get("reverse") == "1"}
	for _, c := range []struct {
		name, value string
		limit       int
	}{{"store", s.Store, inventory.MaxStore}, {"item", s.Item, inventory.MaxItem}, {"q", s.Find, maxFind}} {
		if len(c.value) > c.limit || !utf8.ValidString(c.value) {
			return selection{By: by}, badRequest(fmt.Sprintf("%s must be UTF-8 of at most %d bytes", c.name, c.limit))
		}
	}
	if sort := stock.Order(q.Get("sort")); sort != "" {
		if !slices.Contains(stock.Orders, sort) {
			return s, badRequest(fmt.Sprintf("sort must be one of %v", stock.Orders))
		}
		s.By = sort
	}
	if from := q.Get("from"); from != "" {
		if s.From, err = strconv.Atoi(from); err != nil || s.From < 0 {
			return s, badRequest("from must be the number of a row, from 0")
		}
	}
	return s, nil
}

// query is the selection as a query string with its question mark.
func (s selection) query() string {
	q := url.Values{}
	set := func(name, value string) {
		if value != "" {
			q.Set(name, value)
		}
	}
	set("store", s.Store)
	set("item", s.Item)
	set("q", s.Find)
	if s.By != stock.ByNeed {
		set("sort", string(s.By))
	}
	if s.Reverse {
		q.Set("reverse", "1")
	}
	if s.From > 0 {
		q.Set("from", strconv.Itoa(s.From))
	}
	if len(q) == 0 {
		return "./"
	}
	return "./?" + q.Encode()
}

// Sorted is the link that sorts by a column; that of the column sorted by turns the order around.
func (s selection) Sorted(by stock.Order) string {
	s.Reverse = s.By == by && !s.Reverse
	s.By, s.From = by, 0
	return s.query()
}

// Aria is the attribute aria-sort of a column.
func (s selection) Aria(by stock.Order) string {
	switch {
	case s.By != by:
		return "none"
	case s.Reverse:
		return "descending"
	}
	return "ascending"
}

// At is the link to the rows from n on.
func (s selection) At(n int) string {
	s.From = max(0, n)
	return s.query()
}

// Download is the query of a download of the selection.
func (s selection) Download() string {
	s.From, s.Item = 0, ""
	q := s.query()
	return q[len("./"):]
}

// linkTo is the link to a store ("": all), or to an item of it.
func linkTo(store, item string) string {
	return selection{Store: store, Item: item, By: stock.ByNeed}.query()
}

// plain tells whether it is all rows of a store as the table has them: those that the view hides can be read.
func (s selection) plain() bool {
	return s.Store != "" && s.Find == "" && s.By == stock.ByTable && !s.Reverse
}
