package loader

// Which items a feed names, to find those that it does not. This file is the pure part.

import (
	"fmt"
	"hash/maphash"
	"slices"

	"inventoryd/internal/inventory"
	"inventoryd/loader/feed"
)

const (
	mostNamed  = 1 << 20 // rows of an upload in which absent items are looked for: 8 MiB of memory
	mostAbsent = 100_000 // absent items of one upload; of more it is held back
)

// presence knows the rows of an upload by their hashes. Two that meet in one, of a million rows once in 30 million uploads, hide
// an absent item: they never make one.
type presence struct {
	seed    maphash.Seed
	hashes  []uint64
	sorted  bool
	spoiled string // why nothing can be said of absent items; "": it can
}

func newPresence() *presence { return &presence{seed: maphash.MakeSeed()} }

// add notes that an item is named.
func (p *presence) add(store, item []byte) {
	if len(p.hashes) >= mostNamed {
		p.spoiled, p.hashes = fmt.Sprintf("it has more than %d rows", mostNamed), nil
	}
	if p.spoiled == "" {
		p.hashes = append(p.hashes, p.hash(store, item))
		p.sorted = false
	}
}

// spoil notes a row that may name any item.
func (p *presence) spoil(r *feed.Reject) {
	if p.spoiled == "" {
		p.spoiled, p.hashes = fmt.Sprintf("line %d may name any item (%s)", r.Line, r.Code), nil
	}
}

func (p *presence) hash(store, item []byte) uint64 {
	var h maphash.Hash
	h.SetSeed(p.seed)
	h.Write(store)
	h.WriteByte(0)
	h.Write(item)
	return h.Sum64()
}

// names reports whether the upload names an item.
func (p *presence) names(k inventory.Key) bool {
	if !p.sorted {
		slices.Sort(p.hashes)
		p.sorted = true
	}
	_, found := slices.BinarySearch(p.hashes, p.hash([]byte(k.Store), []byte(k.Item)))
	return found
}

// roll is a store's items, as the table has them, called against what an upload names.
type roll struct {
	named  *presence
	most   int64 // of a store's items that may be absent, in per cent
	items  int64 // of the present store, of which something is left
	absent []inventory.Key
	before int // absent of the stores before
}

// call takes an item of the table. What is out already is neither absent nor one of the store's items: else what a store
// has given up would count against it for ever.
func (r *roll) call(i inventory.Item) {
	if i.Count <= 0 {
		return
	}
	r.items++
	if !r.named.names(i.Key) && len(r.absent) <= mostAbsent {
		r.absent = append(r.absent, i.Key)
	}
}

// close ends a store; it says why the upload is to be held back, nil where it is not.
func (r *roll) close(store string) *heldBack {
	absent := r.absent[r.before:]
	items := r.items
	r.before, r.items = len(r.absent), 0
	switch {
	case len(r.absent) > mostAbsent:
		return &heldBack{reason: fmt.Sprintf("more than %d items are absent", mostAbsent)}
	case int64(len(absent))*100 > r.most*items:
		return &heldBack{
			fmt.Sprintf("it does not name %d of the %d items that are left in one store: more than %d %% (absent_max)", len(absent), items, r.most),
			fmt.Sprintf("The store is %s; absent are %s.", clip(store, 60), few(names(absent))),
		}
	}
	return nil
}
