package dynamo

// PutItem, UpdateItem and DeleteItem.

import (
	"slices"
	"strings"

	"inventoryd/internal/sandbox/dynamo/attr"
	"inventoryd/internal/sandbox/dynamo/expr"
)

// writing is what the three have in common.
type writing struct {
	table, returns, onFailure, capacity string

	condition *string
	names     map[string]string
	values    map[string]attr.Value
}

func (w *writing) params(more params) params {
	p := params{
		"TableName": tableName(&w.table), "ReturnValues": text(&w.returns),
		"ReturnValuesOnConditionCheckFailure": text(&w.onFailure), "ReturnConsumedCapacity": text(&w.capacity),
		"ConditionExpression": expression(&w.condition), "ExpressionAttributeNames": names(&w.names), "ExpressionAttributeValues": values(&w.values),
	}
	for name, read := range more {
		p[name] = read
	}
	return p
}

// prepare checks the parameters, finds the table and reads the condition.
func (s *Service) prepare(r *request, w *writing, p *expr.Parser, returns ...string) (*table, expr.Condition, error) {
	if err := w.check(returns); err != nil {
		return nil, nil, err
	}
	var condition expr.Condition
	if w.condition != nil {
		c, err := p.Condition("ConditionExpression", *w.condition)
		if err != nil {
			return nil, nil, err
		}
		condition = c
	}
	if err := p.Unused(); err != nil {
		return nil, nil, err
	}
	t, err := s.table(w.table, r.now)
	return t, condition, err
}

func (w *writing) check(returns []string) error {
	if err := required(w.table == "", "tableName"); err != nil {
		return err
	}
	if err := oneOf(w.returns, "returnValues", "ALL_NEW", "UPDATED_OLD", "ALL_OLD", "NONE", "UPDATED_NEW"); err != nil {
		return err
	}
	if err := oneOf(w.onFailure, "returnValuesOnConditionCheckFailure", "ALL_OLD", "NONE"); err != nil {
		return err
	}
	if err := oneOf(w.capacity, "returnConsumedCapacity", "INDEXES", "TOTAL", "NONE"); err != nil {
		return err
	}
	if w.returns != "" && !slices.Contains(returns, w.returns) {
		return validation("Return values set to invalid value")
	}
	return nil
}

// written is the answer of a write.
type written struct {
	Attributes       any       `json:",omitempty"` // attr.Document or attr.Item
	ConsumedCapacity *consumed `json:",omitempty"`
}

func (w *writing) answer(c change) *written {
	out := &written{ConsumedCapacity: consumption(w.capacity, w.table, c.cost())}
	switch {
	case w.returns == "ALL_OLD" && c.old.key != "":
		out.Attributes = c.old.doc
	case w.returns == "ALL_NEW":
		out.Attributes = c.next.doc
	}
	return out
}

func (s *Service) putItem(r *request) (any, error)    { return s.replace(r, "Item", (*table).put) }
func (s *Service) deleteItem(r *request) (any, error) { return s.replace(r, "Key", (*table).remove) }

// replace is a write for which it does not matter what was there: its parameter has what to put, or the key to remove.
func (s *Service) replace(r *request, parameter string, mutate func(*table, attr.Item) (mutation, error)) (any, error) {
	var w writing
	var it attr.Item
	if err := r.decode(w.params(params{parameter: item(&it)})); err != nil {
		return nil, err
	}
	if err := required(it == nil, strings.ToLower(parameter)); err != nil {
		return nil, err
	}
	t, condition, err := s.prepare(r, &w, expr.NewParser(w.names, w.values), "NONE", "ALL_OLD")
	if err != nil {
		return nil, err
	}
	m, err := mutate(t, it)
	if err != nil {
		return nil, err
	}
	m.condition, m.returnOld = condition, w.onFailure == "ALL_OLD"
	c, err := t.apply(r.now, m)
	if err != nil {
		return nil, err
	}
	return w.answer(c), nil
}

// put is the mutation that stores a whole item.
func (t *table) put(item attr.Item) (mutation, error) {
	key, err := t.key.itemKey(item)
	if err != nil {
		return mutation{}, err
	}
	next, err := t.key.newRow(key, item)
	return mutation{key: key, next: func(row) (row, error) { return next, nil }}, err
}

// remove is the mutation that deletes an item.
func (t *table) remove(key attr.Item) (mutation, error) {
	k, err := t.key.primaryKey(key)
	return mutation{key: k, next: func(row) (row, error) { return row{}, nil }}, err
}

func (s *Service) updateItem(r *request) (any, error) {
	var w writing
	var key attr.Item
	var update *string
	if err := r.decode(w.params(params{"Key": item(&key), "UpdateExpression": expression(&update)})); err != nil {
		return nil, err
	}
	if err := required(key == nil, "key"); err != nil {
		return nil, err
	}
	parser := expr.NewParser(w.names, w.values)
	var u expr.Update
	if update != nil {
		var err error
		if u, err = parser.Update(*update); err != nil {
			return nil, err
		}
	}
	t, condition, err := s.prepare(r, &w, parser, "NONE", "ALL_OLD", "UPDATED_OLD", "ALL_NEW", "UPDATED_NEW")
	if err != nil {
		return nil, err
	}
	m, err := t.update(key, u)
	if err != nil {
		return nil, err
	}
	m.condition, m.returnOld = condition, w.onFailure == "ALL_OLD"
	c, err := t.apply(r.now, m)
	if err != nil {
		return nil, err
	}
	return w.updated(u, c), nil
}

// update is the mutation that updates an item or creates it.
func (t *table) update(key attr.Item, u expr.Update) (mutation, error) {
	k, err := t.key.primaryKey(key)
	if err != nil {
		return mutation{}, err
	}
	for _, name := range u.Names() {
		if t.key.isKey(name) {
			return mutation{}, validation("One or more parameter values were invalid: Cannot update attribute %s. This attribute is part of the key", name)
		}
	}
	next := func(old row) (row, error) {
		before := old.item()
		if before == nil {
			before = key
		}
		after, err := u.Apply(before)
		if err != nil {
			return row{}, err
		}
		if after.Size() > maxItem {
			return row{}, validation("Item size to update has exceeded the maximum allowed size")
		}
		return t.key.newRow(k, after)
	}
	return mutation{key: k, next: next}, nil
}

// updated is the answer of UpdateItem, which may be a part of the item.
func (w *writing) updated(u expr.Update, c change) *written {
	out := w.answer(c)
	var touched attr.Item
	switch {
	case w.returns == "UPDATED_OLD" && c.old.key != "":
		touched = u.Touched(c.old.item())
	case w.returns == "UPDATED_NEW":
		touched = u.Touched(c.next.item())
	}
	if len(touched) > 0 {
		out.Attributes = touched
	}
	return out
}
