package expr

// Update expressions: what they do to an item. All operands are those of the item before the update.

import (
	"slices"

	"inventoryd/internal/sandbox/dynamo/attr"
)

var (
	errMissing = attr.Refusef("The provided expression refers to an attribute that does not exist in the item")
	errType    = attr.Refusef("An operand in the update expression has an incorrect data type")
	errPath    = attr.Refusef("The document path provided in the update expression is invalid for update")
)

type (
	// plain is an operand as it is.
	plain struct{ of operand }
	// arithmetic is a sum or a difference.
	arithmetic struct {
		minus       bool
		left, right operation
	}
	listAppend  struct{ left, right operation }
	ifNotExists struct {
		at path
		or operation
	}
)

func (p plain) result(item attr.Item) (attr.Value, error) {
	if v, ok := p.of.value(item); ok {
		return v, nil
	}
	return attr.Value{}, errMissing
}

func pair(item attr.Item, left, right operation, k attr.Kind) (l, r attr.Value, err error) {
	if l, err = left.result(item); err != nil {
		return l, r, err
	}
	if r, err = right.result(item); err != nil {
		return l, r, err
	}
	if l.Kind != k || r.Kind != k {
		return l, r, errType
	}
	return l, r, nil
}

func (a arithmetic) result(item attr.Item) (attr.Value, error) {
	l, r, err := pair(item, a.left, a.right, attr.N)
	if err != nil {
		return l, err
	}
	text, err := attr.AddNumbers(l.Text, r.Text, a.minus)
	return attr.Value{Kind: attr.N, Text: text}, err
}

func (a listAppend) result(item attr.Item) (attr.Value, error) {
	l, r, err := pair(item, a.left, a.right, attr.L)
	return attr.Value{Kind: attr.L, List: slices.Concat(l.List, r.List)}, err
}

func (f ifNotExists) result(item attr.Item) (attr.Value, error) {
	or, err := f.or.result(item) // it must exist even if it is not needed
	if v, ok := f.at.value(item); ok && err == nil {
		return v, nil
	}
	return or, err
}

// Apply returns the item after the update.
func (u Update) Apply(item attr.Item) (attr.Item, error) {
	root := attr.Value{Kind: attr.M, Map: item}
	var err error
	for _, s := range u.ordered() {
		v, err := s.to.result(item)
		if err != nil {
			return nil, err
		}
		if root, err = s.at.put(root, v); err != nil {
			return nil, err
		}
	}
	for _, a := range u.adds {
		if root, err = a.apply(root, item, added); err != nil {
			return nil, err
		}
	}
	for _, d := range u.deletes {
		if root, err = d.apply(root, item, deleted); err != nil {
			return nil, err
		}
	}
	removes := slices.Clone(u.removes)
	slices.SortFunc(removes, func(p, q path) int { return -order(p, q) }) // the later elements of a list first
	for _, p := range removes {
		if root, err = p.remove(root); err != nil {
			return nil, err
		}
	}
	return root.Map, nil
}

// ordered are the assignments such that those beyond a list's end append in the order of their indexes.
func (u Update) ordered() []assignment {
	sets := slices.Clone(u.sets)
	slices.SortStableFunc(sets, func(a, b assignment) int { return order(a.at, b.at) })
	return sets
}

func order(p, q path) int {
	return slices.CompareFunc(p, q, func(a, b step) int { return a.index - b.index })
}

// put is v with its element at p set.
func (p path) put(v, to attr.Value) (attr.Value, error) {
	if len(p) == 0 {
		return to, nil
	}
	part, ok := p[0].of(v)
	if !ok && len(p) > 1 {
		return v, errPath
	}
	part, err := p[1:].put(part, to)
	if err != nil {
		return v, err
	}
	switch {
	case p[0].name != "" && v.Kind == attr.M:
		v.Map = v.Map.With(p[0].name, part)
	case p[0].name == "" && v.Kind == attr.L && ok:
		v.List = slices.Clone(v.List)
		v.List[p[0].index] = part
	case p[0].name == "" && v.Kind == attr.L:
		v.List = append(slices.Clone(v.List), part)
	default:
		return v, errPath
	}
	return v, nil
}

// remove is v without its element at p.
func (p path) remove(v attr.Value) (attr.Value, error) {
	if (p[0].name == "") != (v.Kind == attr.L) || p[0].name != "" && v.Kind != attr.M {
		return v, errPath
	}
	part, ok := p[0].of(v)
	if !ok && len(p) > 1 {
		return v, errPath
	}
	if !ok {
		return v, nil
	}
	if len(p) > 1 {
		part, err := p[1:].remove(part)
		if err != nil {
			return v, err
		}
		return p[:1].put(v, part)
	}
	if p[0].name != "" {
		v.Map = v.Map.Without(p[0].name)
	} else {
		v.List = slices.Delete(slices.Clone(v.List), p[0].index, p[0].index+1)
	}
	return v, nil
}

// apply changes the value at the assignment's path by f, which gets none where there is none and returns none to
// remove it.
func (a assignment) apply(root attr.Value, item attr.Item, f func(old, by attr.Value) (attr.Value, error)) (attr.Value, error) {
	by, err := a.to.result(item)
	if err != nil {
		return root, err
	}
	old, exists := a.at.value(item)
	v, err := f(old, by)
	switch {
	case err != nil:
		return root, err
	case v.Kind != 0:
		return a.at.put(root, v)
	case exists || len(a.at) > 1: // a path that is not there may be invalid
		return a.at.remove(root)
	}
	return root, nil
}

func added(old, by attr.Value) (attr.Value, error) {
	switch {
	case old.Kind == 0:
		return by, nil
	case old.Kind != by.Kind:
		return old, errType
	case by.Kind == attr.N:
		text, err := attr.AddNumbers(old.Text, by.Text, false)
		return attr.Value{Kind: attr.N, Text: text}, err
	}
	return attr.SetOf(by.Kind, slices.Concat(old.List, by.List)), nil
}

func deleted(old, by attr.Value) (attr.Value, error) {
	if old.Kind == 0 {
		return old, nil
	}
	if old.Kind != by.Kind {
		return old, errType
	}
	left := slices.DeleteFunc(slices.Clone(old.List), by.Contains)
	if len(left) == 0 {
		return attr.Value{}, nil
	}
	return attr.SetOf(old.Kind, left), nil
}
