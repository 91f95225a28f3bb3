package topics

// Filter policies on message attributes or on the body ("Amazon SNS subscription filter policies", "Filter policy constraints").

import (
	"encoding/json"
	"math/big"
	"slices"
	"strings"
)

// filter is a policy: all of its fields must pass, and one of the filters of or where there are any. nil takes all.
type filter struct {
	fields map[string]field
	or     []*filter
}

// field is what a policy has under a name: conditions of which one must hold, or a policy for the object there.
type field struct {
	conditions []condition
	nested     *filter
}

// condition is one element of a policy: a text, a number, a boolean, null, or an object with one operator.
type condition struct {
	equals any            // string, json.Number, bool, nil
	op     map[string]any // exists, prefix, suffix, anything-but, numeric, equals-ignore-case
}

var operators = map[string]bool{"exists": true, "prefix": true, "suffix": true, "anything-but": true, "numeric": true, "equals-ignore-case": true}

// Limits of a policy ("Filter policy constraints").
const (
	maxKeys         = 5
	maxCombinations = 150
	maxNumber       = 1_000_000_000
)

func parseFilter(policy string) (*filter, error) {
	if policy == "" || policy == "{}" {
		return nil, nil
	}
	var raw map[string]any
	d := json.NewDecoder(strings.NewReader(policy))
	d.UseNumber()
	if err := d.Decode(&raw); err != nil {
		return nil, invalid("Attributes Reason: FilterPolicy: failed to parse JSON. " + err.Error())
	}
	f, err := policyOf(raw)
	if err != nil {
		return nil, err
	}
	keys, combinations := f.complexity(1)
	switch {
	case keys > maxKeys:
		return nil, invalid("Attributes Reason: FilterPolicy: Filter policy can not have more than 5 keys")
	case combinations > maxCombinations:
		return nil, invalid("Attributes Reason: FilterPolicy: Filter policy is too complex")
	}
	return f, nil
}

func policyOf(raw map[string]any) (*filter, error) {
	f := &filter{fields: map[string]field{}}
	for name, value := range raw {
		list, isList := value.([]any)
		object, isObject := value.(map[string]any)
		switch {
		case name == "$or" && isList && len(list) > 1:
			for _, element := range list {
				group, ok := element.(map[string]any)
				if !ok {
					return nil, invalid("Attributes Reason: FilterPolicy: $or must be an array of objects")
				}
				g, err := policyOf(group)
				if err != nil {
					return nil, err
				}
				f.or = append(f.or, g)
			}
		case isObject && len(object) > 0:
			nested, err := policyOf(object)
			if err != nil {
				return nil, err
			}
			f.fields[name] = field{nested: nested}
		case isList && len(list) > 0:
			conditions, err := parseConditions(list)
			if err != nil {
				return nil, err
			}
			f.fields[name] = field{conditions: conditions}
		default:
			return nil, invalid(`Attributes Reason: FilterPolicy: "` + name + `" must be an object or an array`)
		}
	}
	return f, nil
}

// complexity is the number of keys and that of combinations: each key's values times its level, multiplied.
func (f *filter) complexity(level int) (keys, combinations int) {
	combinations = 1
	for _, x := range f.fields {
		k, c := 1, len(x.conditions)*level
		if x.nested != nil {
			k, c = x.nested.complexity(level + 1)
		}
		keys, combinations = keys+k, combinations*c
	}
	sum := 0
	for _, g := range f.or {
		k, c := g.complexity(level)
		keys, sum = keys+k, sum+c
	}
	return keys, combinations * max(1, sum)
}

// isNested tells whether the policy looks into objects, which message attributes have none of.
func (f *filter) isNested() bool {
	if f == nil {
		return false
	}
	for _, x := range f.fields {
		if x.nested != nil {
			return true
		}
	}
	return slices.ContainsFunc(f.or, (*filter).isNested)
}

func parseConditions(list []any) (all []condition, err error) {
	for _, element := range list {
		c, err := parseCondition(element)
		if err != nil {
			return nil, err
		}
		if err := checkNumbers(element); err != nil {
			return nil, err
		}
		all = append(all, c)
	}
	return all, nil
}

// checkNumbers refuses numbers that a policy cannot compare.
func checkNumbers(v any) error {
	switch v := v.(type) {
	case json.Number:
		if f, err := v.Float64(); err != nil || f > maxNumber || f < -maxNumber {
			return invalid("Attributes Reason: FilterPolicy: Value of numeric match must be between -1.0E9 and 1.0E9, inclusive")
		}
	case []any:
		for _, e := range v {
			if err := checkNumbers(e); err != nil {
				return err
			}
		}
	case map[string]any:
		for _, e := range v {
			if err := checkNumbers(e); err != nil {
				return err
			}
		}
	}
	return nil
}

func parseCondition(element any) (condition, error) {
	op, ok := element.(map[string]any)
	if !ok {
		return condition{equals: element}, nil
	}
	for name := range op {
		if len(op) != 1 || !operators[name] {
			return condition{}, invalid("Attributes Reason: FilterPolicy: Unrecognized match type " + name)
		}
	}
	return condition{op: op}, nil
}

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
