package expr

// Projections: the attributes that a read returns.

import (
	"maps"
	"slices"

	"inventoryd/internal/sandbox/dynamo/attr"
)

// Projection is a set of document paths.
type Projection struct{ root *selection }

// selection is what is selected of a value: all, or some of its elements.
type selection struct {
	all   bool
	parts map[step]*selection
}

// Projection reads a ProjectionExpression.
func (p *Parser) Projection(text string) (Projection, error) {
	paths, err := p.paths(text)
	return project(paths), invalid("ProjectionExpression", err)
}

func (p *Parser) paths(text string) ([]path, error) {
	q, err := p.start(text)
	if err != nil {
		return nil, err
	}
	var paths []path
	for {
		one, err := q.path()
		if err != nil {
			return nil, err
		}
		paths = append(paths, one)
		if !q.take(",") {
			break
		}
	}
	if err := q.end(); err != nil {
		return nil, err
	}
	return paths, disjoint(paths)
}

// disjoint refuses paths of which one lies within another, or that take one value for a map and for a list.
func disjoint(paths []path) error {
	for i, p := range paths {
		for _, q := range paths[:i] {
			if p.overlaps(q) {
				return attr.Refusef("Two document paths overlap with each other; must remove or rewrite one of these paths; path one: %s, path two: %s", q, p)
			}
			if p.conflicts(q) {
				return attr.Refusef("Two document paths conflict with each other; must remove or rewrite one of these paths; path one: %s, path two: %s", q, p)
			}
		}
	}
	return nil
}

func project(paths []path) Projection {
	root := &selection{}
	for _, p := range paths {
		at := root
		for _, s := range p {
			if at.parts == nil {
				at.parts = map[step]*selection{}
			}
			if at.parts[s] == nil {
				at.parts[s] = &selection{}
			}
			at = at.parts[s]
		}
		at.all = true
	}
	return Projection{root}
}

// Names are the top-level attributes that the projection names.
func (p Projection) Names() []string {
	var names []string
	for s := range p.root.parts {
		names = append(names, s.name)
	}
	slices.Sort(names)
	return names
}

// Of is the part of the item that the projection selects.
func (p Projection) Of(item attr.Item) attr.Item {
	v, _ := p.root.of(attr.Value{Kind: attr.M, Map: item})
	return v.Map
}

// of is the selected part of v; none if nothing of it is selected.
func (s *selection) of(v attr.Value) (attr.Value, bool) {
	if s.all {
		return v, true
	}
	out := attr.Value{Kind: v.Kind}
	for _, st := range slices.SortedFunc(maps.Keys(s.parts), func(a, b step) int { return a.index - b.index }) {
		part, ok := st.of(v)
		if !ok {
			continue
		}
		if part, ok = s.parts[st].of(part); !ok {
			continue
		}
		if st.name != "" {
			out.Map = out.Map.With(st.name, part)
		} else {
			out.List = append(out.List, part)
		}
	}
	return out, len(out.Map)+len(out.List) > 0
}
