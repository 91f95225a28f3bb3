package dynamo

// UpdateTable: a table's stream, capacity and indexes.

import (
	"slices"
	"time"

	"inventoryd/internal/sandbox/wire"
)

func (s *Service) updateTable(r *request) (any, error) {
	var q tableRequest
	p := q.params()
	p["TableName"] = tableName(&q.name)
	p["GlobalSecondaryIndexUpdates"] = readIndexUpdates(&q.updates)
	if err := r.decode(p); err != nil {
		return nil, err
	}
	if q.keys != nil || q.indexes != nil {
		return nil, validation("The sandbox's DynamoDB does not have the parameters KeySchema and GlobalSecondaryIndexes of UpdateTable.")
	}
	if q.stream == nil && q.updates == nil && q.mode == "" && q.throughput == nil && q.warm == nil && q.protected == nil {
		return nil, validation("At least one of ProvisionedThroughput, BillingMode, UpdateStreamEnabled, GlobalSecondaryIndexUpdates or SSESpecification or ReplicaUpdates is required")
	}
	if err := q.stream.check(); err != nil {
		return nil, err
	}
	t, err := s.anyTable(q.name)
	if err != nil {
		return nil, err
	}
	t.sweep(r.now)
	if q.stream != nil {
		err = s.switchStream(t, q.stream, r.now)
	}
	if err == nil {
		err = s.updateCapacity(t, &q, r.now)
	}
	if err == nil && q.protected != nil {
		t.mu.Lock()
		t.protected = *q.protected
		t.mu.Unlock()
	}
	if err == nil && q.updates != nil {
		err = s.updateIndexes(t, &q, r.now)
	}
	if err != nil {
		return nil, err
	}
	d := t.describe(r.now)
	d.TableStatus = "UPDATING"
	d.creating(func(name string) bool {
		return slices.ContainsFunc(q.updates, func(u indexUpdate) bool { return u.create != nil && u.create.name == name })
	})
	return map[string]any{"TableDescription": d}, nil
}

// updateCapacity changes how the table's capacity is paid, or warms it up.
func (s *Service) updateCapacity(t *table, q *tableRequest, now time.Time) error {
	if q.mode == "" && q.throughput == nil && q.warm == nil {
		return nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if status := t.status(now); status != "ACTIVE" {
		return t.busy(status)
	}
	b := t.billing
	if q.mode != "" || q.throughput != nil {
		if q.mode == "" && t.billing.onDemand {
			return errOnDemand
		}
		asked, err := q.billing()
		if err != nil {
			return err
		}
		b.onDemand, b.read, b.write = asked.onDemand, asked.read, asked.write
	}
	if err := b.warmUp(q.warm); err != nil {
		return err
	}
	if b == t.billing {
		return validation("The provisioned throughput for the table will not change. The requested value equals the current value. Current ReadCapacityUnits provisioned for the table: %d. Requested ReadCapacityUnits: %d. Current WriteCapacityUnits provisioned for the table: %d. Requested WriteCapacityUnits: %d. Refer to the Amazon DynamoDB Developer Guide for current limits and how to request higher limits.",
			t.billing.read, b.read, t.billing.write, b.write)
	}
	t.bill(b, now)
	return nil
}

// bill has the table and, where its mode changes, its indexes follow a change of the billing.
func (t *table) bill(b billing, now time.Time) {
	for _, ix := range t.indexes {
		if b.onDemand != t.billing.onDemand {
			ix.billing.onDemand = b.onDemand
			ix.capacity.reshape(ix.billing, now)
		}
	}
	t.billing = b
	t.capacity.reshape(b, now)
}

// updateIndexes makes, deletes or changes an index: one at a time.
func (s *Service) updateIndexes(t *table, q *tableRequest, now time.Time) error {
	s.mu.RLock()
	done := now.Add(s.settings.transition)
	s.mu.RUnlock()
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(q.updates) != 1 || t.status(now) == "UPDATING" {
		return wire.Errorf("LimitExceededException", "Subscriber limit exceeded: Only 1 online index can be created or deleted simultaneously per table")
	}
	if status := t.status(now); status != "ACTIVE" {
		return t.busy(status)
	}
	switch u := q.updates[0]; {
	case u.create != nil:
		return t.createIndex(q, u.create, now, done)
	case u.change != nil:
		return t.changeIndex(u.remove, u.change, now)
	default:
		return t.deleteIndex(u.remove, done)
	}
}

// createIndex makes an index and fills it; the entries show once it is active.
func (t *table) createIndex(q *tableRequest, create *indexRequest, now, done time.Time) error {
	if t.findIndex(create.name) != nil {
		return validation("Attempting to create an index which already exists")
	}
	if len(t.indexes) == maxIndexes {
		return tooManyIndexes()
	}
	kinds, err := q.kinds()
	if err != nil {
		return err
	}
	d, err := q.indexDefinition(create, t.key, t.billing, kinds)
	if err != nil {
		return err
	}
	if err := t.sameKinds(d.key); err != nil {
		return err
	}
	ix := newIndex(d.indexDefinition, d.billing, done)
	if t.capacity != nil {
		ix.capacity = newCapacity(d.billing, t.capacity.splitAfter, now)
	}
	ix.fill(t.rows)
	t.indexes = append(t.indexes, ix)
	return nil
}

// sameKinds refuses a key whose attributes have other types in the table's or another index's key.
func (t *table) sameKinds(key schema) error {
	for _, k := range key.attributes() {
		for _, known := range t.keyAttributes() {
			if known.name == k.name && known.kind != k.kind {
				return validation("One or more parameter values were invalid: AttributeDefinitions of %s differ: %s and %s", k.name, known.kind, k.kind)
			}
		}
	}
	return nil
}

func (t *table) changeIndex(name string, to *throughput, now time.Time) error {
	ix := t.findIndex(name)
	if ix == nil {
		return notFound("Requested resource not found")
	}
	if ix.billing.onDemand {
		return errOnDemand
	}
	ix.billing.read, ix.billing.write = to.ReadCapacityUnits, to.WriteCapacityUnits
	ix.capacity.reshape(ix.billing, now)
	return nil
}

func (t *table) deleteIndex(name string, done time.Time) error {
	ix := t.findIndex(name)
	if ix == nil {
		return notFound("Requested resource not found")
	}
	ix.goneAt = done
	return nil
}

// findIndex finds an index of that name; nil for none. The table is locked.
func (t *table) findIndex(name string) *index {
	at := slices.IndexFunc(t.indexes, func(ix *index) bool { return ix.name == name })
	if at < 0 {
		return nil
	}
	return t.indexes[at]
}
