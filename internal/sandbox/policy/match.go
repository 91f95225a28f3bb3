package policy

// Wildcards and conditions ("IAM JSON policy elements: Condition operators").

import (
	"fmt"
	"slices"
	"strings"
)

// matchesAny tells whether a text is like one of the patterns; actions are compared without regard to case.
func matchesAny(patterns []string, text string, fold bool) bool {
	return slices.ContainsFunc(patterns, func(p string) bool {
		if fold {
			return like(strings.ToLower(p), strings.ToLower(text))
		}
		return like(p, text)
	})
}

// like matches * (any text) and ? (one character).
func like(pattern, text string) bool {
	for pattern != "" {
		switch pattern[0] {
		case '*':
			for i := 0; i <= len(text); i++ {
				if like(pattern[1:], text[i:]) {
					return true
				}
			}
			return false
		case '?':
			if text == "" {
				return false
			}
		default:
			if text == "" || text[0] != pattern[0] {
				return false
			}
		}
		pattern, text = pattern[1:], text[1:]
	}
	return text == ""
}

// condition is one key's under one operator.
type condition struct {
	key      string // in lower case
	values   []string
	compare  func(want, got string) bool
	negated  bool
	ifExists bool
	set      string // "ForAllValues", "ForAnyValue" or "" of keys with one value
	null     bool
}

var comparisons = map[string]func(want, got string) bool{
	"StringEquals":           func(want, got string) bool { return want == got },
	"StringEqualsIgnoreCase": strings.EqualFold,
	"StringLike":             like,
	"ArnEquals":              like,
	"ArnLike":                like,
	"Bool":                   strings.EqualFold,
}

func parseConditions(operator string, keys map[string]oneOrMany) (list []condition, err error) {
	c := condition{}
	name := operator
	if set, rest, ok := strings.Cut(name, ":"); ok {
		if set != "ForAllValues" && set != "ForAnyValue" {
			return nil, fmt.Errorf("the sandbox does not know the condition operator %s", operator)
		}
		c.set, name = set, rest
	}
	name, c.ifExists = strings.CutSuffix(name, "IfExists")
	if negated := strings.Replace(name, "Not", "", 1); negated != name {
		c.negated, name = true, negated
	}
	c.null = name == "Null" && !c.negated
	if c.compare = comparisons[name]; c.compare == nil && !c.null || c.negated && name == "Bool" {
		return nil, fmt.Errorf("the sandbox does not know the condition operator %s", operator)
	}
	for key, values := range keys {
		one := c
		one.key, one.values = strings.ToLower(key), values
		list = append(list, one)
	}
	return list, nil
}

func (c condition) holds(keys map[string][]string) bool {
	got := keys[c.key]
	switch {
	case c.null:
		return slices.ContainsFunc(c.values, func(v string) bool { return strings.EqualFold(v, "true") == (len(got) == 0) })
	case len(got) == 0:
		return c.ifExists || c.negated || c.set == "ForAllValues"
	case c.set == "ForAllValues":
		return !slices.ContainsFunc(got, func(v string) bool { return !c.holdsFor(v) })
	}
	return slices.ContainsFunc(got, c.holdsFor)
}

func (c condition) holdsFor(got string) bool {
	return slices.ContainsFunc(c.values, func(want string) bool { return c.compare(want, got) }) != c.negated
}
