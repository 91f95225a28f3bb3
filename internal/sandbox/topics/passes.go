package topics

// Whether a message passes a filter policy ("String value matching", "Numeric value matching", "Key matching").

import (
	"encoding/json"
	"math/big"
	"slices"
	"strings"
)

// passes says whether a message goes to a subscriber of that scope.
func (f *filter) passes(m message, scope string) bool {
	if f == nil {
		return true
	}
	content := map[string]any{}
	if scope == "MessageBody" {
		d := json.NewDecoder(strings.NewReader(m.body))
		d.UseNumber()
		if d.Decode(&content) != nil {
			return false // what is no JSON object passes no policy on the body
		}
	} else {
		for name, a := range m.attributes {
			content[name] = a.values()
		}
	}
	return f.holds(content)
}

func (f *filter) holds(content map[string]any) bool {
	for name, x := range f.fields {
		value, present := content[name]
		if x.nested != nil && !slices.ContainsFunc(objects(value), x.nested.holds) {
			return false
		}
		if x.nested == nil && !anyHolds(x.conditions, value, present, len(content) == 0) {
			return false
		}
	}
	return f.or == nil || slices.ContainsFunc(f.or, func(g *filter) bool { return g.holds(content) })
}

// objects are the objects among a value's elements.
func objects(value any) (list []map[string]any) {
	for _, v := range elements(value) {
		if o, ok := v.(map[string]any); ok {
			list = append(list, o)
		}
	}
	return list
}

// elements are the values of a list, or the value.
func elements(value any) []any {
	if list, ok := value.([]any); ok {
		return list
	}
	return []any{value}
}

// anyHolds says whether one of the conditions holds. That there is no value cannot be told of no content at all ("Key
// matching").
func anyHolds(conditions []condition, value any, present, empty bool) bool {
	for _, c := range conditions {
		if exists, ok := c.op["exists"].(bool); ok {
			if exists == present && !(empty && !exists) {
				return true
			}
			continue
		}
		if present && slices.ContainsFunc(elements(value), c.holds) {
			return true
		}
	}
	return false
}

// holds compares with one value: a string, or a json.Number, bool or nil.
func (c condition) holds(value any) bool {
	text, _ := value.(string)
	for name, operand := range c.op {
		switch name {
		case "prefix":
			return isText(value) && strings.HasPrefix(text, asText(operand))
		case "suffix":
			return isText(value) && strings.HasSuffix(text, asText(operand))
		case "equals-ignore-case":
			return isText(value) && strings.EqualFold(text, asText(operand))
		case "anything-but":
			return anythingBut(operand, value)
		case "numeric":
			return numeric(operand, value)
		}
	}
	return len(c.op) == 0 && equal(c.equals, value)
}

func isText(v any) bool { _, ok := v.(string); return ok }

func asText(v any) string { s, _ := v.(string); return s }

func anythingBut(operand, value any) bool {
	switch o := operand.(type) {
	case []any:
		for _, one := range o {
			if equal(one, value) {
				return false
			}
		}
		return true
	case map[string]any:
		return !condition{op: o}.holds(value)
	}
	return !equal(operand, value)
}

func equal(a, b any) bool {
	if x, y := number(a), number(b); x != nil && y != nil {
		return x.Cmp(y) == 0
	}
	return a == b
}

func number(v any) *big.Rat {
	n, ok := v.(json.Number)
	if !ok {
		return nil
	}
	r, ok := new(big.Rat).SetString(n.String())
	if !ok {
		return nil
	}
	return r
}

// numeric holds where all pairs do: ["=", 5], [">=", 0, "<", 10].
func numeric(operand, value any) bool {
	list, _ := operand.([]any)
	n := number(value)
	if n == nil || len(list) == 0 || len(list)%2 != 0 {
		return false
	}
	for i := 0; i < len(list); i += 2 {
		bound := number(list[i+1])
		if bound == nil || !compare(asText(list[i]), n.Cmp(bound)) {
			return false
		}
	}
	return true
}

func compare(op string, sign int) bool {
	switch op {
	case "=":
		return sign == 0
	case "<":
		return sign < 0
	case "<=":
		return sign <= 0
	case ">":
		return sign > 0
	case ">=":
		return sign >= 0
	}
	return false
}
