// Package policy reads IAM policy documents and says what they grant ("IAM JSON policy element reference"), as far as
// identity-based policies of a daemon go: Effect, Action, Resource and Condition. What it does not know is refused when the
// document is read: a policy that is half understood would grant too much.
package policy

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"sync"
)

// Policy is a document that calls are held to. It is safe for concurrent use.
type Policy struct {
	statements []statement

	mu     sync.Mutex // guards what follows
	used   []grant    // each once
	denied []Need
}

// grant is an action of a statement, as both are written.
type grant struct {
	statement int
	action    string
}

// Need is one permission that a call needs.
type Need struct {
	Action   string // "dynamodb:PutItem"
	Resource string // an ARN; "*" of actions that have no resource
	// Keys are the values of condition keys, by their names in lower case.
	Keys map[string][]string
}

func (n Need) String() string { return n.Action + " on " + n.Resource }

type statement struct {
	name       string
	deny       bool
	actions    []string
	resources  []string
	conditions []condition
}

// oneOrMany is a text or a list of texts.
type oneOrMany []string

func (o *oneOrMany) UnmarshalJSON(b []byte) error {
	var one string
	if json.Unmarshal(b, &one) == nil {
		*o = oneOrMany{one}
		return nil
	}
	var flag bool
	if json.Unmarshal(b, &flag) == nil {
		*o = oneOrMany{fmt.Sprint(flag)}
		return nil
	}
	return json.Unmarshal(b, (*[]string)(o))
}

type document struct {
	Version   string
	ID        string `json:"Id"`
	Statement []struct {
		Sid, Effect      string
		Action, Resource oneOrMany
		Condition        map[string]map[string]oneOrMany
	}
}

// Parse reads a document.
func Parse(text []byte) (*Policy, error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	var doc document
	if err := d.Decode(&doc); err != nil {
		return nil, fmt.Errorf("policy document: %w", err)
	}
	if doc.Version != "2012-10-17" {
		return nil, fmt.Errorf("policy document: Version is %q, want 2012-10-17", doc.Version)
	}
	p := &Policy{}
	for i, s := range doc.Statement {
		name := s.Sid
		if name == "" {
			name = fmt.Sprint("statement ", i+1)
		}
		if s.Effect != "Allow" && s.Effect != "Deny" {
			return nil, fmt.Errorf("policy document: %s: Effect is %q, want Allow or Deny", name, s.Effect)
		}
		if len(s.Action) == 0 || len(s.Resource) == 0 {
			return nil, fmt.Errorf("policy document: %s: it needs Action and Resource", name)
		}
		out := statement{name: name, deny: s.Effect == "Deny", actions: s.Action, resources: s.Resource}
		for operator, keys := range s.Condition {
			c, err := parseConditions(operator, keys)
			if err != nil {
				return nil, fmt.Errorf("policy document: %s: %w", name, err)
			}
			out.conditions = append(out.conditions, c...)
		}
		p.statements = append(p.statements, out)
	}
	return p, nil
}

// Allows says whether the policy grants a permission, and remembers what it says.
func (p *Policy) Allows(n Need) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	granted := -1
	for i, s := range p.statements {
		switch {
		case !s.applies(n):
		case s.deny:
			granted = -1
			p.denied = append(p.denied, n)
			return false
		case granted < 0:
			granted = i
		}
	}
	if granted < 0 {
		p.denied = append(p.denied, n)
		return false
	}
	for _, action := range p.statements[granted].actions {
		if g := (grant{granted, action}); matchesAny([]string{action}, n.Action, true) && !slices.Contains(p.used, g) {
			p.used = append(p.used, g)
		}
	}
	return true
}

// Denied are the permissions that calls lacked, each once, in the order of their first lack.
func (p *Policy) Denied() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	var list []string
	for _, n := range p.denied {
		if s := n.String(); !slices.Contains(list, s) {
			list = append(list, s)
		}
	}
	return list
}

// Unused are the actions that granted nothing yet, each behind the Sid or number of its statement: without them nothing that
// was asked for would have been denied.
func (p *Policy) Unused() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	var list []string
	for i, s := range p.statements {
		for _, action := range s.actions {
			if !s.deny && !slices.Contains(p.used, grant{i, action}) {
				list = append(list, s.name+" "+action)
			}
		}
	}
	return list
}

func (s statement) applies(n Need) bool {
	return matchesAny(s.actions, n.Action, true) && matchesAny(s.resources, n.Resource, false) &&
		!slices.ContainsFunc(s.conditions, func(c condition) bool { return !c.holds(n.Keys) })
}
