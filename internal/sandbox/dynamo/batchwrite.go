package dynamo

// BatchWriteItem.

import (
	"maps"
	"slices"

	"inventoryd/internal/sandbox/dynamo/attr"
	"inventoryd/internal/sandbox/wire"
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

func (s *Service) batchWriteItem(r *request) (any, error) {
	var capacity string
	requests := map[string][]writeRequest{}
	err := r.decode(params{
		"ReturnConsumedCapacity": text(&capacity),
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

// batchWrite is a BatchWriteItem under way: its writes are checked first, then made, each for itself.
type batchWrite struct {
	writes  []plannedWrite
	share   wire.Spread
	left    map[string][]writeRequest
	written map[string]cost // by table
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
	b.left, b.written = map[string][]writeRequest{}, map[string]cost{}
	done, short := 0, error(errThroughput)
	for _, w := range b.writes {
		name := w.table.name
		if b.share.Leaves() {
			b.left[name] = append(b.left[name], w.request)
			continue
		}
		c, err := w.table.apply(r.now, w.mutation)
		if throttled(err) {
			short = err
			b.left[name] = append(b.left[name], w.request)
			continue
		}
		if err != nil {
			return err
		}
		done++
		sum := b.written[name]
		sum.add(c.cost())
		b.written[name] = sum
	}
	if done == 0 {
		return short
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
