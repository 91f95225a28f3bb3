package dynamo

// A global secondary index: the entries of those items that have its keys, behind the table as far as a script has it so
// ("Using Global Secondary Indexes in DynamoDB").

import (
	"slices"
	"time"

	"github.com/google/btree"

	"inventoryd/internal/sandbox/dynamo/attr"
)

// index is guarded by its table's mutex, but for what the definition says.
type index struct {
	indexDefinition // never changes

	rows     *btree.BTreeG[row] // entries: their key is the index's and, behind it, the table's
	bytes    int
	activeAt time.Time // until then it is CREATING and cannot be read
	goneAt   time.Time // of one that is DELETING; else zero
	billing  billing
	capacity *capacity // nil: no limit
	lag      time.Duration
	waiting  []pendingEntry // in the order of their times
}

// indexDefinition is what never changes in an index's life.
type indexDefinition struct {
	name       string
	key        schema
	table      schema
	projection projection
}

// projection says which attributes an entry has beside the keys of both.
type projection struct {
	ProjectionType   string
	NonKeyAttributes []string `json:",omitempty"`
}

// entryChange is what a write does to an index; the zero row is none.
type entryChange struct {
	index     *index
	old, next row
}

type pendingEntry struct {
	due time.Time
	entryChange
}

func newIndex(d indexDefinition, b billing, activeAt time.Time) *index {
	return &index{indexDefinition: d, rows: newRows(), billing: b, activeAt: activeAt}
}

func (d *indexDefinition) keeps(name string) bool {
	return d.projection.ProjectionType == "ALL" || d.key.isKey(name) || d.table.isKey(name) || slices.Contains(d.projection.NonKeyAttributes, name)
}

// entry is what the index has of a table's row: none if the item lacks one of its keys.
func (d *indexDefinition) entry(item attr.Item, of row) (row, error) {
	if of.key == "" {
		return row{}, nil
	}
	missing := false
	for _, k := range d.key.attributes() {
		v, ok := item.Lookup(k.name)
		if !ok {
			missing = true
			continue
		}
		if err := d.checkKey(k, v); err != nil {
			return row{}, err
		}
	}
	if missing {
		return row{}, nil
	}
	key, err := d.key.rowKey(item)
	if err != nil {
		return row{}, err
	}
	if d.projection.ProjectionType == "ALL" {
		return row{key: key + of.key, doc: of.doc, size: of.size}, nil
	}
	part := make(attr.Item, 0, len(item))
	for _, a := range item {
		if d.keeps(a.Name) {
			part = append(part, a)
		}
	}
	return row{key: key + of.key, doc: part.Document(), size: int32(part.Size())}, nil
}

func (d *indexDefinition) checkKey(k keyAttribute, v attr.Value) error {
	switch {
	case v.Kind != k.kind:
		return validation("One or more parameter values were invalid: Type mismatch for Index Key %s Expected: %s Actual: %s IndexName: %s", k.name, k.kind, v.Kind, d.name)
	case k.kind != attr.N && v.Text == "":
		return validation("One or more parameter values are not valid. A value specified for a secondary index key is not supported. The AttributeValue for a key attribute cannot contain an empty %s value. IndexName: %s, IndexKey: %s",
			contentNames[k.kind], d.name, k.name)
	}
	return d.key.checkContent(k, v)
}

// units are the write units of the change: one write where an entry comes, goes or changes, two where its key does.
func (c entryChange) units() (old, next float64) {
	switch {
	case c.old.key != "" && c.old.key == c.next.key && c.old.doc != c.next.doc:
		return 0, writeUnits(max(c.old.size, c.next.size))
	case c.old.key == c.next.key:
		return 0, 0
	}
	if c.old.key != "" {
		old = writeUnits(c.old.size)
	}
	if c.next.key != "" {
		next = writeUnits(c.next.size)
	}
	return old, next
}

// entries are what a write changes in the indexes. The table is locked.
func (t *table) entries(old, next row) (list []entryChange, err error) {
	if len(t.indexes) == 0 {
		return nil, nil
	}
	before, after := old.item(), next.item()
	for _, ix := range t.indexes {
		if !ix.goneAt.IsZero() {
			continue
		}
		c := entryChange{index: ix}
		if c.next, err = ix.entry(after, next); err != nil {
			return nil, err
		}
		if c.old, err = ix.entry(before, old); err != nil {
			c.old = row{} // an item from before the index, which its keys kept out of it
		}
		if c.old != c.next {
			list = append(list, c)
		}
	}
	return list, nil
}

// commit brings a change to the index, or lets it wait.
func (c entryChange) commit(now time.Time) {
	ix := c.index
	due := now.Add(ix.lag)
	if n := len(ix.waiting); n > 0 && ix.waiting[n-1].due.After(due) {
		due = ix.waiting[n-1].due // one after the other
	}
	if due.After(now) || len(ix.waiting) > 0 {
		ix.waiting = append(ix.waiting, pendingEntry{due, c})
		ix.settle(now)
		return
	}
	ix.store(c)
}

func (ix *index) store(c entryChange) {
	if c.old.key != "" && c.old.key != c.next.key {
		ix.rows.Delete(c.old)
	}
	if c.next.key != "" {
		ix.rows.ReplaceOrInsert(c.next)
	}
	ix.bytes += int(c.next.size - c.old.size)
}

// settle stores what is due by now.
func (ix *index) settle(now time.Time) {
	n := 0
	for n < len(ix.waiting) && !ix.waiting[n].due.After(now) {
		ix.store(ix.waiting[n].entryChange)
		n++
	}
	ix.waiting = slices.Delete(ix.waiting, 0, n)
}

// fill makes the entries of a table that has items; items whose keys do not fit are left out ("Managing Global Secondary
// Indexes": key violations).
func (ix *index) fill(rows *btree.BTreeG[row]) {
	rows.Ascend(func(r row) bool {
		if e, err := ix.entry(r.item(), r); err == nil && e.key != "" {
			ix.store(entryChange{next: e})
		}
		return true
	})
}

func (ix *index) status(now time.Time) string {
	switch {
	case !ix.goneAt.IsZero():
		return "DELETING"
	case now.Before(ix.activeAt):
		return "CREATING"
	}
	return "ACTIVE"
}
