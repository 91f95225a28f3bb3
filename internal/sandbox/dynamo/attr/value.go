// Package attr holds DynamoDB's attribute values: their kinds, their numbers of 38 digits, their sizes, and their one
// form on the wire, which is also the form in which the sandbox stores items (a Document).
package attr

import (
	"cmp"
	"slices"
	"strings"
)

// Kind is the type of a value ("AttributeValue" in the API reference).
type Kind uint8

// The kinds.
const (
	S Kind = iota + 1
	N
	B
	BOOL
	NULL
	SS
	NS
	BS
	L
	M
)

var kindNames = [...]string{S: "S", N: "N", B: "B", BOOL: "BOOL", NULL: "NULL", SS: "SS", NS: "NS", BS: "BS", L: "L", M: "M"}

func (k Kind) String() string { return kindNames[k] }

// KindOf is the kind of that name, 0 for none.
func KindOf(name string) Kind {
	return Kind(max(0, slices.Index(kindNames[:], name)))
}

// Element is the kind of a set's elements; 0 where k is no set.
func (k Kind) Element() Kind {
	switch k {
	case SS:
		return S
	case NS:
		return N
	case BS:
		return B
	}
	return 0
}

// Value is one attribute value. It is never changed once made. The zero Value is none.
type Value struct {
	Kind Kind
	Bool bool    // of BOOL
	Text string  // of S; of N in normal form; of B the bytes
	List []Value // of L; of a set its elements, in order and without duplicates
	Map  Item    // of M
}

// Equal tells whether two values are the same: kind and content; sets regardless of order.
func (v Value) Equal(w Value) bool {
	return v.Kind == w.Kind && v.Bool == w.Bool && v.Text == w.Text &&
		slices.EqualFunc(v.List, w.List, Value.Equal) && v.Map.Equal(w.Map)
}

// Compare orders two values of one ordered kind (S and B by bytes, N by value); ok is false for others.
func (v Value) Compare(w Value) (order int, ok bool) {
	switch {
	case v.Kind != w.Kind:
		return 0, false
	case v.Kind == N:
		return CompareNumbers(v.Text, w.Text), true
	case v.Kind == S, v.Kind == B:
		return strings.Compare(v.Text, w.Text), true
	}
	return 0, false
}

// Contains tells whether a set or list has the element e.
func (v Value) Contains(e Value) bool { return slices.ContainsFunc(v.List, e.Equal) }

// Attribute is a name and its value.
type Attribute struct {
	Name  string
	Value Value
}

// Item is a set of attributes in the order of their names. It is never changed once made.
type Item []Attribute

// Equal tells whether two items have the same attributes.
func (i Item) Equal(j Item) bool {
	return slices.EqualFunc(i, j, func(a, b Attribute) bool { return a.Name == b.Name && a.Value.Equal(b.Value) })
}

func (i Item) find(name string) (int, bool) {
	return slices.BinarySearchFunc(i, name, func(a Attribute, n string) int { return cmp.Compare(a.Name, n) })
}

// Lookup returns the named attribute's value.
func (i Item) Lookup(name string) (Value, bool) {
	if at, ok := i.find(name); ok {
		return i[at].Value, true
	}
	return Value{}, false
}

// With is the item with the named attribute set to v.
func (i Item) With(name string, v Value) Item {
	at, ok := i.find(name)
	out := slices.Clone(i)
	if ok {
		out[at].Value = v
		return out
	}
	return slices.Insert(out, at, Attribute{name, v})
}

// Without is the item without the named attribute.
func (i Item) Without(name string) Item {
	if at, ok := i.find(name); ok {
		return slices.Delete(slices.Clone(i), at, at+1)
	}
	return i
}
