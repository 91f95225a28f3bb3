package topics

// Filter policies on message attributes or on the body ("Amazon SNS subscription filter policies", "Filter policy constraints").

import (
	"encoding/json"
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
