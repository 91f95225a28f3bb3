package dynamo

// What Query and Scan read: a table, or one of its indexes.

import (
	"time"

	"github.com/google/btree"

	"inventoryd/internal/sandbox/dynamo/attr"
	"inventoryd/internal/sandbox/dynamo/expr"
)

type source struct {
	*table
	index *index // nil: the table itself
}

// source finds what a request reads.
func (s *Service) source(q *paging, now time.Time) (source, error) {
	t, err := s.table(q.table, now)
	if err != nil || q.index == nil {
		return source{t, nil}, err
	}
	if q.consistent {
		return source{}, validation("Consistent reads are not supported on global secondary indexes")
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	ix := t.findIndex(*q.index)
	if ix == nil || !ix.goneAt.IsZero() {
		return source{}, validation("The table does not have the specified index: %s", *q.index)
	}
	if now.Before(ix.activeAt) {
		return source{}, validation("Cannot read from backfilling global secondary index: %s", *q.index)
	}
	if q.sel == "ALL_ATTRIBUTES" && ix.projection.ProjectionType != "ALL" {
		return source{}, validation("One or more parameter values were invalid: Select type ALL_ATTRIBUTES is not supported for global secondary index %s because its projection type is not ALL", *q.index)
	}
	ix.settle(now)
	return source{t, ix}, nil
}

// schema is the primary key that a query's conditions are on.
func (s source) schema() schema {
	if s.index != nil {
		return s.index.key
	}
	return s.key
}

// isKey tells whether an attribute belongs to the key that a page ends with.
func (s source) isKey(name string) bool {
	return s.key.isKey(name) || s.index != nil && s.index.key.isKey(name)
}

// checkNames refuses expressions on what an index does not have.
func (s source) checkNames(p parsed) error {
	if s.index == nil {
		return nil
	}
	if gone := s.index.lacks(p.projected()); gone != nil {
		return validation("One or more parameter values were invalid: Global secondary index %s does not project %s", s.index.name, gone)
	}
	if p.filter == nil {
		return nil
	}
	if gone := s.index.lacks(expr.Attributes(p.filter)); gone != nil {
		return validation("One or more parameter values were invalid: Secondary index %s does not project one or more filter attributes: %s", s.index.name, gone)
	}
	return nil
}

// lacks are the attributes that no entry has.
func (d *indexDefinition) lacks(names []string) (gone []string) {
	for _, n := range names {
		if !d.keeps(n) {
			gone = append(gone, n)
		}
	}
	return gone
}

// cost is what a read of that many units costs.
func (s source) cost(units float64) (c cost) {
	if s.index == nil {
		c.table = units
	} else {
		c.index(s.index.name, units)
	}
	return c
}

// startKey is the row key of an ExclusiveStartKey.
func (s source) startKey(start attr.Item) (string, error) {
	if s.index == nil {
		return s.key.primaryKey(start)
	}
	var own, ofTable attr.Item
	for _, a := range start {
		if s.index.key.isKey(a.Name) {
			own = append(own, a)
		}
		if s.key.isKey(a.Name) {
			ofTable = append(ofTable, a)
		}
		if !s.isKey(a.Name) {
			return "", validation("The provided starting key is invalid")
		}
	}
	first, err := s.index.key.primaryKey(own)
	if err != nil {
		return "", err
	}
	second, err := s.key.primaryKey(ofTable)
	return first + second, err
}

// page returns the rows of a span, in order or from its end, until visit returns false.
func (s source) page(in span, reverse bool, visit func(row) bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	rows := s.rows
	if s.index != nil {
		rows = s.index.rows
	}
	walk(rows, in, reverse, visit)
}

func walk(rows *btree.BTreeG[row], in span, reverse bool, visit func(row) bool) {
	switch {
	case !reverse && in.high == "":
		rows.AscendGreaterOrEqual(row{key: in.low}, visit)
	case !reverse:
		rows.AscendRange(row{key: in.low}, row{key: in.high}, visit)
	default:
		rows.DescendLessOrEqual(row{key: in.high}, func(r row) bool {
			if r.key == in.high { // the span is half-open
				return true
			}
			return r.key >= in.low && visit(r)
		})
	}
}
