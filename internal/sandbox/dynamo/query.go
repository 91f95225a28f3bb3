package dynamo

// Query and Scan.

import (
	"errors"
	"math/bits"

	"inventoryd/internal/sandbox/dynamo/attr"
	"inventoryd/internal/sandbox/dynamo/expr"
)

func (s *Service) query(r *request) (any, error) {
	var q paging
	var keys *string
	forward := true
	err := r.decode(q.params(params{"KeyConditionExpression": expression(&keys), "ScanIndexForward": flag(&forward)}))
	if err != nil {
		return nil, err
	}
	if keys == nil {
		return nil, validation("Either the KeyConditions or KeyConditionExpression parameter must be specified in the request.")
	}
	parser := expr.NewParser(q.names, q.values)
	conditions, err := parser.KeyConditions(*keys)
	if err != nil {
		return nil, err
	}
	p, err := q.parse(parser)
	if err != nil {
		return nil, err
	}
	from, err := s.source(&q, r.now)
	if err != nil {
		return nil, err
	}
	where, err := from.schema().spanOf(conditions)
	if err != nil {
		return nil, err
	}
	if err := from.schema().checkFilter(p.filter); err != nil {
		return nil, err
	}
	if err := from.checkNames(p); err != nil {
		return nil, err
	}
	if where, err = from.resume(where, !forward, q.start); err != nil {
		return nil, err
	}
	return q.page(from, r.now, where, p, !forward)
}

// checkFilter refuses a query's filter on the primary key.
func (s schema) checkFilter(c expr.Condition) error {
	for _, name := range expr.Attributes(c) {
		if s.isKey(name) {
			return validation("Filter Expression can only contain non-primary key attributes: Primary key attribute: %s", name)
		}
	}
	return nil
}

// spanOf turns key conditions to the span of row keys that meet them.
func (s schema) spanOf(conditions []expr.KeyCondition) (span, error) {
	var partition, sort *expr.KeyCondition
	for i, c := range conditions {
		switch c.Attribute {
		case s.partition.name:
			partition = &conditions[i]
		case s.sort.name:
			sort = &conditions[i]
		}
	}
	if partition == nil {
		return span{}, validation("Query condition missed key schema element: %s", s.partition.name)
	}
	if len(conditions) == 2 && sort == nil {
		return span{}, validation("Query condition missed key schema element: %s", s.sort.name)
	}
	if partition.Sign != "=" {
		return span{}, validation("Query key condition not supported")
	}
	if err := s.checkCondition(s.partition, partition); err != nil {
		return span{}, err
	}
	prefix := string(appendPartition(nil, partition.Values[0]))
	if sort == nil {
		return prefixed(prefix), nil
	}
	if err := s.checkCondition(s.sort, sort); err != nil {
		return span{}, err
	}
	return s.sortSpan(prefix, sort), nil
}

func (s schema) checkCondition(k keyAttribute, c *expr.KeyCondition) error {
	for _, v := range c.Values {
		if v.Kind != k.kind {
			return validation("One or more parameter values were invalid: Condition parameter type does not match schema type")
		}
		if err := s.checkContent(k, v); err != nil {
			return err
		}
	}
	return nil
}

// sortSpan is the span of the rows of a partition whose sort key meets a condition.
func (s schema) sortSpan(prefix string, c *expr.KeyCondition) span {
	all := prefixed(prefix)
	first := s.sortKey(prefix, c.Values[0])
	switch c.Sign {
	case "=":
		return first
	case "<":
		return span{all.low, first.low}
	case "<=":
		return span{all.low, first.high}
	case ">":
		return span{first.high, all.high}
	case ">=":
		return span{first.low, all.high}
	case "BETWEEN":
		return span{first.low, s.sortKey(prefix, c.Values[1]).high}
	}
	return prefixed(string(s.appendSortPrefix([]byte(prefix), c.Values[0]))) // begins_with
}

// sortKey is the span of the rows with that sort key: one of a table's, any number of an index's.
func (s schema) sortKey(prefix string, v attr.Value) span {
	low := string(s.appendSort([]byte(prefix), v))
	if s.ofIndex {
		return prefixed(low)
	}
	return span{low, successor(low)}
}

// maxSegments is the most segments of a parallel scan ("Scan").
const maxSegments = 1000000

func (s *Service) scan(r *request) (any, error) {
	var q paging
	var segment, total *int
	if err := r.decode(q.params(params{"Segment": whole(&segment), "TotalSegments": whole(&total)})); err != nil {
		return nil, err
	}
	if err := checkSegments(segment, total); err != nil {
		return nil, err
	}
	p, err := q.parse(expr.NewParser(q.names, q.values))
	if err != nil {
		return nil, err
	}
	from, err := s.source(&q, r.now)
	if err != nil {
		return nil, err
	}
	if err := from.checkNames(p); err != nil {
		return nil, err
	}
	where := segmentSpan(segment, total)
	where, err = from.resume(where, false, q.start)
	if errors.Is(err, errOutside) {
		err = validation("The provided starting key is invalid: Invalid ExclusiveStartKey. Please use ExclusiveStartKey with correct Segment. TotalSegments: %d Segment: %d", *total, *segment)
	}
	if err != nil {
		return nil, err
	}
	return q.page(from, r.now, where, p, false)
}

func checkSegments(segment, total *int) error {
	if err := between(segment, 0, maxSegments-1, "segment"); err != nil {
		return err
	}
	if err := between(total, 1, maxSegments, "totalSegments"); err != nil {
		return err
	}
	switch {
	case segment == nil && total == nil:
		return nil
	case total == nil:
		return validation("The TotalSegments parameter is required but was not present in the request when Segment parameter is present")
	case segment == nil:
		return validation("The Segment parameter is required but was not present in the request when parameter TotalSegments is present")
	case *segment >= *total:
		return validation("The Segment parameter is zero-based and must be less than parameter TotalSegments: Segment: %d is not less than TotalSegments: %d", *segment, *total)
	}
	return nil
}

// segmentSpan is a segment's share of the hashes; all where there are no segments.
func segmentSpan(segment, total *int) span {
	if segment == nil {
		return span{}
	}
	bound := func(i int) string {
		if i == *total {
			return ""
		}
		h, _ := bits.Div64(uint64(i), 0, uint64(*total))
		return hashPrefix(h)
	}
	return span{bound(*segment), bound(*segment + 1)}
}
