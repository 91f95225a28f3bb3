package config

// The walker: it turns a struct into a tree of keys. All else in this package works on that tree.

import (
	"fmt"
	"reflect"
	"strings"
)

// Class says when a change of a key's value takes effect.
type Class string

const (
	Now     Class = "now"     // at once, while everything goes on
	Object  Class = "object"  // for the next object; what is being worked on keeps the old value
	Restart Class = "restart" // when the daemon is started again
)

// node is a key (a leaf with a value) or a group of keys. The root has no name.
type node struct {
	name, path string // "window", "notifier.digest.window"
	field      string // where its documentation is: "loader.Intake.Queue"
	class      Class
	secret     bool     // the value must not be shown
	enum       []string // the texts that are allowed; nil: any
	kind       kind     // section for a group
	value      reflect.Value
	listed     bool            // of an entry of a list: it has no variable, and no default
	children   []*node         // of a group, in the order of the struct's fields; of a list of sections, those of an entry
	parts      []reflect.Value // of a group: its struct and the structs inlined into it, for Validate
}

// Secret is the type of a text that must not be shown.
type Secret string

// String keeps the secret out of whatever prints it.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return Masked
}

// tree walks the struct that into points to. It reads these tags of the exported fields, and a field that is a key has
// no others:
//
//	yaml    the key's name; `,inline` puts the keys of a struct into the group around it; `-` leaves a field out
//	reload  now, object or restart; a key without one has its group's, at the top restart
//	enum    the allowed values, separated by |
//
// What the key does, with its unit and limits, is the field's comment (see ReadComments).
// A struct that cannot be a configuration is a mistake in the program: tree panics.
func tree(into any) *node {
	v := reflect.ValueOf(into)
	if v.Kind() != reflect.Pointer || v.Elem().Kind() != reflect.Struct {
		panic(fmt.Sprintf("config: %T is no pointer to a struct", into))
	}
	root := &node{class: Restart, kind: section, value: v.Elem()}
	root.add(v.Elem())
	return root
}

// add puts the fields of the struct v into the group n.
func (n *node) add(v reflect.Value) {
	n.parts = append(n.parts, v)
	for i := range v.NumField() {
		field := v.Type().Field(i)
		name, options, _ := strings.Cut(field.Tag.Get("yaml"), ",")
		switch {
		case name == "-" || !field.IsExported():
		case options == "inline":
			n.add(v.Field(i))
		case name == "":
			panic(fmt.Sprintf("config: field %s of %s has no yaml tag", field.Name, v.Type()))
		default:
			n.children = append(n.children, n.child(name, v, i))
		}
	}
}

// child is the key or group that the i-th field of the struct group is.
func (n *node) child(name string, group reflect.Value, i int) *node {
	field, v := group.Type().Field(i), group.Field(i)
	c := &node{
		name:   name,
		path:   n.join(name),
		field:  group.Type().String() + "." + field.Name,
		class:  Class(field.Tag.Get("reload")),
		secret: v.Type() == secretType,
		kind:   kindOf(v.Type()),
		listed: n.listed,
		value:  v,
	}
	if c.class == "" {
		c.class = n.class
	}
	if enum := field.Tag.Get("enum"); enum != "" {
		c.enum = strings.Split(enum, "|")
	}
	switch c.kind {
	case section:
		c.add(v)
	case entries:
		c.template()
	}
	return c
}

// join is the path of a name below n.
func (n *node) join(name string) string {
	if n.path == "" {
		return name
	}
	return n.path + "." + name
}

// find returns the child called name, or nil.
func (n *node) find(name string) *node {
	for _, c := range n.children {
		if c.name == name {
			return c
		}
	}
	return nil
}

// leaves calls visit for each key below n, in order.
func (n *node) leaves(visit func(*node)) {
	for _, c := range n.children {
		if c.kind == section {
			c.leaves(visit)
		} else {
			visit(c)
		}
	}
}
