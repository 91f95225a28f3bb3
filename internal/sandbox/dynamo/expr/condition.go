package expr

// Conditions: the tree that the parser makes and its evaluation against an item.

import (
	"strings"
	"unicode/utf16"

	"inventoryd/internal/sandbox/dynamo/attr"
)

// Condition is a condition or filter expression.
type Condition interface {
	// Holds tells whether the item meets the condition. An item that does not exist has no attributes.
	Holds(item attr.Item) bool
}

// operand is what yields a value, or none for an item without it.
type operand interface {
	value(item attr.Item) (attr.Value, bool)
}

// literal is a value that the request carries.
type literal struct {
	name string // ":v"
	v    attr.Value
}

func (l literal) value(attr.Item) (attr.Value, bool) { return l.v, true }

// sizeOf is the function size.
type sizeOf struct{ of operand }

func (s sizeOf) value(item attr.Item) (attr.Value, bool) {
	v, ok := s.of.value(item)
	if !ok {
		return v, false
	}
	n := 0
	switch v.Kind {
	case attr.S: // in UTF-16, as Java counts
		for _, r := range v.Text {
			n += utf16.RuneLen(r)
		}
	case attr.B:
		n = len(v.Text)
	case attr.M:
		n = len(v.Map)
	case attr.L, attr.SS, attr.NS, attr.BS:
		n = len(v.List)
	default:
		return attr.Value{}, false
	}
	return attr.Value{Kind: attr.N, Text: itoa(n)}, true
}

type (
	and struct{ left, right Condition }
	or  struct{ left, right Condition }
	not struct{ of Condition }

	// comparison is = <> < <= > >=.
	comparison struct {
		sign        string
		left, right operand
	}
	between struct{ of, low, high operand }
	in      struct {
		of   operand
		list []operand
	}
	// test is a function that yields true or false.
	test struct {
		name string
		args []operand
	}
)

func (c and) Holds(item attr.Item) bool { return c.left.Holds(item) && c.right.Holds(item) }
func (c or) Holds(item attr.Item) bool  { return c.left.Holds(item) || c.right.Holds(item) }
func (c not) Holds(item attr.Item) bool { return !c.of.Holds(item) }

func (c comparison) Holds(item attr.Item) bool {
	left, ok := c.left.value(item)
	right, also := c.right.value(item)
	if !ok || !also { // what is not there is unlike everything
		return c.sign == "<>"
	}
	return compare(c.sign, left, right)
}

func compare(sign string, left, right attr.Value) bool {
	switch sign {
	case "=":
		return left.Equal(right)
	case "<>":
		return !left.Equal(right)
	}
	order, ok := left.Compare(right)
	if !ok {
		return false
	}
	switch sign {
	case "<":
		return order < 0
	case "<=":
		return order <= 0
	case ">":
		return order > 0
	}
	return order >= 0
}

func (c between) Holds(item attr.Item) bool {
	return comparison{">=", c.of, c.low}.Holds(item) && comparison{"<=", c.of, c.high}.Holds(item)
}

func (c in) Holds(item attr.Item) bool {
	for _, o := range c.list {
		if (comparison{"=", c.of, o}).Holds(item) {
			return true
		}
	}
	return false
}

func (c test) Holds(item attr.Item) bool {
	v, ok := c.args[0].value(item)
	switch {
	case c.name == "attribute_exists":
		return ok
	case c.name == "attribute_not_exists":
		return !ok
	case !ok:
		return false
	}
	w, ok := c.args[1].value(item)
	if !ok {
		return false
	}
	switch c.name {
	case "attribute_type":
		return v.Kind.String() == w.Text
	case "begins_with":
		return v.Kind == w.Kind && (v.Kind == attr.S || v.Kind == attr.B) && strings.HasPrefix(v.Text, w.Text)
	}
	return contains(v, w)
}

func contains(v, w attr.Value) bool {
	switch v.Kind {
	case attr.S, attr.B:
		return v.Kind == w.Kind && strings.Contains(v.Text, w.Text)
	case attr.L, attr.SS, attr.NS, attr.BS:
		return v.Contains(w)
	}
	return false
}
