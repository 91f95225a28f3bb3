package expr

// Document paths: `a`, `a.b[2].c`.

import (
	"strconv"
	"strings"

	"inventoryd/internal/sandbox/dynamo/attr"
)

// step is one element of a path: a name, or an index of a list where name is empty.
type step struct {
	name  string
	index int
}

type path []step

func (p path) String() string {
	parts := make([]string, len(p))
	for i, s := range p {
		parts[i] = s.name
		if s.name == "" {
			parts[i] = "[" + strconv.Itoa(s.index) + "]"
		}
	}
	return "[" + strings.Join(parts, ", ") + "]"
}

func (p path) value(item attr.Item) (attr.Value, bool) {
	v, ok := attr.Value{Kind: attr.M, Map: item}, true
	for _, s := range p {
		if v, ok = s.of(v); !ok {
			return v, false
		}
	}
	return v, true
}

// of is the element of v that the step names.
func (s step) of(v attr.Value) (attr.Value, bool) {
	switch {
	case s.name != "" && v.Kind == attr.M:
		return v.Map.Lookup(s.name)
	case s.name == "" && v.Kind == attr.L && s.index < len(v.List):
		return v.List[s.index], true
	}
	return attr.Value{}, false
}

// overlaps tells whether one of the paths is the other or lies within it.
func (p path) overlaps(q path) bool {
	for i := range min(len(p), len(q)) {
		if p[i] != q[i] {
			return false
		}
	}
	return true
}

// conflicts tells whether one path takes for a map what the other takes for a list.
func (p path) conflicts(q path) bool {
	for i := range min(len(p), len(q)) {
		if p[i] != q[i] {
			return (p[i].name == "") != (q[i].name == "")
		}
	}
	return false
}
