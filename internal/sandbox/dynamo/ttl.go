package dynamo

// Time to live: its setting, and the deletion of what has expired.

import (
	"strconv"

	"inventoryd/internal/sandbox/dynamo/attr"
)

type ttlSpecification struct {
	AttributeName string
	Enabled       bool
}

func (s *Service) updateTimeToLive(r *request) (any, error) {
	var name string
	var spec *ttlSpecification
	err := r.decode(params{"TableName": tableName(&name), "TimeToLiveSpecification": func(in *attr.Reader) error {
		spec = &ttlSpecification{}
		return params{"AttributeName": text(&spec.AttributeName), "Enabled": flag(&spec.Enabled)}.read(in, "TimeToLiveSpecification")
	}})
	if err != nil {
		return nil, err
	}
	if err := required(spec == nil, "timeToLiveSpecification"); err != nil {
		return nil, err
	}
	if err := required(spec.AttributeName == "", "timeToLiveSpecification.attributeName"); err != nil {
		return nil, err
	}
	t, err := s.table(name, r.now)
	if err != nil {
		return nil, err
	}
	if err := t.setTTL(spec); err != nil {
		return nil, err
	}
	return map[string]any{"TimeToLiveSpecification": spec}, nil
}

func (t *table) setTTL(spec *ttlSpecification) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case spec.Enabled && t.ttl != "":
		return validation("TimeToLive is already enabled")
	case !spec.Enabled && t.ttl == "":
		return validation("TimeToLive is already disabled")
	case !spec.Enabled && t.ttl != spec.AttributeName:
		return validation("TimeToLive is active on a different AttributeName: current AttributeName is %s", t.ttl)
	case spec.Enabled:
		t.ttl = spec.AttributeName
	default:
		t.ttl = ""
	}
	return nil
}

func (s *Service) describeTimeToLive(r *request) (any, error) {
	var name string
	if err := r.decode(params{"TableName": tableName(&name)}); err != nil {
		return nil, err
	}
	t, err := s.table(name, r.now)
	if err != nil {
		return nil, err
	}
	t.mu.RLock()
	defer t.mu.RUnlock()
	d := map[string]string{"TimeToLiveStatus": "DISABLED"}
	if t.ttl != "" {
		d = map[string]string{"TimeToLiveStatus": "ENABLED", "AttributeName": t.ttl}
	}
	return map[string]any{"TimeToLiveDescription": d}, nil
}

// Expire deletes the table's items whose time to live is over, as DynamoDB does some time within a few days
// ("Using time to live (TTL) in DynamoDB"), and returns how many; the stream's records say who did it.
func (s *Service) Expire(name string) (int, error) {
	now := s.clock.Now()
	t, err := s.table(name, now)
	if err != nil {
		return 0, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.ttl == "" {
		return 0, nil
	}
	var due []row
	t.rows.Ascend(func(r row) bool {
		if v, ok := r.item().Lookup(t.ttl); ok && expired(v, now.Unix()) {
			due = append(due, r)
		}
		return true
	})
	for _, old := range due {
		entries, _ := t.entries(old, row{}) // no new entry, no error
		t.store(now, change{old: old, entries: entries}, true)
	}
	return len(due), nil
}

// expired tells whether a number of epoch seconds is past; what is older than 5 years never expires.
func expired(v attr.Value, now int64) bool {
	if v.Kind != attr.N {
		return false
	}
	at, err := strconv.ParseInt(v.Text, 10, 64)
	return err == nil && at < now && at > now-5*365*24*3600
}
