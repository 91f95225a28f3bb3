package topics

// Filter policies on message attributes ("Amazon SNS subscription filter policies", "Filter policy constraints").

import (
	"encoding/json"
	"math/big"
	"strings"
)

// filter maps an attribute's name to the conditions of which one must hold; every name must pass. nil takes all.
type filter map[string][]condition

// condition is one element of a policy: a text, a number, a boolean, null, or an object with one operator.
type condition struct {
	equals any            // string, json.Number, bool, nil
	op     map[string]any // exists, prefix, suffix, anything-but, numeric, equals-ignore-case
}

var operators = map[string]bool{"exists": true, "prefix": true, "suffix": true, "anything-but": true, "numeric": true, "equals-ignore-case": true}

func parseFilter(policy string) (filter, error) {
	if policy == "" || policy == "{}" {
		return nil, nil
	}
	var raw map[string]any
	d := json.NewDecoder(strings.NewReader(policy))
	d.UseNumber()
	if err := d.Decode(&raw); err != nil {
		return nil, invalid("Attributes Reason: FilterPolicy: failed to parse JSON. " + err.Error())
	}
	if len(raw) > 5 {
		return nil, invalid("Attributes Reason: FilterPolicy: Filter policy can not have more than 5 keys")
	}
	f := filter{}
	for name, value := range raw {
		list, ok := value.([]any)
		if !ok || len(list) == 0 {
			return nil, invalid(`Attributes Reason: FilterPolicy: "` + name + `" must be an object or an array`)
		}
		for _, element := range list {
			c, err := parseCondition(element)
			if err != nil {
				return nil, err
			}
			f[name] = append(f[name], c)
		}
	}
	return f, nil
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

// passes says whether a message with these attributes goes to the subscriber.
func (f filter) passes(attributes map[string]attribute) bool {
	for name, conditions := range f {
		a, present := attributes[name]
		if !anyHolds(conditions, a, present) {
			return false
		}
	}
	return true
}

func anyHolds(conditions []condition, a attribute, present bool) bool {
	for _, c := range conditions {
		if exists, ok := c.op["exists"].(bool); ok {
			if exists == present {
				return true
			}
			continue
		}
		for _, v := range a.values() {
			if present && c.holds(v) {
				return true
			}
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
