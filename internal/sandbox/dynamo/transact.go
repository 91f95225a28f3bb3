package dynamo

// TransactWriteItems: all of its writes are made, or none ("Managing complex workflows with DynamoDB transactions").

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"inventoryd/internal/sandbox/dynamo/expr"
)

// transaction is a TransactWriteItems under way.
type transaction struct {
	writes  []plannedTransactWrite
	tables  []*table // each once, in the order of their names, which is that of their locking
	changes []change
}

type plannedTransactWrite struct {
	table    *table
	mutation mutation
}

func (s *Service) transactWriteItems(r *request) (any, error) {
	var writes []transactWrite
	var token, capacity string
	err := r.decode(params{"TransactItems": readTransaction(&writes), "ClientRequestToken": text(&token), "ReturnConsumedCapacity": text(&capacity)})
	if err != nil {
		return nil, err
	}
	if err := checkTransaction(writes, token, capacity); err != nil {
		return nil, err
	}
	tx := &transaction{}
	for i := range writes {
		if err := tx.add(s, &writes[i], r); err != nil {
			return nil, err
		}
	}
	if err := tx.distinct(); err != nil {
		return nil, err
	}
	done, err := s.tokens.once(token, digest(writes), r.now, func() (transacted, error) { return tx.run(s, r.now) })
	if err != nil {
		return nil, err
	}
	return done.answer(capacity), nil
}

// add checks a write as far as it can be without the items.
func (tx *transaction) add(s *Service, w *transactWrite, r *request) error {
	if err := required(w.item == nil && w.key == nil, "transactItems.1.member.key"); err != nil {
		return err
	}
	if err := required(w.kind == "ConditionCheck" && w.condition == nil, "transactItems.1.member.conditionCheck.conditionExpression"); err != nil {
		return err
	}
	if err := required(w.kind == "Update" && w.update == nil, "transactItems.1.member.update.updateExpression"); err != nil {
		return err
	}
	parser := expr.NewParser(w.names, w.values)
	var u expr.Update
	if w.update != nil {
		var err error
		if u, err = parser.Update(*w.update); err != nil {
			return err
		}
	}
	t, condition, err := s.prepare(r, &w.writing, parser)
	if err != nil {
		return err
	}
	m, err := w.mutation(t, u)
	if err != nil {
		return err
	}
	m.condition, m.returnOld = condition, w.onFailure == "ALL_OLD"
	tx.writes = append(tx.writes, plannedTransactWrite{t, m})
	return nil
}

func (w *transactWrite) mutation(t *table, u expr.Update) (mutation, error) {
	switch w.kind {
	case "Put":
		return t.put(w.item)
	case "Update":
		return t.update(w.key, u)
	case "Delete":
		return t.remove(w.key)
	}
	key, err := t.key.primaryKey(w.key)
	return mutation{key: key, next: func(old row) (row, error) { return old, nil }}, err
}

// distinct refuses two writes of one item, and finds the tables.
func (tx *transaction) distinct() error {
	seen := map[*table]map[string]bool{}
	for _, w := range tx.writes {
		if seen[w.table] == nil {
			seen[w.table] = map[string]bool{}
		}
		if seen[w.table][w.mutation.key] {
			return validation("Transaction request cannot include multiple operations on one item")
		}
		seen[w.table][w.mutation.key] = true
	}
	tx.tables = slices.SortedFunc(maps.Keys(seen), func(a, b *table) int { return cmp.Compare(a.name, b.name) })
	return nil
}

// run makes all changes or none.
func (tx *transaction) run(s *Service, now time.Time) (transacted, error) {
	conflicts := s.conflicts(tx)
	for _, t := range tx.tables {
		t.mu.Lock()
		defer t.mu.Unlock()
	}
	reasons, bytes := make([]*reason, len(tx.writes)), 0
	for i, w := range tx.writes {
		c, err := w.plan(now, conflicts[i])
		reasons[i] = reasonOf(err)
		tx.changes = append(tx.changes, c)
		bytes += int(max(c.old.size, c.next.size))
	}
	if bytes > maxTransactionBytes {
		return nil, validation("Transaction payload size cannot exceed 4MB. Payload Size: %d", bytes)
	}
	for i, w := range tx.writes {
		w.table.take(w.mutation.key, tx.changes[i], 2) // also where it is cancelled
	}
	if err := cancelled(reasons); err != nil {
		return nil, err
	}
	done := transacted{}
	for i, c := range tx.changes {
		w := tx.writes[i]
		w.table.store(now, c, false)
		done.add(w.table.name, c)
	}
	return done, nil
}

// plan finds out what the write would change; conflict says that a script has it fail.
func (w plannedTransactWrite) plan(now time.Time, conflict bool) (change, error) {
	if conflict {
		return change{}, errConflict
	}
	if err := w.table.admits(now, w.mutation.key); err != nil {
		return change{}, err
	}
	c, err := w.table.plan(w.mutation)
	if err == nil {
		err = w.table.admitsEntries(now, c)
	}
	return c, err
}

// conflicts says which writes a script has conflict with another transaction.
func (s *Service) conflicts(tx *transaction) []bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := make([]bool, len(tx.writes))
	for i, w := range tx.writes {
		if s.settings.conflicts[w.table.name] > 0 {
			s.settings.conflicts[w.table.name]--
			list[i] = true
			break
		}
	}
	return list
}
