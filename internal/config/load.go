package config

// Loading: defaults, under the file, under the environment, under the flags; then each component's Validate.

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"unicode"

	"github.com/alecthomas/units"
)

const (
	// Prefix begins the environment's variables: the key `loader.workers` is INVENTORYD_LOADER_WORKERS.
	Prefix = "INVENTORYD_"
	// PathVariable names the file; it is the one variable with the prefix that is no key.
	PathVariable = Prefix + "CONFIG"
)

// maxFile bounds the file that is read, in bytes.
const maxFile = 1 << 20

// Load fills into, a pointer to a struct that holds the defaults, from the file at path (none if empty), from environ
// (as os.Environ has it) and from flags (`key=value`, each winning over all else), and validates the outcome: each
// struct in the tree that has a method Validate() error is asked, and its problems (see Problemf) are given their place.
// If there are none, each that has a method Try() error is asked in the same way: it looks, without a trace, whether this
// machine has what the values name.
//
// Unknown keys, wrong types and what Validate finds are an Errors, all of them at once; into is then not to be used.
func Load(path string, into any, environ []string, flags ...string) (Sources, error) {
	l := newLoading(into, path)
	if path != "" {
		l.readFile(path)
	}
	l.readEnviron(environ)
	l.readFlags(flags)
	l.validate(l.root)
	if len(l.errors) == 0 {
		l.try(l.root)
	}
	if err := l.outcome(); err != nil {
		return nil, err
	}
	return l.sources, nil
}

// loading is one run of Load.
type loading struct {
	root     *node
	file     Source // without a line: for problems that stand nowhere
	sources  Sources
	sections Sources // where the groups begin
	errors   Errors
	failed   map[string]bool // keys and groups whose value could not be read: Validate's opinion of them is noise
}

func newLoading(into any, path string) *loading {
	return &loading{
		root:     tree(into),
		file:     Source{File: path},
		sources:  Sources{},
		sections: Sources{},
		failed:   map[string]bool{},
	}
}

// outcome is everything that went wrong, in order; nil if nothing did.
func (l *loading) outcome() error {
	if len(l.errors) == 0 {
		return nil
	}
	l.errors.sort()
	return l.errors
}

func (l *loading) fail(s Source, key string, err error) {
	l.failed[key] = true
	l.errors = append(l.errors, &Error{s, key, err})
}

func (l *loading) readFile(path string) {
	data, err := readAtMost(path, maxFile)
	if err != nil {
		l.errors = append(l.errors, &Error{Err: err}) // an *os.PathError names the file itself
		return
	}
	l.decode(data)
}

// readAtMost reads a regular file: a pipe could be read once only, or make everything wait.
func readAtMost(path string, limit int64) ([]byte, error) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, err
	case info.IsDir():
		return nil, fmt.Errorf("read %s: is a directory; name the file in it", path)
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("read %s: is no regular file (it is read again at each reload)", path)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(data)) > limit {
		err = fmt.Errorf("read %s: larger than %s", path, units.Base2Bytes(limit))
	}
	return data, err
}

// readEnviron sets the keys that have a variable. A variable with the prefix that is no key's is a mistake.
func (l *loading) readEnviron(environ []string) {
	keys := map[string]*node{}
	names := []string{PathVariable}
	l.root.leaves(func(n *node) {
		keys[n.variable()] = n
		names = append(names, n.variable())
	})
	for _, entry := range environ {
		name, value, _ := strings.Cut(entry, "=")
		if !strings.HasPrefix(name, Prefix) || name == PathVariable {
			continue
		}
		source := Source{Variable: name}
		n, ok := keys[name]
		if !ok {
			l.fail(source, "", errors.New("no key has this variable"+didYouMean(name, names, "_"+strings.TrimPrefix(name, Prefix))))
			continue
		}
		l.apply(n, value, source)
	}
}

// readFlags sets keys from `key=value`.
func (l *loading) readFlags(flags []string) {
	keys := map[string]*node{}
	var names []string
	l.root.leaves(func(n *node) {
		keys[n.path] = n
		names = append(names, n.path)
	})
	for _, entry := range flags {
		name, value, ok := strings.Cut(entry, "=")
		source := Source{Flag: "--set"}
		n := keys[name]
		switch {
		case !ok:
			l.fail(source, "", fmt.Errorf("%q is not of the form key=value", keyOf(entry)))
		case n == nil:
			l.fail(source, name, errors.New("unknown key"+didYouMean(name, names, "."+name)))
		default:
			source.Flag = "--set " + name
			l.apply(n, value, source)
		}
	}
}

// keyOf is what could be a key at the beginning of s: what follows it may be a secret.
func keyOf(s string) string {
	i := strings.IndexFunc(s, func(r rune) bool {
		return r != '.' && r != '_' && r != '-' && !unicode.IsLetter(r) && !unicode.IsDigit(r)
	})
	if i < 0 {
		return s
	}
	return s[:i] + "…"
}

func (l *loading) apply(n *node, value string, source Source) {
	if err := n.set(value); err != nil {
		l.fail(source, n.path, n.hide(err))
		return
	}
	l.sources[n.path] = source
}

// variable is the environment's name for a key.
func (n *node) variable() string {
	return Prefix + strings.ToUpper(strings.NewReplacer(".", "_", "-", "_").Replace(n.path))
}

// hide keeps a secret out of a message.
func (n *node) hide(err error) error {
	if n.secret {
		return errors.New("the value cannot be used (it is not shown)")
	}
	return err
}
