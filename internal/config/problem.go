// Package config turns a tree of structs into a configuration file's language: one walker over the structs yields
// the names, the environment's variables, the sources of values, the schema, the example and the documentation.
package config

import (
	"errors"
	"fmt"
)

// Problem is what is wrong with one key. A component's Validate joins its problems with errors.Join; the loading of
// the file adds file, line and column.
type Problem struct {
	Key string // the key's path below the component, in YAML's names: "visibility", "digest.window"
	Err error
}

func (p *Problem) Error() string { return p.Key + ": " + p.Err.Error() }

func (p *Problem) Unwrap() error { return p.Err }

// Problemf makes a Problem.
func Problemf(key, format string, args ...any) error {
	return &Problem{key, fmt.Errorf(format, args...)}
}

// Within names a component's problem as the whole tree does: "auth.hash_file" of "http" is "http.auth.hash_file". Other
// errors stay as they are.
func Within(component string, err error) error {
	var p *Problem
	if errors.As(err, &p) {
		return &Problem{component + "." + p.Key, p.Err}
	}
	return err
}
