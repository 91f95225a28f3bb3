package dynamo

// Tags of tables, as infrastructure tools set and read them.

import (
	"maps"
	"slices"

	"inventoryd/internal/sandbox/dynamo/attr"
)

type tag struct{ Key, Value string }

func readTags(to map[string]string) func(*attr.Reader) error {
	return list(func(in *attr.Reader) error {
		var t tag
		err := params{"Key": text(&t.Key), "Value": text(&t.Value)}.read(in, "Tag")
		to[t.Key] = t.Value
		return err
	})
}

// tagged decodes a request that names a table by its ARN, and finds that.
func (s *Service) tagged(r *request, more params) (*table, error) {
	var name string
	more["ResourceArn"] = tableName(&name)
	if err := r.decode(more); err != nil {
		return nil, err
	}
	return s.anyTable(name)
}

func (s *Service) tagResource(r *request) (any, error) {
	tags := map[string]string{}
	t, err := s.tagged(r, params{"Tags": readTags(tags)})
	if err != nil {
		return nil, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.tag(tags)
	return struct{}{}, nil
}

func (t *table) tag(tags map[string]string) {
	if t.tags == nil {
		t.tags = map[string]string{}
	}
	maps.Copy(t.tags, tags)
}

func (s *Service) untagResource(r *request) (any, error) {
	var keys []string
	t, err := s.tagged(r, params{"TagKeys": list(func(in *attr.Reader) error {
		key, err := in.String()
		keys = append(keys, key)
		return err
	})})
	if err != nil {
		return nil, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, k := range keys {
		delete(t.tags, k)
	}
	return struct{}{}, nil
}

func (s *Service) listTags(r *request) (any, error) {
	var next string
	t, err := s.tagged(r, params{"NextToken": text(&next)}) // all are on one page
	if err != nil {
		return nil, err
	}
	t.mu.RLock()
	defer t.mu.RUnlock()
	out := struct{ Tags []tag }{[]tag{}}
	for _, k := range slices.Sorted(maps.Keys(t.tags)) {
		out.Tags = append(out.Tags, tag{k, t.tags[k]})
	}
	return out, nil
}

// describeContinuousBackups tells that there are none, which infrastructure tools want to know of each table.
func (s *Service) describeContinuousBackups(r *request) (any, error) {
	var name string
	if err := r.decode(params{"TableName": tableName(&name)}); err != nil {
		return nil, err
	}
	if _, err := s.anyTable(name); err != nil {
		return nil, err
	}
	return map[string]any{"ContinuousBackupsDescription": map[string]any{
		"ContinuousBackupsStatus": "ENABLED", "PointInTimeRecoveryDescription": map[string]string{"PointInTimeRecoveryStatus": "DISABLED"},
	}}, nil
}
