package dynamo

// Pages of items: what Query and Scan have in common.

import (
	"slices"
	"time"

	"inventoryd/internal/sandbox/dynamo/attr"
	"inventoryd/internal/sandbox/dynamo/expr"
)

// maxPage is how many bytes of items a page evaluates ("Query", "Scan").
const maxPage = 1 << 20

// paging is the parameters that Query and Scan share.
type paging struct {
	reading
	index  *string
	sel    string // Select
	filter *string
	limit  *int
	start  attr.Item
	values map[string]attr.Value
}

func (q *paging) params(more params) params {
	more["Select"], more["FilterExpression"], more["Limit"] = text(&q.sel), expression(&q.filter), whole(&q.limit)
	more["IndexName"] = expression(&q.index)
	more["ExclusiveStartKey"], more["ExpressionAttributeValues"] = item(&q.start), values(&q.values)
	return q.reading.params(more)
}

// parsed is what a page is made by.
type parsed struct {
	filter     expr.Condition // nil: none
	projection *expr.Projection
}

// projected are the top-level names of the projection.
func (p parsed) projected() []string {
	if p.projection == nil {
		return nil
	}
	return p.projection.Names()
}

// parse checks the parameters and reads the expressions.
func (q *paging) parse(p *expr.Parser) (out parsed, err error) {
	if err := q.check(); err != nil {
		return out, err
	}
	if q.filter != nil {
		if out.filter, err = p.Condition("FilterExpression", *q.filter); err != nil {
			return out, err
		}
	}
	if out.projection, err = q.projected(p); err != nil {
		return out, err
	}
	return out, p.Unused()
}

func (q *paging) check() error {
	if err := required(q.table == "", "tableName"); err != nil {
		return err
	}
	if err := between(q.limit, 1, 1<<31-1, "limit"); err != nil {
		return err
	}
	if err := oneOf(q.capacity, "returnConsumedCapacity", "INDEXES", "TOTAL", "NONE"); err != nil {
		return err
	}
	if err := oneOf(q.sel, "select", "SPECIFIC_ATTRIBUTES", "COUNT", "ALL_ATTRIBUTES", "ALL_PROJECTED_ATTRIBUTES"); err != nil {
		return err
	}
	switch {
	case q.sel == "ALL_PROJECTED_ATTRIBUTES" && q.index == nil:
		return validation("ALL_PROJECTED_ATTRIBUTES can be used only when Querying using an IndexName")
	case q.sel == "SPECIFIC_ATTRIBUTES" && q.projection == nil:
		return validation("Must specify the AttributesToGet or ProjectionExpression when choosing to get SPECIFIC_ATTRIBUTES")
	case q.projection != nil && slices.Contains([]string{"COUNT", "ALL_ATTRIBUTES", "ALL_PROJECTED_ATTRIBUTES"}, q.sel):
		return validation("Cannot specify the ProjectionExpression when choosing to get %s", q.sel)
	}
	return nil
}

// page is the answer.
type page struct {
	Items            any `json:",omitempty"` // []attr.Document; nil of a COUNT
	Count            int
	ScannedCount     int
	LastEvaluatedKey attr.Document `json:",omitempty"`
	ConsumedCapacity *consumed     `json:",omitempty"`
}

// page reads a page of the span; it evaluates the filter after the table is released.
func (q *paging) page(from source, now time.Time, s span, p parsed, reverse bool) (*page, error) {
	if err := from.admitsRead(now, s.low); err != nil {
		return nil, err
	}
	var rows []row
	bytes, more := 0, false
	from.page(s, reverse, func(r row) bool {
		if bytes >= maxPage {
			more = true
			return false
		}
		rows, bytes = append(rows, r), bytes+int(r.size)
		more = q.limit != nil && len(rows) == *q.limit
		return !more
	})
	units := readUnits(bytes, q.consistent)
	from.takeRead(s.low, units)
	out := &page{ScannedCount: len(rows), ConsumedCapacity: consumption(q.capacity, q.table, from.cost(units))}
	if more {
		out.LastEvaluatedKey = attr.Document(rows[len(rows)-1].doc.AppendPart(nil, from.isKey))
	}
	items := make([]attr.Document, 0, len(rows))
	for _, r := range rows {
		if p.filter != nil && !p.filter.Holds(r.item()) {
			continue
		}
		out.Count++
		if q.sel != "COUNT" {
			items = append(items, shown(r, p.projection))
		}
	}
	if q.sel != "COUNT" {
		out.Items = items
	}
	return out, nil
}

var errOutside = validation("The provided starting key is outside query boundaries based on provided conditions")

// resume cuts the span to what follows the page that ended with the key start.
func (s source) resume(where span, reverse bool, start attr.Item) (span, error) {
	if start == nil {
		return where, nil
	}
	key, err := s.startKey(start)
	if err != nil {
		return where, validation("The provided starting key is invalid: %s", message(err))
	}
	if !where.contains(key) {
		return where, errOutside
	}
	if reverse {
		return span{where.low, key}, nil
	}
	return span{successor(key), where.high}, nil
}
