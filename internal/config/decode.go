package config

// The YAML document laid over the tree: every mistake in it is found in one pass, with its line and column.

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"

	"go.yaml.in/yaml/v4"
)

// decode lays the document over the tree.
func (l *loading) decode(data []byte) {
	loader, err := yaml.NewLoader(bytes.NewReader(data))
	if err != nil {
		l.syntax(err)
		return
	}
	var first, second yaml.Node
	switch err := loader.Load(&first); {
	case errors.Is(err, io.EOF): // nothing but comments
		return
	case err != nil:
		l.syntax(err)
		return
	}
	switch err := loader.Load(&second); {
	case err == nil:
		l.fail(l.at(&second), "", errors.New("a second document: the file must hold one only"))
	case !errors.Is(err, io.EOF):
		l.syntax(err)
	default:
		l.group(l.root, content(&first))
	}
}

// content is what a document holds.
func content(y *yaml.Node) *yaml.Node {
	if y.Kind == yaml.DocumentNode && len(y.Content) == 1 {
		return y.Content[0]
	}
	return y
}

// syntax words the YAML library's error.
func (l *loading) syntax(err error) {
	source := l.file
	var e *yaml.LoadError
	if errors.As(err, &e) {
		source.Line, source.Column = e.Mark.Line, e.Mark.Column
		err = errors.New(e.Message)
		if e.ContextMsg != "" {
			err = fmt.Errorf("%s %s", e.ContextMsg, e.Message)
		}
	}
	l.fail(source, "", fmt.Errorf("not valid YAML: %w", err))
}

func (l *loading) at(y *yaml.Node) Source {
	return Source{File: l.file.File, Line: y.Line, Column: y.Column}
}

// group lays a mapping over a group of keys.
func (l *loading) group(n *node, y *yaml.Node) {
	y = target(y)
	if y.ShortTag() == "!!null" { // a section whose keys are all commented out
		return
	}
	if y.Kind != yaml.MappingNode {
		l.fail(l.at(y), n.path, fmt.Errorf("%s where a section with keys belongs", describeKind(y)))
		return
	}
	seen := map[string]int{}
	for i := 0; i+1 < len(y.Content); i += 2 {
		key, value := target(y.Content[i]), y.Content[i+1]
		path := n.join(key.Value)
		switch {
		case key.Kind != yaml.ScalarNode:
			l.fail(l.at(key), n.path, fmt.Errorf("%s where a key belongs", describe(key)))
			continue
		case key.ShortTag() == "!!merge":
			l.fail(l.at(key), n.path, errors.New("a merge key (<<): write the keys out"))
			continue
		}
		if line, ok := seen[key.Value]; ok {
			l.fail(l.at(key), path, fmt.Errorf("a second time (first in line %d)", line))
			continue
		}
		seen[key.Value] = key.Line
		c := n.find(key.Value)
		switch {
		case c == nil:
			l.fail(l.at(key), path, errors.New("unknown key"+l.nearest(n, key.Value)))
		case c.kind == section:
			l.sections[path] = l.at(key)
			l.group(c, value)
		default:
			l.sources[path] = l.at(key)
			l.leaf(c, target(value))
		}
	}
}

// leaf gives one key its value.
func (l *loading) leaf(n *node, y *yaml.Node) {
	var err error
	switch {
	case y.ShortTag() == "!!null":
		err = errors.New("no value: leave the key out for its default")
		if n.kind == text {
			err = errors.New(`no value: leave the key out for its default, or write "" for an empty one`)
		}
	case n.kind == list:
		l.sequence(n.path, y, n.setList)
		return
	case n.kind == table:
		l.table(n, y)
		return
	case n.kind == entries:
		l.entries(n, y)
		return
	case y.Kind != yaml.ScalarNode || !n.kind.takes(y.ShortTag()):
		err = fmt.Errorf("%s where %s belongs", describe(y), n.kind.article())
		if n.kind == text && y.Kind == yaml.ScalarNode && !n.secret {
			err = fmt.Errorf(`%s where text belongs: write it in quotes, "%s"`, describe(y), y.Value)
		}
	default:
		err = n.set(y.Value)
	}
	if err != nil {
		l.fail(l.at(y), n.path, n.hide(err))
	}
}

// sequence reads a list of texts and hands it to set.
func (l *loading) sequence(path string, y *yaml.Node, set func([]string)) {
	if y.Kind != yaml.SequenceNode {
		l.fail(l.at(y), path, fmt.Errorf("%s where a list belongs", describe(y)))
		return
	}
	items := []string{}
	for _, item := range y.Content {
		item = target(item)
		switch {
		case item.Kind != yaml.ScalarNode || item.ShortTag() != "!!str":
			l.fail(l.at(item), path, fmt.Errorf("%s in a list of texts", describe(item)))
			continue
		case item.Value == "":
			l.fail(l.at(item), path, errors.New("an empty text in a list"))
			continue
		}
		items = append(items, item.Value)
	}
	set(items)
}

// table reads a map of lists. A map in the file replaces the default as a whole.
func (l *loading) table(n *node, y *yaml.Node) {
	if y.Kind != yaml.MappingNode {
		l.fail(l.at(y), n.path, fmt.Errorf("%s where a map of lists belongs", describe(y)))
		return
	}
	m, before := map[string][]string{}, len(l.errors)
	for i := 0; i+1 < len(y.Content); i += 2 {
		key := target(y.Content[i])
		path := n.join(key.Value)
		if _, ok := m[key.Value]; ok {
			l.fail(l.at(key), path, errors.New("a second time"))
			continue
		}
		m[key.Value] = nil
		l.sequence(path, target(y.Content[i+1]), func(items []string) { m[key.Value] = items })
	}
	if len(l.errors) > before {
		l.failed[n.path] = true
		return
	}
	n.setTable(m)
}

// nearest names the key that was meant: a neighbour, or the same name in another place.
func (l *loading) nearest(n *node, name string) string {
	var neighbours, keys []string
	for _, c := range n.children {
		neighbours = append(neighbours, c.name)
	}
	if best := near(name, neighbours); best != "" {
		return meant(n.join(best))
	}
	l.root.leaves(func(leaf *node) {
		if leaf.name == name {
			keys = append(keys, leaf.path)
		}
	})
	return meant(keys...)
}

// takes tells whether a scalar of this tag can be read as this kind; set has the better message for the rest.
func (k kind) takes(tag string) bool {
	switch k {
	case yesno:
		return slices.Contains([]string{"!!bool", "!!str"}, tag)
	case text:
		return slices.Contains([]string{"!!str", "!!timestamp"}, tag)
	default:
		return tag != "!!bool"
	}
}

func (k kind) article() string {
	if k == text || k == yesno {
		return string(k)
	}
	return "a " + string(k)
}

// target follows an alias to what it stands for.
func target(y *yaml.Node) *yaml.Node {
	if y.Kind == yaml.AliasNode {
		return y.Alias
	}
	return y
}

// describeKind names what stands in the file, without telling what it says: there may be a secret in it.
func describeKind(y *yaml.Node) string {
	switch y.Kind {
	case yaml.MappingNode:
		return "a section"
	case yaml.SequenceNode:
		return "a list"
	}
	return "a value"
}

// describe names what stands in the file.
func describe(y *yaml.Node) string {
	if y.Kind != yaml.ScalarNode {
		return describeKind(y)
	}
	switch y.ShortTag() {
	case "!!int", "!!float":
		return "the number " + y.Value
	case "!!bool":
		return y.Value
	case "!!null":
		return "nothing"
	}
	return fmt.Sprintf("the text %.40q", y.Value)
}
