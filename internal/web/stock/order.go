package stock

// Searching and sorting.

import (
	"bytes"
	"cmp"
	"slices"
	"strings"

	"golang.org/x/text/collate"
	"golang.org/x/text/language"
)

// Order is what rows are sorted by.
type Order string

// The orders. Names are compared as people do: case and accents count last.
const (
	ByTable  Order = "table"  // as the table sorts: by the bytes of the name
	ByNeed   Order = "need"   // out first, then low, then the rest; by name among them
	ByItem   Order = "item"   // by name
	ByCount  Order = "count"  // the least first
	ByStores Order = "stores" // of a sum: the item that most stores are out of first
)

// Orders lists all of them.
var Orders = []Order{ByTable, ByNeed, ByItem, ByCount, ByStores}

// Select lists the rows whose item contains all words of what, whatever the case, in the order by.
func (l *list) Select(what string, by Order, reverse bool) []uint32 {
	rows := l.order(by)
	words := strings.Fields(strings.ToLower(what))
	found := make([]uint32, 0, len(rows))
	for _, i := range rows {
		if contains(strings.ToLower(l.name(int(i))), words) {
			found = append(found, i)
		}
	}
	if reverse {
		slices.Reverse(found)
	}
	return found
}

func contains(name string, words []string) bool {
	for _, w := range words {
		if !strings.Contains(name, w) {
			return false
		}
	}
	return true
}

// order is the numbers of all rows in the order by, which is made once for each view.
func (l *list) order(by Order) []uint32 {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.orders == nil {
		l.orders = map[Order][]uint32{ByItem: l.byName()}
	}
	if o, ok := l.orders[by]; ok {
		return o
	}
	if by == ByTable {
		l.orders[by] = l.byTable()
		return l.orders[by]
	}
	o := slices.Clone(l.orders[ByItem])
	slices.SortStableFunc(o, func(a, b uint32) int {
		switch by {
		case ByCount:
			return cmp.Compare(l.counts[a], l.counts[b])
		case ByStores:
			if l.over != nil {
				return cmp.Or(cmp.Compare(l.over[b].out, l.over[a].out), cmp.Compare(l.over[b].low, l.over[a].low))
			}
		}
		return cmp.Compare(l.levels[b], l.levels[a])
	})
	l.orders[by] = o
	return o
}

func (l *list) byTable() []uint32 {
	o := make([]uint32, l.Len())
	for i := range o {
		o[i] = uint32(i)
	}
	return o
}

func (l *list) byName() []uint32 {
	collator := collate.New(language.Und)
	var buffer collate.Buffer
	keys := make([][]byte, l.Len())
	o := l.byTable()
	for i := range o {
		keys[i] = collator.KeyFromString(&buffer, l.name(i))
	}
	slices.SortStableFunc(o, func(a, b uint32) int { return bytes.Compare(keys[a], keys[b]) })
	return o
}
