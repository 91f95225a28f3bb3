package dynamo

// How a call that is beyond a table's or an index's capacity is refused ("Diagnosing throttling": ThrottlingReason;
// "Error handling with DynamoDB").

import (
	"errors"
	"time"

	"inventoryd/internal/sandbox/wire"
)

// errThroughput is the refusal of a write beyond the capacity that SetWriteCapacity gave a table.
var errThroughput = wire.Errorf("ProvisionedThroughputExceededException", "The level of configured provisioned throughput for the table was exceeded. Consider increasing your provisioning level with the UpdateTable API.")

const (
	provisionedIndex = "The level of configured provisioned throughput for one or more global secondary indexes of the table was exceeded. Consider increasing your provisioning level for the under-provisioned global secondary indexes with the UpdateTable API"
	onDemandTable    = "Throughput exceeds the current capacity of your table or index. DynamoDB is automatically scaling your table or index so please try again shortly. If exceptions persist, check if you have a hot key: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/bp-partition-key-design.html"
	onDemandIndex    = "Throughput exceeds the current capacity for one or more global secondary indexes. DynamoDB is automatically scaling your index so please try again shortly."
)

type throttlingReason struct {
	Reason   string `json:"reason"`
	Resource string `json:"resource"`
}

// short is the refusal of a call that a capacity does not admit; nil for no shortage.
func (t *table) short(ix *index, f flow, why shortage) error {
	if why == "" {
		return nil
	}
	reason := throttlingReason{"Table" + f.String() + string(why), t.arn()}
	onDemand, text := t.billing.onDemand, [2]string{errThroughput.Message, onDemandTable}
	if ix != nil {
		reason = throttlingReason{"Index" + f.String() + string(why), ix.arn(t.arn())}
		onDemand, text = ix.billing.onDemand, [2]string{provisionedIndex, onDemandIndex}
	}
	e := &wire.Error{Status: 400, Code: errThroughput.Code, Message: text[0]}
	member := "ThrottlingReasons"
	if onDemand {
		e.Code, e.Message, member = "ThrottlingException", text[1], "throttlingReasons" // so the model has it
	}
	e.Fields = map[string]any{member: []throttlingReason{reason}}
	return e
}

// throttled tells whether an error says that capacity was short.
func throttled(err error) bool {
	var e *wire.Error
	return errors.As(err, &e) && (e.Code == errThroughput.Code || e.Code == "ThrottlingException")
}

// admits refuses a write that the table has no units for. The table is locked.
func (t *table) admits(now time.Time, key string) error {
	if !t.throttle.allows(now) {
		return errThroughput
	}
	if t.capacity == nil {
		return nil
	}
	return t.short(nil, writes, t.capacity.admits(writes, rowHash(key), now))
}

// admitsEntries refuses a write whose index is behind with its writes ("back pressure").
func (t *table) admitsEntries(now time.Time, c change) error {
	for _, e := range c.entries {
		for _, r := range []row{e.old, e.next} {
			if e.index.capacity == nil || r.key == "" {
				continue
			}
			if why := e.index.capacity.admits(writes, rowHash(r.key), now); why != "" {
				return t.short(e.index, writes, why)
			}
		}
	}
	return nil
}

// take takes a write's units, times as often as a write outside of a transaction does.
func (t *table) take(key string, c change, times float64) {
	n := writeUnits(max(c.old.size, c.next.size)) * times
	t.throttle.used += n
	if t.capacity == nil {
		return
	}
	t.capacity.take(writes, rowHash(key), n)
	for _, e := range c.entries {
		old, next := e.units()
		if old > 0 {
			e.index.capacity.take(writes, rowHash(e.old.key), old*times)
		}
		if next > 0 {
			e.index.capacity.take(writes, rowHash(e.next.key), next*times)
		}
	}
}

// admitsRead refuses a read of the partition of a row key that its source has no units for.
func (s source) admitsRead(now time.Time, key string) error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.short(s.index, reads, s.limit().admits(reads, hashAt(key), now))
}

func (s source) takeRead(key string, n float64) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	s.limit().take(reads, hashAt(key), n)
}

// limit is the capacity that the source's reads take of. The table is locked.
func (s source) limit() *capacity {
	if s.index != nil {
		return s.index.capacity
	}
	return s.capacity
}

// hashAt is the hash that a row key or the beginning of a span has; the least where there is none.
func hashAt(key string) uint64 {
	if len(key) < 8 {
		return 0
	}
	return rowHash(key)
}
