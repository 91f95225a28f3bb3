package dynamo

// A table: its rows in the order of their keys, and how a row is changed.

import (
	"errors"
	"sync"
	"time"

	"github.com/google/btree"

	"inventoryd/internal/sandbox/dynamo/attr"
	"inventoryd/internal/sandbox/dynamo/expr"
	"inventoryd/internal/sandbox/wire"
)

// maxItem is the size of an item in bytes ("Quotas in Amazon DynamoDB": item size).
const maxItem = 400 << 10

// row is one stored item; the zero row is none.
type row struct {
	key     string
	doc     attr.Document
	size    int32 // of the item in bytes, as DynamoDB counts
	keySize int32 // of its primary key alone
}

// item is the row's item; none for the zero row.
func (r row) item() attr.Item {
	if r.key == "" {
		return nil
	}
	return r.doc.Item()
}

// newRow makes the row of an item that fits the table.
func (s schema) newRow(key string, item attr.Item) (row, error) {
	size := item.Size()
	if size > maxItem {
		return row{}, validation("Item size has exceeded the maximum allowed size")
	}
	return row{key, item.Document(), int32(size), int32(s.keySize(item))}, nil
}

type table struct {
	definition                                         // never changes
	onWrite    func(table string, old, next attr.Item) // never changes; nil: nobody is told

	mu       sync.RWMutex // guards what follows; never held over a wait
	rows     *btree.BTreeG[row]
	bytes    int
	billing  billing
	activeAt time.Time
	indexes  []*index // in the order in which they were made
	stream   *stream  // the latest; nil if there never was one
	ttl      string   // the attribute; empty: disabled
	tags     map[string]string

	protected bool // against DeleteTable
	throttle  throttle
	capacity  *capacity // nil: no limit
}

func newTable(d definition, b billing, activeAt time.Time) *table {
	return &table{definition: d, rows: newRows(), billing: b, activeAt: activeAt}
}

func newRows() *btree.BTreeG[row] {
	return btree.NewG(32, func(a, b row) bool { return a.key < b.key })
}

// table finds a table that can be read and written.
func (s *Service) table(name string, now time.Time) (*table, error) {
	t, err := s.anyTable(name)
	if err != nil || !t.active(now) {
		return nil, notFound("Requested resource not found")
	}
	return t, nil
}

// anyTable finds a table, also one that is being created.
func (s *Service) anyTable(name string) (*table, error) {
	if err := required(name == "", "tableName"); err != nil {
		return nil, err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	t, ok := s.tables[name]
	if !ok {
		return nil, notFound("Requested resource not found: Table: %s not found", name)
	}
	return t, nil
}

func (t *table) active(now time.Time) bool {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return !now.Before(t.activeAt)
}

// mutation is one write of one item.
type mutation struct {
	key       string
	condition expr.Condition             // nil: none
	next      func(old row) (row, error) // the row to be; the zero row deletes
	returnOld bool                       // on a failed condition
}

// change is a write that has been found possible.
type change struct {
	old, next row
	entries   []entryChange
}

// cost is what the change consumes.
func (c change) cost() cost {
	units := cost{table: writeUnits(max(c.old.size, c.next.size))}
	for _, e := range c.entries {
		if old, next := e.units(); old+next > 0 {
			units.index(e.index.name, old+next)
		}
	}
	return units
}

// apply makes a mutation and returns what changed.
func (t *table) apply(now time.Time, m mutation) (change, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if err := t.admits(now, m.key); err != nil {
		return change{}, err
	}
	c, err := t.plan(m)
	if err == nil {
		err = t.admitsEntries(now, c)
	}
	if err == nil || isConditionFailed(err) { // which costs as much as what is there ("Condition expressions")
		t.take(m.key, c, 1)
	}
	if err == nil {
		t.store(now, c, false)
	}
	return c, err
}

// plan finds out what a mutation would change. The table is locked.
func (t *table) plan(m mutation) (c change, err error) {
	c.old, _ = t.rows.Get(row{key: m.key})
	if m.condition != nil && !m.condition.Holds(c.old.item()) {
		return c, conditionFailed(c.old, m.returnOld)
	}
	if c.next, err = m.next(c.old); err != nil {
		return c, err
	}
	c.entries, err = t.entries(c.old, c.next)
	return c, err
}

// store makes a change that was planned under the same lock; expired says that time to live does so.
func (t *table) store(now time.Time, c change, expired bool) {
	if c.next.key == "" {
		t.rows.Delete(c.old)
	} else {
		t.rows.ReplaceOrInsert(c.next)
	}
	t.bytes += int(c.next.size - c.old.size)
	for _, e := range c.entries {
		e.commit(now)
	}
	if c.old.doc == c.next.doc {
		return
	}
	if t.onWrite != nil {
		t.onWrite(t.name, c.old.item(), c.next.item())
	}
	if t.stream != nil {
		t.stream.append(now, c.old, c.next, expired)
	}
}

func conditionFailed(old row, withItem bool) error {
	e := wire.Errorf("ConditionalCheckFailedException", "The conditional request failed")
	if withItem && old.key != "" {
		e.Fields = map[string]any{"Item": old.doc}
	}
	return e
}

func isConditionFailed(err error) bool {
	var e *wire.Error
	return errors.As(err, &e) && e.Code == "ConditionalCheckFailedException"
}

// read returns the row of that key; the zero row if there is none.
func (t *table) read(key string) row {
	t.mu.RLock()
	defer t.mu.RUnlock()
	r, _ := t.rows.Get(row{key: key})
	return r
}
