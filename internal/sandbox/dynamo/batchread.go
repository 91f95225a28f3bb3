package dynamo

// BatchGetItem.

import (
	"cmp"
	"maps"
	"math/bits"
	"slices"
	"time"

	"inventoryd/internal/sandbox/dynamo/attr"
	"inventoryd/internal/sandbox/dynamo/expr"
	"inventoryd/internal/sandbox/wire"
)

// keysRequest is what a BatchGetItem asks of one table, and how the unprocessed rest of it is answered.
type keysRequest struct {
	Keys                     []attr.Item
	ConsistentRead           bool              `json:",omitempty"`
	ProjectionExpression     *string           `json:",omitempty"`
	ExpressionAttributeNames map[string]string `json:",omitempty"`
}

func readKeysRequest(in *attr.Reader) (k *keysRequest, err error) {
	k = &keysRequest{}
	return k, params{
		"ConsistentRead": flag(&k.ConsistentRead), "ProjectionExpression": expression(&k.ProjectionExpression),
		"ExpressionAttributeNames": names(&k.ExpressionAttributeNames),
		"Keys": list(func(in *attr.Reader) error {
			key, err := in.Item()
			k.Keys = append(k.Keys, key)
			return err
		}),
	}.read(in, "KeysAndAttributes")
}

// batchRead is a BatchGetItem under way.
type batchRead struct {
	Responses        map[string][]attr.Document
	UnprocessedKeys  map[string]*keysRequest
	ConsumedCapacity []*consumed `json:",omitempty"`

	share wire.Spread
	bytes int
	found int
	short error // why a key was left
}

func (s *Service) batchGetItem(r *request) (any, error) {
	var capacity string
	requests := map[string]*keysRequest{}
	err := r.decode(params{"ReturnConsumedCapacity": text(&capacity), "RequestItems": byTable(requests, readKeysRequest)})
	if err != nil {
		return nil, err
	}
	keys := map[string][]attr.Item{}
	for name, k := range requests {
		keys[name] = k.Keys
	}
	if err := checkBatch(keys, maxBatchRead, "BatchGetItem", tooManyKeys); err != nil {
		return nil, err
	}
	b := &batchRead{Responses: map[string][]attr.Document{}, UnprocessedKeys: map[string]*keysRequest{}, share: wire.Spread{Share: r.Unprocessed}, short: errThroughput}
	for _, name := range slices.Sorted(maps.Keys(requests)) {
		t, err := s.table(name, r.now)
		if err != nil {
			return nil, err
		}
		units, err := b.read(t, requests[name], r.now)
		if err != nil {
			return nil, err
		}
		if c := consumption(capacity, name, cost{table: units}); c != nil {
			b.ConsumedCapacity = append(b.ConsumedCapacity, c)
		}
	}
	if b.found == 0 {
		return nil, b.short
	}
	return b, nil
}

// read answers one table's keys and returns the units consumed.
func (b *batchRead) read(t *table, k *keysRequest, now time.Time) (units float64, err error) {
	parser := expr.NewParser(k.ExpressionAttributeNames, nil)
	projection, err := (&reading{projection: k.ProjectionExpression}).projected(parser)
	if err != nil {
		return 0, err
	}
	if err := parser.Unused(); err != nil {
		return 0, err
	}
	keys, err := t.distinctKeys(k.Keys)
	if err != nil {
		return 0, err
	}
	b.Responses[t.name] = []attr.Document{}
	rest, from := *k, source{t, nil}
	shares := map[int]int{} // bytes by partition
	rest.Keys = nil
	order := make([]int, len(keys)) // no order that a client could rely on ("BatchGetItem")
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(i, j int) int { return cmp.Compare(hashOf(keys[i]), hashOf(keys[j])) })
	for _, i := range order {
		row := t.read(keys[i])
		if err := from.admitsRead(now, keys[i]); err != nil {
			b.short = err
			rest.Keys = append(rest.Keys, k.Keys[i])
			continue
		}
		at, size := t.partition(keys[i]), int(row.size)
		if b.share.Leaves() || b.bytes+size > maxBatchBytes || shares[at] > 0 && shares[at]+size > maxShareBytes {
			rest.Keys = append(rest.Keys, k.Keys[i])
			continue
		}
		b.found++
		b.bytes += size
		shares[at] += size
		n := readUnits(size, k.ConsistentRead)
		from.takeRead(keys[i], n)
		units += n
		if row.key != "" {
			b.Responses[t.name] = append(b.Responses[t.name], shown(row, projection))
		}
	}
	if rest.Keys != nil {
		b.UnprocessedKeys[t.name] = &rest
	}
	return units, nil
}

// partition is the number of the partition that holds a row key.
func (t *table) partition(key string) int {
	t.mu.RLock()
	defer t.mu.RUnlock()
	if t.capacity != nil {
		return t.capacity.at(rowHash(key))
	}
	n, _ := bits.Mul64(rowHash(key), uint64(t.billing.partitions()))
	return int(n)
}

func (t *table) distinctKeys(given []attr.Item) ([]string, error) {
	keys := make([]string, len(given))
	seen := map[string]bool{}
	for i, item := range given {
		key, err := t.key.primaryKey(item)
		if err != nil {
			return nil, err
		}
		if seen[key] {
			return nil, validation("Provided list of item keys contains duplicates")
		}
		seen[key], keys[i] = true, key
	}
	return keys, nil
}
