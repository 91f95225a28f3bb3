// Package stock reads the inventory for those who look at it: one store's items by Query, the sums over all stores by one
// shared scan.
//
// The table is read, not followed: an instance sees only the changes of its own shards, so a view that followed the stream
// would be wrong on every instance but one. Each subject that is looked at (a store, or all of them) is read again every
// Interval, for all its lookers at once; what nobody looks at is not read. All readings take turns, a page of the table at
// a time, and all of them together keep to one budget of read units a second: with many lookers or a large store the
// interval stretches, and each view says from when it is.
//
// Memory is bounded whatever the table holds (limits.go): a view holds the first items by name and every shortage beyond
// them, counts the rest, and says that it does. Reads are eventually consistent: half the price, and as a rule less than a
// second behind.
package stock

import (
	"sort"
	"time"
)

// Level is how an item's count stands to its threshold.
type Level uint8

// The levels. What is out or low has an alert of the notifier's.
const (
	Fine Level = iota
	Low        // at or below the threshold, but not gone
	Out        // nothing left
)

func (l Level) String() string {
	return [...]string{"ok", "low", "out"}[l]
}

// levelOf is the level of one store's count. A count below 0 comes of a feed that books more out than there was.
func levelOf(count, threshold int64) Level {
	switch {
	case count <= 0:
		return Out
	case count <= threshold:
		return Low
	}
	return Fine
}

// Row is one line of a view.
type Row struct {
	Store string // "" in a sum over stores
	Item  string
	Count int64
	Level Level // of a sum: the worst of its stores
	// Of a sum: how many stores hold the item, and in how many of them it is out or low.
	Stores, Out, Low int
}

// Partly tells whether a sum is short in some of its stores and not in all.
func (r Row) Partly() bool { return r.Out < r.Stores && r.Out+r.Low > 0 }

// Totals count all rows of a subject, those included that its view does not list.
type Totals struct {
	Items    int // rows: pairs of store and item
	Out, Low int
	Unusable int // rows without a count that is a whole number; they are in no other figure
}

// Summary is one store in the view of all of them.
type Summary struct {
	Store string
	Totals
}

// View is what was read of a subject at one time. It does not change.
type View struct {
	Store   string    // "": all stores
	AsOf    time.Time // when the reading began: nothing in the view is older
	Took    time.Duration
	Version string // differs where the content does
	Whole   bool   // false: the first reading goes on, and there is more to come
	Totals  Totals
	Hidden  int // rows that are in Totals, but not in the list
	First   int // rows at the beginning of the list that have none hidden between them
	*list

	// Of all stores only.
	Stores       []Summary // by name
	HiddenStores int       // stores beyond those
	Shortages    []Row     // what is out or low, by store and item; of one store see Short
	HiddenShort  int       // shortages beyond those
}

// Short lists what is out or low with its store, and how many more there are.
func (v *View) Short() (rows []Row, hidden int) {
	if v.Store == "" {
		return v.Shortages, v.HiddenShort
	}
	for i := range v.Len() {
		if r := v.Row(i); r.Level != Fine {
			r.Store = v.Store
			rows = append(rows, r)
		}
	}
	return rows, max(0, v.Totals.Out+v.Totals.Low-len(rows))
}

// Find returns the row of an item that the view lists.
func (v *View) Find(item string) (Row, bool) {
	i := sort.Search(v.Len(), func(i int) bool { return v.name(i) >= item })
	if i == v.Len() || v.name(i) != item {
		return Row{}, false
	}
	return v.Row(i), true
}
