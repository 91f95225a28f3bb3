package feed

import (
	"bytes"
	"fmt"
	"io"
	"strings"
)

// Columns are the names by which a feed's header may call each column, the preferred one first.
type Columns struct{ Store, Item, Count []string }

// Delimiters are those that are recognised without being configured.
const Delimiters = ",;\t|"

// maxColumns is how many columns of a header are looked at.
const maxColumns = 4096

// layout says how to read the rows of a feed: its delimiter and the places of its columns.
type layout struct {
	delimiter          byte
	store, item, count int
}

// width is how many columns of a row must be split.
func (l layout) width() int { return max(l.store, l.item, l.count) + 1 }

// readHeader reads the header, the feed's first row that is not blank. Of delimiters it takes the first by which
// all columns are found; where none does, the error is about the one that finds most columns.
func readHeader(l *lines, delimiters string, columns Columns) (layout, error) {
	var problem error
	most := -1
	l.fields = make([]field, 0, maxColumns)
	for _, delimiter := range []byte(delimiters) {
		r, err := l.next(delimiter)
		if err == io.EOF {
			return layout{}, &Unusable{"the object is empty; a header that names the columns store, item and count is required"}
		}
		if err != nil {
			return layout{}, err
		}
		names := r.names()
		found, err := columns.find(names)
		if r.code != "" {
			err = &Unusable{fmt.Sprintf("no usable header: line %d cannot be split into columns (%s)", r.line, r.code)}
		}
		if err == nil {
			found.delimiter = delimiter
			l.fields = make([]field, 0, found.width())
			return found, nil
		}
		if len(names) > most {
			most, problem = len(names), err
		}
		l.back(r)
	}
	return layout{}, problem
}

// names returns the fields of a header, trimmed.
func (r row) names() []string {
	names := make([]string, len(r.fields))
	for i, f := range r.fields {
		names[i] = string(bytes.TrimSpace(r.value(f, nil)))
	}
	return names
}

// find returns the places of the columns among a header's names, compared without regard to case.
func (c Columns) find(names []string) (layout, error) {
	var l layout
	var missing []string
	for _, want := range []struct {
		at      *int
		aliases []string
	}{{&l.store, c.Store}, {&l.item, c.Item}, {&l.count, c.Count}} {
		place, twice := place(names, want.aliases)
		if twice {
			return l, &Unusable{fmt.Sprintf("no usable header: column %s is there twice; found: %s", want.aliases[0], list(names))}
		}
		if place < 0 {
			missing = append(missing, describe(want.aliases))
		}
		*want.at = place
	}
	switch {
	case len(missing) == 0:
		return l, nil
	case strings.ContainsRune(strings.Join(names, ""), 0):
		return l, &Unusable{"no usable header: the text has NUL bytes, as UTF-16 without a byte order mark has; save the file as UTF-8"}
	}
	return l, &Unusable{fmt.Sprintf("no usable header: missing %s; found: %s (further names can be allowed in loader.columns)",
		strings.Join(missing, ", "), list(names))}
}

// place finds the column that one of aliases names, an earlier one first; -1 where none does.
func place(names, aliases []string) (at int, twice bool) {
	at = -1
	for _, alias := range aliases {
		for i, name := range names {
			if !strings.EqualFold(name, alias) {
				continue
			}
			if at >= 0 {
				return at, true
			}
			at = i
		}
		if at >= 0 {
			return at, false
		}
	}
	return at, false
}

func describe(aliases []string) string {
	if len(aliases) == 1 {
		return aliases[0]
	}
	return aliases[0] + " (or " + strings.Join(aliases[1:], ", ") + ")"
}

// list shows a header's names, not all of a long one.
func list(names []string) string {
	const shown = 20
	var b strings.Builder
	for i, name := range names[:min(len(names), shown)] {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "%q", clip([]byte(name), 64))
	}
	if len(names) > shown {
		fmt.Fprintf(&b, " and %d more", len(names)-shown)
	}
	return b.String()
}
