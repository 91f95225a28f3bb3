package dynamo

// CreateTable, DescribeTable, DeleteTable and ListTables.

import (
	"crypto/rand"
	"fmt"
	"maps"
	"slices"
	"time"

	"inventoryd/internal/sandbox/wire"
)

func inUse(format string, args ...any) error {
	return wire.Errorf("ResourceInUseException", format, args...)
}

func (s *Service) createTable(r *request) (any, error) {
	var q tableRequest
	p, tags := q.params(), map[string]string{}
	p["Tags"] = readTags(tags)
	if err := r.decode(p); err != nil {
		return nil, err
	}
	if err := checkTableName(q.name); err != nil {
		return nil, err
	}
	key, err := q.schema()
	if err != nil {
		return nil, err
	}
	b, err := q.billing()
	if err != nil {
		return nil, err
	}
	if err := q.stream.check(); err != nil {
		return nil, err
	}
	indexes, err := q.indexDefinitions(key, b)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.tables[q.name]; ok {
		return nil, inUse("Table already exists: %s", q.name)
	}
	t := newTable(definition{q.name, newID(), key, r.now}, b, r.now.Add(s.settings.transition))
	t.onWrite = s.settings.onWrite
	for _, d := range indexes {
		t.indexes = append(t.indexes, newIndex(d.indexDefinition, d.billing, t.activeAt))
	}
	if q.stream != nil && q.stream.StreamEnabled {
		t.stream = s.newStream(t, q.stream.StreamViewType, r.now)
	}
	t.tag(tags)
	t.protected = q.protected != nil && *q.protected
	t.limit(s.settings.split, r.now)
	s.tables[q.name] = t
	d := t.describe(r.now)
	d.TableStatus = "CREATING" // CreateTable never answers ACTIVE
	d.creating(func(string) bool { return true })
	return map[string]any{"TableDescription": d}, nil
}

// newID is a random UUID.
func newID() string {
	b := make([]byte, 16)
	_, _ = rand.Read(b) // never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

func (s *Service) describeTable(r *request) (any, error) {
	var name string
	if err := r.decode(params{"TableName": tableName(&name)}); err != nil {
		return nil, err
	}
	t, err := s.anyTable(name)
	if err != nil {
		return nil, err
	}
	t.sweep(r.now)
	return map[string]any{"Table": t.describe(r.now)}, nil
}

// switchStream enables or disables a table's stream.
func (s *Service) switchStream(t *table, q *streamSpecification, now time.Time) error {
	s.mu.Lock() // the order of locks is service, table, stream
	defer s.mu.Unlock()
	t.mu.Lock()
	defer t.mu.Unlock()
	if status := t.status(now); status != "ACTIVE" {
		return t.busy(status)
	}
	enabled := t.stream != nil && t.stream.enabled()
	switch {
	case q.StreamEnabled && enabled:
		return validation("Table already has an enabled stream: TableName: %s", t.name)
	case !q.StreamEnabled && !enabled:
		return validation("Table has no stream to disable: TableName: %s", t.name)
	case q.StreamEnabled:
		t.stream = s.newStream(t, q.StreamViewType, now)
	default:
		t.stream.disable(now)
	}
	return nil
}

func (s *Service) deleteTable(r *request) (any, error) {
	var name string
	if err := r.decode(params{"TableName": tableName(&name)}); err != nil {
		return nil, err
	}
	t, err := s.anyTable(name)
	if err != nil {
		return nil, err
	}
	d := t.describe(r.now)
	if d.TableStatus != "ACTIVE" {
		return nil, t.busy(d.TableStatus)
	}
	if d.DeletionProtectionEnabled {
		return nil, validation("Resource cannot be deleted as it is currently protected against deletion. Disable deletion protection first.")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.tables[name] == t {
		delete(s.tables, name)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.stream != nil && t.stream.enabled() {
		t.stream.disable(r.now)
	}
	d.TableStatus = "DELETING"
	return map[string]any{"TableDescription": d}, nil
}

func (s *Service) listTables(r *request) (any, error) {
	var start string
	limit := new(int)
	*limit = 100
	if err := r.decode(params{"ExclusiveStartTableName": text(&start), "Limit": whole(&limit)}); err != nil {
		return nil, err
	}
	if err := between(limit, 1, 100, "limit"); err != nil {
		return nil, err
	}
	s.mu.RLock()
	names := slices.Sorted(maps.Keys(s.tables))
	s.mu.RUnlock()
	names = slices.DeleteFunc(names, func(n string) bool { return n <= start })
	out := struct {
		TableNames             []string
		LastEvaluatedTableName string `json:",omitempty"`
	}{TableNames: names}
	if len(names) > *limit {
		out.TableNames = names[:*limit]
		out.LastEvaluatedTableName = names[*limit-1]
	}
	return out, nil
}
