package dynamo

// A table: its rows in the order of their keys, and how a row is changed.

import (
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
	definition // never changes

	mu       sync.RWMutex // guards what follows; never held over a wait
	rows     *btree.BTreeG[row]
	bytes    int
	billing  billing
	activeAt time.Time
	stream   *stream // the latest; nil if there never was one
	ttl      string  // the attribute; empty: disabled
	throttle throttle
}

func newTable(d definition, b billing, activeAt time.Time) *table {
	less := func(a, b row) bool { return a.key < b.key }
	return &table{definition: d, rows: btree.NewG(32, less), billing: b, activeAt: activeAt}
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

// apply makes a mutation and returns the row before and after.
func (t *table) apply(now time.Time, m mutation) (old, next row, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.throttle.allows(now) {
		return old, next, errThroughput
	}
	return t.change(now, m)
}

// change is apply for callers that hold the lock.
func (t *table) change(now time.Time, m mutation) (old, next row, err error) {
	old, _ = t.rows.Get(row{key: m.key})
	if m.condition != nil && !m.condition.Holds(old.item()) {
		return old, next, conditionFailed(old, m.returnOld)
	}
	if next, err = m.next(old); err != nil {
		return old, next, err
	}
	t.throttle.used += writeUnits(max(old.size, next.size))
	if next.key == "" {
		t.rows.Delete(row{key: m.key})
	} else {
		t.rows.ReplaceOrInsert(next)
	}
	t.bytes += int(next.size - old.size)
	if t.stream != nil && old.doc != next.doc {
		t.stream.append(now, old, next)
	}
	return old, next, nil
}

// errThroughput is the refusal of a write beyond the table's capacity.
var errThroughput = wire.Errorf("ProvisionedThroughputExceededException", "The level of configured provisioned throughput for the table was exceeded. Consider increasing your provisioning level with the UpdateTable API.")

func conditionFailed(old row, withItem bool) error {
	e := wire.Errorf("ConditionalCheckFailedException", "The conditional request failed")
	if withItem && old.key != "" {
		e.Fields = map[string]any{"Item": old.doc}
	}
	return e
}

// read returns the row of that key; the zero row if there is none.
func (t *table) read(key string) row {
	t.mu.RLock()
	defer t.mu.RUnlock()
	r, _ := t.rows.Get(row{key: key})
	return r
}

// page returns the rows of a span, in order or from its end, until visit returns false.
func (t *table) page(s span, reverse bool, visit func(row) bool) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	switch {
	case !reverse && s.high == "":
		t.rows.AscendGreaterOrEqual(row{key: s.low}, visit)
	case !reverse:
		t.rows.AscendRange(row{key: s.low}, row{key: s.high}, visit)
	default:
		t.rows.DescendLessOrEqual(row{key: s.high}, func(r row) bool {
			if r.key == s.high { // the span is half-open
				return true
			}
			return r.key >= s.low && visit(r)
		})
	}
}
