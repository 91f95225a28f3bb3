package stock

// The sums over all stores, of the rows of a scan.

import (
	"math"
	"slices"
	"strings"
	"time"

	"inventoryd/internal/inventory"
)

// sumBuilder makes the view of all stores. A scan gives a store's rows together, and by name.
type sumBuilder struct {
	bytes   int // that the sums may have
	sums    map[string]*sum
	names   int    // bytes of the names in sums
	last    string // where not "": items after it are not summed
	hidden  int    // rows of such items
	totals  Totals
	content *content

	stores       []Summary
	storeNames   int // bytes of them
	hiddenStores int
	current      *Summary // the store whose rows come; it may be none of stores

	short      []Row
	shortNames int // bytes of the names in short
}

type sum struct {
	count    int64
	overflow bool
	spread
}

func newSumBuilder(bytes int) *sumBuilder {
	return &sumBuilder{bytes: bytes, sums: map[string]*sum{}, content: newContent(), current: &Summary{}}
}

func (b *sumBuilder) add(i inventory.Item, threshold int64) {
	level := levelOf(i.Count, threshold)
	b.enter(i.Store)
	b.current.count(level)
	b.totals.count(level)
	b.content.row(i.Store, i.Item, i.Count, threshold)
	if level != Fine {
		b.shortage(Row{Store: i.Store, Item: i.Item, Count: i.Count, Level: level})
	}
	if b.last != "" && i.Item > b.last {
		b.hidden++
		return
	}
	s := b.sums[i.Item]
	if s == nil {
		s = &sum{}
		b.sums[i.Item] = s
		b.names += len(i.Item)
	}
	s.add(i.Count, level)
	// Cut at twice the limit: sorting is paid for once in that many new items.
	if len(b.sums) > 2*maxItems || b.names+rowBytes*len(b.sums) > 2*b.bytes {
		b.cut()
	}
}

func (b *sumBuilder) unusable(k inventory.Key) {
	b.enter(k.Store)
	b.totals.Unusable++
	b.current.Unusable++
}

// enter makes the row's store the current one.
func (b *sumBuilder) enter(store string) {
	if b.current.Store == store {
		return
	}
	if len(b.stores) >= maxStores || b.storeNames+len(store) > maxNames {
		b.hiddenStores++
		b.current = &Summary{Store: store}
		return
	}
	b.storeNames += len(store)
	b.stores = append(b.stores, Summary{Store: store})
	b.current = &b.stores[len(b.stores)-1]
}

func (b *sumBuilder) shortage(r Row) {
	if len(b.short) >= maxAll || b.shortNames+len(r.Store)+len(r.Item) > maxNames {
		return
	}
	b.shortNames += len(r.Store) + len(r.Item)
	b.short = append(b.short, r)
}

// cut keeps the first items by name. An item that is dropped is after all that stay, now and later: so the sums that
// stay are whole.
func (b *sumBuilder) cut() []string {
	names := make([]string, 0, len(b.sums))
	for name := range b.sums {
		names = append(names, name)
	}
	slices.Sort(names)
	bytes, n := 0, 0
	for n < len(names) && n < maxItems && bytes+len(names[n])+rowBytes <= b.bytes {
		bytes += len(names[n]) + rowBytes
		n++
	}
	for _, name := range names[n:] {
		b.hidden += int(b.sums[name].stores)
		b.names -= len(name)
		delete(b.sums, name)
	}
	if n < len(names) && n > 0 {
		b.last = names[n-1]
	}
	return names[:n]
}

func (b *sumBuilder) view(begun time.Time, whole bool) *View {
	names := b.cut()
	v := &View{
		AsOf: begun, Took: time.Since(begun), Version: b.content.version(b.totals.Unusable), Whole: whole,
		Totals: b.totals, Hidden: b.hidden, First: len(names),
		Stores: exact(b.stores), HiddenStores: b.hiddenStores,
		Shortages: exact(b.short), HiddenShort: b.totals.Out + b.totals.Low - len(b.short),
	}
	l := &list{names: strings.Join(names, "")}
	v.list = l
	l.ends, l.counts = make([]uint32, len(names)), make([]int64, len(names))
	l.levels, l.over = make([]Level, len(names)), make([]spread, len(names))
	end := 0
	for i, name := range names {
		s := b.sums[name]
		end += len(name)
		l.ends[i], l.counts[i], l.levels[i], l.over[i] = uint32(end), s.count, s.level(), s.spread
	}
	slices.SortFunc(v.Stores, func(a, b Summary) int { return compare(a.Store, b.Store) })
	slices.SortFunc(v.Shortages, func(a, b Row) int {
		if c := compare(a.Store, b.Store); c != 0 {
			return c
		}
		return compare(a.Item, b.Item)
	})
	return v
}

// add adds a store's count. A sum beyond 64 bits stays at the end that it passed.
func (s *sum) add(count int64, level Level) {
	s.stores++
	switch level {
	case Out:
		s.out++
	case Low:
		s.low++
	}
	switch total := s.count + count; {
	case s.overflow:
	case count > 0 && total < s.count:
		s.count, s.overflow = math.MaxInt64, true
	case count < 0 && total > s.count:
		s.count, s.overflow = math.MinInt64, true
	default:
		s.count = total
	}
}

func (s *sum) level() Level {
	switch {
	case s.out > 0:
		return Out
	case s.low > 0:
		return Low
	}
	return Fine
}
