package config

// Lists of sections: entries whose keys are those of a struct. They stand in the file only, and what an entry does not
// say is the component's business.

import (
	"fmt"
	"reflect"
	"strings"

	"go.yaml.in/yaml/v4"
)

// template gives a list of sections the keys of an entry, as children without a value of their own.
func (n *node) template() {
	e := n.entry("[]", reflect.New(n.value.Type().Elem()).Elem())
	e.leaves(func(leaf *node) {
		if leaf.secret || leaf.kind == entries {
			panic(fmt.Sprintf("config: %s cannot stand in a list", leaf.path))
		}
	})
	n.children, n.parts = e.children, e.parts
}

// entry is one entry of a list of sections, whose place stands behind the list's path.
func (n *node) entry(place string, v reflect.Value) *node {
	e := &node{path: n.path + place, class: n.class, kind: section, listed: true, value: v}
	e.add(v)
	return e
}

// all are the entries of a list of sections.
func (n *node) all() []*node {
	all := make([]*node, n.value.Len())
	for i := range all {
		all[i] = n.entry(fmt.Sprintf("[%d]", i), n.value.Index(i))
	}
	return all
}

// keys are the keys of an entry that have a value.
func (n *node) keys() map[string]any {
	m := map[string]any{}
	for _, c := range n.children {
		switch {
		case c.value.IsZero():
		case c.kind == section:
			m[c.name] = c.keys()
		default:
			m[c.name] = c.plain()
		}
	}
	return m
}

// flow is an entry as YAML on one line.
func (n *node) flow() string {
	var parts []string
	for _, c := range n.children {
		switch {
		case c.value.IsZero():
		case c.kind == section:
			parts = append(parts, c.name+": "+c.flow())
		default:
			parts = append(parts, c.name+": "+c.yaml())
		}
	}
	return "{" + strings.Join(parts, ", ") + "}"
}

// entries reads a list of sections, which replaces the default as a whole.
func (l *loading) entries(n *node, y *yaml.Node) {
	if y.Kind != yaml.SequenceNode {
		l.fail(l.at(y), n.path, fmt.Errorf("%s where a list of sections belongs", describe(y)))
		return
	}
	all := reflect.Zero(n.value.Type())
	for i, item := range y.Content {
		e := n.entry(fmt.Sprintf("[%d]", i), reflect.New(n.value.Type().Elem()).Elem())
		l.sections[e.path] = l.at(item)
		l.group(e, item)
		all = reflect.Append(all, e.value)
	}
	n.value.Set(all)
}
