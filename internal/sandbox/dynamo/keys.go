package dynamo

// Primary keys: their rules, and the one string in whose order a table's rows are kept.

import (
	"encoding/binary"

	"inventoryd/internal/sandbox/dynamo/attr"
)

// Sizes of keys in bytes ("Quotas in Amazon DynamoDB": partition key and sort key length).
const (
	maxPartitionKey = 2048
	maxSortKey      = 1024
)

// keyAttribute is an attribute of the primary key; without a name it is none.
type keyAttribute struct {
	name string
	kind attr.Kind
}

// schema is the primary key of a table or an index. Several items may have the same of an index: their row keys go on with
// the table's.
type schema struct {
	partition, sort keyAttribute

	ofIndex bool
}

func (s schema) attributes() []keyAttribute {
	both := []keyAttribute{s.partition, s.sort}
	if s.sort.name == "" {
		return both[:1]
	}
	return both
}

func (s schema) isKey(name string) bool { return name == s.partition.name || name == s.sort.name }

// keySize is the size in bytes of the primary key among an item's attributes.
func (s schema) keySize(item attr.Item) int {
	n := 0
	for _, k := range s.attributes() {
		v, _ := item.Lookup(k.name)
		n += len(k.name) + v.Size()
	}
	return n
}

// itemKey is the row key of a whole item, which must have a fitting primary key.
func (s schema) itemKey(item attr.Item) (string, error) {
	for _, k := range s.attributes() {
		v, ok := item.Lookup(k.name)
		if !ok {
			return "", validation("One or more parameter values were invalid: Missing the key %s in the item", k.name)
		}
		if v.Kind != k.kind {
			return "", validation("One or more parameter values were invalid: Type mismatch for key %s expected: %s actual: %s", k.name, k.kind, v.Kind)
		}
	}
	return s.rowKey(item)
}

// primaryKey is the row key of a request's key, which must be just that.
func (s schema) primaryKey(key attr.Item) (string, error) {
	if len(key) != len(s.attributes()) {
		return "", validation("The provided key element does not match the schema")
	}
	for _, k := range s.attributes() {
		if v, ok := key.Lookup(k.name); !ok || v.Kind != k.kind {
			return "", validation("The provided key element does not match the schema")
		}
	}
	return s.rowKey(key)
}

// rowKey makes the row key of an item that has the key's attributes.
func (s schema) rowKey(item attr.Item) (string, error) {
	for _, k := range s.attributes() {
		v, _ := item.Lookup(k.name)
		if err := s.checkContent(k, v); err != nil {
			return "", err
		}
	}
	var room [256]byte // most keys are made without garbage
	partition, _ := item.Lookup(s.partition.name)
	key := appendPartition(room[:0], partition)
	if s.sort.name != "" {
		v, _ := item.Lookup(s.sort.name)
		key = s.appendSort(key, v)
	}
	return string(key), nil
}

var contentNames = map[attr.Kind]string{attr.S: "string", attr.B: "binary"}

func (s schema) checkContent(k keyAttribute, v attr.Value) error {
	switch {
	case k.kind != attr.N && v.Text == "":
		return validation("One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty %s value. Key: %s",
			contentNames[k.kind], k.name)
	case k == s.partition && len(v.Text) > maxPartitionKey:
		return validation("One or more parameter values were invalid: Size of hashkey has exceeded the maximum size limit of2048 bytes")
	case k != s.partition && len(v.Text) > maxSortKey:
		return validation("One or more parameter values were invalid: Aggregated size of all range keys has exceeded the size limit of 1024 bytes")
	}
	return nil
}

// appendPartition appends what the row keys of a partition begin with: the hash, by which scans and shards divide a
// table, the length and the partition key.
func appendPartition(b []byte, v attr.Value) []byte {
	b = binary.BigEndian.AppendUint64(b, hashOf(v.Text))
	b = binary.BigEndian.AppendUint32(b, uint32(len(v.Text))) // at most 2048
	return append(b, v.Text...)
}

// appendSort appends a sort key such that row keys are in its order; an index's says where it ends.
func (s schema) appendSort(b []byte, v attr.Value) []byte {
	b = s.appendSortPrefix(b, v)
	if s.ofIndex {
		b = append(b, 0, 0)
	}
	return b
}

func (s schema) appendSortPrefix(b []byte, v attr.Value) []byte {
	text := v.Text
	if v.Kind == attr.N {
		text = attr.SortableNumber(v.Text)
	}
	if !s.ofIndex {
		return append(b, text...)
	}
	for i := range len(text) {
		b = append(b, text[i])
		if text[i] == 0 {
			b = append(b, 1) // after the end's second 0
		}
	}
	return b
}

// hashOf spreads texts evenly over 64 bits: FNV-1a, whose high bits are weak for short texts, and MurmurHash3's end.
func hashOf(s string) uint64 {
	h := uint64(14695981039346656037)
	for i := range len(s) {
		h = (h ^ uint64(s[i])) * 1099511628211
	}
	return mix(h)
}

func mix(x uint64) uint64 {
	x = (x ^ x>>33) * 0xff51afd7ed558ccd
	x = (x ^ x>>33) * 0xc4ceb9fe1a85ec53
	return x ^ x>>33
}

// rowHash is the hash in a row key.
func rowHash(key string) uint64 { return binary.BigEndian.Uint64([]byte(key[:8])) }

// hashPrefix is the least row key of hash h.
func hashPrefix(h uint64) string { return string(binary.BigEndian.AppendUint64(nil, h)) }

// span is a half-open range of row keys; an empty high has no end.
type span struct{ low, high string }

// prefixed is the span of all keys that begin with p.
func prefixed(p string) span {
	end := []byte(p)
	for n := len(end); n > 0; n-- {
		if end[n-1] != 0xff {
			end[n-1]++
			return span{p, string(end[:n])}
		}
	}
	return span{p, ""}
}

// successor is the least key after k.
func successor(k string) string { return k + "\x00" }

func (s span) contains(key string) bool { return key >= s.low && (s.high == "" || key < s.high) }
