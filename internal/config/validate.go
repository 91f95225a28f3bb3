package config

// Asking the components what they think of their values, and finding the places of what they name.

import (
	"errors"
	"reflect"
	"strings"
)

type validator interface{ Validate() error }

// validate asks each struct of the group, then the groups in it.
func (l *loading) validate(n *node) {
	for _, part := range n.parts {
		l.ask(n, part)
	}
	for _, c := range n.children {
		if c.kind == section {
			l.validate(c)
		}
	}
}

func (l *loading) ask(n *node, part reflect.Value) {
	v, ok := part.Addr().Interface().(validator)
	if !ok {
		return
	}
	for _, err := range flatten(v.Validate()) {
		path := n.path
		var p *Problem
		if errors.As(err, &p) {
			path, err = n.join(p.Key), p.Err
		}
		if !l.failed[path] && !l.known(path, err) {
			l.errors = append(l.errors, &Error{l.place(path), path, err})
		}
	}
}

// known tells whether the same was said before: a struct may hand on what the structs in it say.
func (l *loading) known(path string, err error) bool {
	for _, e := range l.errors {
		if e.Key == path && e.Err.Error() == err.Error() {
			return true
		}
	}
	return false
}

// place is where the key stands, else where its group stands, else the file.
func (l *loading) place(path string) Source {
	for {
		if s, ok := l.sources[path]; ok {
			return s
		}
		if s, ok := l.sections[path]; ok {
			return s
		}
		i := strings.LastIndexByte(path, '.')
		if i < 0 {
			return l.file
		}
		path = path[:i]
	}
}

// flatten takes joined errors apart.
func flatten(err error) []error {
	if err == nil {
		return nil
	}
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return []error{err}
	}
	var all []error
	for _, e := range joined.Unwrap() {
		all = append(all, flatten(e)...)
	}
	return all
}
