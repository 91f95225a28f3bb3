package dynamo

// BatchWriteItem and BatchGetItem.

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"inventoryd/internal/sandbox/dynamo/attr"
	"inventoryd/internal/sandbox/dynamo/expr"
	"inventoryd/internal/sandbox/wire"
)

// Limits of a batch ("BatchWriteItem", "BatchGetItem").
const (
	maxBatchWrite = 25
	maxBatchRead  = 100
	maxBatchBytes = 16 << 20 // of a BatchGetItem's answer
)

// writeRequest is one of a batch's writes: a put or a delete.
type writeRequest struct {
	Put    *putRequest    `json:"PutRequest,omitempty"`
	Delete *deleteRequest `json:"DeleteRequest,omitempty"`
}

type (
	putRequest    struct{ Item attr.Item }
	deleteRequest struct{ Key attr.Item }
)

// readWriteRequest reads one of a batch: by hand, since most of what the sandbox reads is these.
func readWriteRequest(in *attr.Reader) (w writeRequest, err error) {
	err = in.Object(func(name string) error {
		switch name {
		case "PutRequest":
			w.Put = &putRequest{}
			return readMember(in, name, "Item", &w.Put.Item)
		case "DeleteRequest":
			w.Delete = &deleteRequest{}
			return readMember(in, name, "Key", &w.Delete.Key)
		}
		return unknown(name, "WriteRequest")
	})
	if err == nil && (w.Put == nil) == (w.Delete == nil) {
		err = validation("Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes")
	}
	return w, err
}

// readMember reads an object whose only member is an item.
func readMember(in *attr.Reader, where, member string, to *attr.Item) error {
	return in.Object(func(name string) (err error) {
		if name != member {
			return unknown(name, where)
		}
		*to, err = in.Item()
		return err
	})
}

// byTable reads RequestItems.
func byTable[R any](to map[string]R, element func(*attr.Reader) (R, error)) func(*attr.Reader) error {
	return func(in *attr.Reader) error {
		return in.Object(func(name string) (err error) {
			to[nameOf(name)], err = element(in)
			return err
		})
	}
}

func (s *Service) batchWriteItem(r *request) (any, error) {
	var capacity, metrics string
	requests := map[string][]writeRequest{}
	err := r.decode(params{
		"ReturnConsumedCapacity": text(&capacity), "ReturnItemCollectionMetrics": text(&metrics),
		"RequestItems": byTable(requests, func(in *attr.Reader) (all []writeRequest, err error) {
			err = in.Array(func() error {
				w, err := readWriteRequest(in)
				all = append(all, w)
				return err
			})
			return all, err
		}),
	})
	if err != nil {
		return nil, err
	}
	if err := checkBatch(requests, maxBatchWrite, "BatchWriteItem", tooManyWrites); err != nil {
		return nil, err
	}
	b := batchWrite{share: wire.Spread{Share: r.Unprocessed}}
	for _, name := range slices.Sorted(maps.Keys(requests)) {
		t, err := s.table(name, r.now)
		if err != nil {
			return nil, err
		}
		if err := b.plan(t, requests[name]); err != nil {
			return nil, err
		}
	}
	if err := b.run(r); err != nil {
		return nil, err
	}
	return b.answer(capacity), nil
}

// checkBatch checks the number of a batch's requests; wrong words the error of a table's number.
func checkBatch[R any](requests map[string][]R, limit int, operation string, wrong func(table string, n int) error) error {
	if len(requests) == 0 {
		return constraint("'{}'", "requestItems", "Member must have length greater than or equal to 1")
	}
	total := 0
	for table, list := range requests {
		total += len(list)
		if len(list) == 0 || len(list) > limit {
			return wrong(table, len(list))
		}
	}
	if total > limit {
		return validation("Too many items requested for the %s call", operation)
	}
	return nil
}

func tooManyWrites(table string, n int) error {
	return constraint(fmt.Sprintf("'{%s=[%d requests]}'", table, n), "requestItems",
		"Map value must satisfy constraint: [Member must have length less than or equal to 25, Member must have length greater than or equal to 1]")
}

func tooManyKeys(table string, n int) error {
	rule := "Member must have length less than or equal to 100"
	if n == 0 {
		rule = "Member must have length greater than or equal to 1"
	}
	return constraint(fmt.Sprintf("'[%d keys]'", n), "requestItems."+table+".member.keys", rule)
}

// batchWrite is a BatchWriteItem under way: its writes are checked first, then made, each for itself.
type batchWrite struct {
	writes  []plannedWrite
	share   wire.Spread
	left    map[string][]writeRequest
	written map[string]float64 // units by table
}

type plannedWrite struct {
	table    *table
	request  writeRequest
	mutation mutation
}

func (b *batchWrite) plan(t *table, requests []writeRequest) error {
	seen := make(map[string]bool, len(requests))
	for _, w := range requests {
		m, err := t.planned(w)
		if err != nil {
			return err
		}
		if seen[m.key] {
			return validation("Provided list of item keys contains duplicates")
		}
		seen[m.key] = true
		b.writes = append(b.writes, plannedWrite{t, w, m})
	}
	return nil
}

func (t *table) planned(w writeRequest) (mutation, error) {
	if w.Put != nil {
		return t.put(w.Put.Item)
	}
	return t.remove(w.Delete.Key)
}

func (b *batchWrite) run(r *request) error {
	b.left, b.written = map[string][]writeRequest{}, map[string]float64{}
	done := 0
	for _, w := range b.writes {
		name := w.table.name
		if b.share.Leaves() {
			b.left[name] = append(b.left[name], w.request)
			continue
		}
		old, next, err := w.table.apply(r.now, w.mutation)
		if errors.Is(err, errThroughput) {
			b.left[name] = append(b.left[name], w.request)
			continue
		}
		if err != nil {
			return err
		}
		done++
		b.written[name] += writeUnits(max(old.size, next.size))
	}
	if done == 0 {
		return errThroughput
	}
	return nil
}

func (b *batchWrite) answer(capacity string) any {
	out := struct {
		UnprocessedItems map[string][]writeRequest
		ConsumedCapacity []*consumed `json:",omitempty"`
	}{UnprocessedItems: b.left}
	for _, name := range slices.Sorted(maps.Keys(b.written)) {
		if c := consumption(capacity, name, b.written[name]); c != nil {
			out.ConsumedCapacity = append(out.ConsumedCapacity, c)
		}
	}
	return out
}

// keysRequest is what a BatchGetItem asks of one table, and how the unprocessed rest of it is answered.
type keysRequest struct {
	Keys                     []attr.Item
	ConsistentRead           bool              `json:",omitempty"`
	ProjectionExpression     string            `json:",omitempty"`
	ExpressionAttributeNames map[string]string `json:",omitempty"`
}

func readKeysRequest(in *attr.Reader) (k *keysRequest, err error) {
	k = &keysRequest{}
	return k, params{
		"ConsistentRead": flag(&k.ConsistentRead), "ProjectionExpression": text(&k.ProjectionExpression),
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
	b := &batchRead{Responses: map[string][]attr.Document{}, UnprocessedKeys: map[string]*keysRequest{}, share: wire.Spread{Share: r.Unprocessed}}
	for _, name := range slices.Sorted(maps.Keys(requests)) {
		t, err := s.table(name, r.now)
		if err != nil {
			return nil, err
		}
		units, err := b.read(t, requests[name])
		if err != nil {
			return nil, err
		}
		if c := consumption(capacity, name, units); c != nil {
			b.ConsumedCapacity = append(b.ConsumedCapacity, c)
		}
	}
	if b.found == 0 {
		return nil, errThroughput
	}
	return b, nil
}

// read answers one table's keys and returns the units consumed.
func (b *batchRead) read(t *table, k *keysRequest) (units float64, err error) {
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
	rest := *k
	rest.Keys = nil
	for i, key := range keys {
		row := t.read(key)
		if b.share.Leaves() || b.bytes+int(row.size) > maxBatchBytes {
			rest.Keys = append(rest.Keys, k.Keys[i])
			continue
		}
		b.found++
		b.bytes += int(row.size)
		units += readUnits(int(row.size), k.ConsistentRead)
		if row.key != "" {
			b.Responses[t.name] = append(b.Responses[t.name], shown(row, projection))
		}
	}
	if rest.Keys != nil {
		b.UnprocessedKeys[t.name] = &rest
	}
	return units, nil
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
