package dynamo

// GetItem, and what all reads have in common.

import (
	"inventoryd/internal/sandbox/dynamo/attr"
	"inventoryd/internal/sandbox/dynamo/expr"
)

// reading is what all reads have in common.
type reading struct {
	table, capacity string

	consistent bool
	projection *string
	names      map[string]string
}

func (q *reading) params(more params) params {
	p := params{
		"TableName": tableName(&q.table), "ConsistentRead": flag(&q.consistent), "ReturnConsumedCapacity": text(&q.capacity),
		"ProjectionExpression": expression(&q.projection), "ExpressionAttributeNames": names(&q.names),
	}
	for name, read := range more {
		p[name] = read
	}
	return p
}

// projected reads the projection; nil if there is none.
func (q *reading) projected(p *expr.Parser) (*expr.Projection, error) {
	if q.projection == nil {
		return nil, nil
	}
	projection, err := p.Projection(*q.projection)
	return &projection, err
}

// shown is the row as an answer shows it.
func shown(r row, p *expr.Projection) attr.Document {
	if p == nil {
		return r.doc
	}
	return p.Of(r.item()).Document()
}

func (s *Service) readItem(r *request) (any, error) {
	var q reading
	var key attr.Item
	if err := r.decode(q.params(params{"Key": item(&key)})); err != nil {
		return nil, err
	}
	if err := required(key == nil, "key"); err != nil {
		return nil, err
	}
	if err := oneOf(q.capacity, "returnConsumedCapacity", "INDEXES", "TOTAL", "NONE"); err != nil {
		return nil, err
	}
	parser := expr.NewParser(q.names, nil)
	projection, err := q.projected(parser)
	if err != nil {
		return nil, err
	}
	if err := parser.Unused(); err != nil {
		return nil, err
	}
	t, err := s.table(q.table, r.now)
	if err != nil {
		return nil, err
	}
	k, err := t.key.primaryKey(key)
	if err != nil {
		return nil, err
	}
	from := source{t, nil}
	if err := from.admitsRead(r.now, k); err != nil {
		return nil, err
	}
	found := t.read(k)
	from.takeRead(k, readUnits(int(found.size), q.consistent))
	out := struct {
		Item             attr.Document `json:",omitempty"`
		ConsumedCapacity *consumed     `json:",omitempty"`
	}{ConsumedCapacity: consumption(q.capacity, q.table, cost{table: readUnits(int(found.size), q.consistent)})}
	if found.key != "" {
		out.Item = shown(found, projection)
	}
	return out, nil
}
