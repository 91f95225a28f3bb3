package config

// The example file and the page of documentation: every key with its default, its unit, its effect.

import (
	"bytes"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// width is where comments wrap.
const width = 100

// Example is a YAML file that holds every key of into, a pointer to a struct with the defaults, with its default and
// documentation. head is the comment at its top.
func Example(into any, docs Comments, head string) []byte {
	var b bytes.Buffer
	comment(&b, "", head)
	tree(into).example(&b, docs, "")
	return b.Bytes()
}

// example writes the keys of a group.
func (n *node) example(b *bytes.Buffer, docs Comments, indent string) {
	for i, c := range n.children {
		if i > 0 || indent == "" {
			b.WriteByte('\n')
		}
		comment(b, indent, c.explanation(docs))
		if c.kind == section {
			fmt.Fprintf(b, "%s%s:\n", indent, c.name)
			c.example(b, docs, indent+"  ")
			continue
		}
		fmt.Fprintf(b, "%s%s: %s\n", indent, c.name, c.yaml())
	}
}

// explanation is all that is to be said of a key; that it changes at a restart is the rule and is not said.
func (n *node) explanation(docs Comments) string {
	s := docs[n.field]
	if n.enum != nil {
		s += " One of " + strings.Join(n.enum, ", ") + "."
	}
	if n.class != Restart && n.kind != section && !n.listed {
		s += " " + sentence(n.class.effect())
	}
	if n.kind == entries {
		s += "\nThe keys of an entry:"
		n.leaves(func(c *node) { s += "\n" + strings.TrimPrefix(c.path, n.path+"[].") + ": " + c.explanation(docs) })
	}
	return s
}

// comment writes text as comment lines.
func comment(b *bytes.Buffer, indent, text string) {
	for paragraph := range strings.Lines(text) {
		line := indent + "#"
		for _, word := range strings.Fields(paragraph) {
			if len(line)+1+len(word) > width && line != indent+"#" {
				b.WriteString(line + "\n")
				line = indent + "#"
			}
			line += " " + word
		}
		b.WriteString(line + "\n")
	}
}

func sentence(s string) string { return strings.ToUpper(s[:1]) + s[1:] + "." }

// yaml is the key's value as YAML on one line.
func (n *node) yaml() string {
	switch v := n.plain().(type) {
	case string:
		if n.kind == duration || n.kind == size {
			return v
		}
		return quote(v)
	case []string:
		return flow(v)
	case map[string][]string:
		var parts []string
		for _, k := range slices.Sorted(maps.Keys(v)) {
			parts = append(parts, quote(k)+": "+flow(v[k]))
		}
		return "{" + strings.Join(parts, ", ") + "}"
	case []map[string]any:
		var parts []string
		for _, e := range n.all() {
			parts = append(parts, e.flow())
		}
		return "[" + strings.Join(parts, ", ") + "]"
	default:
		return fmt.Sprint(v)
	}
}

func flow(items []string) string {
	quoted := make([]string, len(items))
	for i, s := range items {
		quoted[i] = quote(s)
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}

// bare is text that means itself without quotes in any YAML; words such as yes and null are excluded by quote.
var (
	bare  = regexp.MustCompile(`^[A-Za-z/][A-Za-z0-9_./-]*$`)
	words = regexp.MustCompile(`^(?i:true|false|yes|no|on|off|y|n|null)$`)
)

func quote(s string) string {
	if bare.MatchString(s) && !words.MatchString(s) {
		return s
	}
	return strconv.Quote(s)
}

// Document is a Markdown page with a table for each section of into, a pointer to a struct with the defaults.
func Document(into any, docs Comments) []byte {
	var b bytes.Buffer
	root := tree(into)
	root.document(&b, docs)
	return b.Bytes()
}

// document writes the keys of a group, then the groups in it.
func (n *node) document(b *bytes.Buffer, docs Comments) {
	var rows []*node
	for _, c := range n.children {
		if c.kind != section {
			rows = append(rows, c)
		}
	}
	switch {
	case n.kind == entries:
		fmt.Fprintf(b, "\n## An entry of `%s`\n", n.path)
	case n.path != "":
		fmt.Fprintf(b, "\n## `%s`\n\n%s\n", n.path, docs[n.field])
	default:
		b.WriteString("\n## Top level\n")
	}
	if len(rows) > 0 {
		b.WriteString("\n| Key | Kind | Default | Reload | What it does |\n| --- | --- | --- | --- | --- |\n")
	}
	for _, c := range rows {
		what := docs[c.field]
		if c.enum != nil {
			what += " One of " + strings.Join(c.enum, ", ") + "."
		}
		name, value := fmt.Sprintf("`%s`<br>`%s`", c.path, c.variable()), cell(code(c.yaml()))
		if c.listed {
			name, value = "`"+c.path+"`", "–"
		}
		fmt.Fprintf(b, "| %s | %s | %s | %s | %s |\n", name, c.kind, value, c.class, cell(what))
	}
	for _, c := range n.children {
		if c.kind == section || c.kind == entries {
			c.document(b, docs)
		}
	}
}

func code(s string) string {
	if s == `""` {
		return "empty"
	}
	return "`" + s + "`"
}

// cell makes s fit a cell of a Markdown table.
func cell(s string) string {
	return strings.NewReplacer("|", `\|`, "\n", " ").Replace(s)
}
