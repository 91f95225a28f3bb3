package config

// Asking the components what they think of their values, and finding the places of what they name.

import (
	"errors"
	"strings"
)

// validate asks each struct what cannot work with its values.
func (l *loading) validate(n *node) {
	l.ask(n, func(part any) error {
		if v, ok := part.(interface{ Validate() error }); ok {
			return v.Validate()
		}
		return nil
	})
}

// try asks each struct what cannot work on this machine.
func (l *loading) try(n *node) {
	l.ask(n, func(part any) error {
		if v, ok := part.(interface{ Try() error }); ok {
			return v.Try()
		}
		return nil
	})
}

// ask puts a question to each struct of the group, then to those of the groups in it.
func (l *loading) ask(n *node, question func(part any) error) {
	for _, part := range n.parts {
		l.take(n, question(part.Addr().Interface()))
	}
	for _, c := range n.children {
		if c.kind == section {
			l.ask(c, question)
		}
	}
}

// take gives what a struct of the group answered its place.
func (l *loading) take(n *node, answer error) {
	for _, err := range flatten(answer) {
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
