package feed

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"strings"
	"unicode/utf8"
)

// Columns are the names by which a feed's header may call each column, the preferred one first.
type Columns struct{ Store, Item, Count []string }

// Delimiters are those that are recognised without being configured.
const Delimiters = ",;\t|"

// maxColumns is how many columns of a header are looked at.
const maxColumns = 4096

// layout says how to read the rows of a feed: its delimiter and width, and the places of its columns.
type layout struct {
	grid
	places
}

// places are those of the columns in a row.
type places struct{ store, item, count int }

// needed is how many fields of a row must be kept.
func (p places) needed() int { return max(p.store, p.item, p.count) + 1 }

// readHeader reads the header, the feed's first row that is not blank and does not set the delimiter. Of delimiters it
// takes the first by which all columns are found; where none does, the error is about the one that finds most columns.
func readHeader(l *lines, rules Rules) (layout, error) {
	l.keep = make([]field, 0, maxColumns)
	delimiters := rules.Delimiters
	if said, err := readSep(l, delimiters[0]); err != nil {
		return layout{}, err
	} else if said != 0 {
		delimiters = string(rune(said))
	}
	var problem error
	most := -1
	for _, delimiter := range []byte(delimiters) {
		r, err := l.next(newGrid(delimiter, math.MaxInt))
		if err == io.EOF {
			return layout{}, &Unusable{"the object is empty; a header that names the columns store, item and count is required"}
		}
		if err != nil {
			return layout{}, err
		}
		found, err := rules.Columns.find(r.names())
		switch {
		case r.code != "":
			err = &Unusable{fmt.Sprintf("no usable header: line %d cannot be split into columns (%s)", r.line, r.code)}
		case err == nil:
			l.keep = make([]field, 0, found.needed())
			return layout{newGrid(delimiter, r.total), found}, nil
		case !utf8.Valid(r.raw):
			err = &Unusable{fmt.Sprintf("%v; the header %s", err, rules.Charset.problem())}
		case r.total > maxColumns:
			err = &Unusable{fmt.Sprintf("%v; it has %d columns, of which only the first %d are looked at", err, r.total, maxColumns)}
		}
		if r.total > most {
			most, problem = r.total, err
		}
		l.back(r)
	}
	return layout{}, problem
}

// readSep reads the line by which Excel is told the delimiter, sep=; say; 0: the first line is another one.
func readSep(l *lines, delimiter byte) (byte, error) {
	r, err := l.next(newGrid(delimiter, math.MaxInt))
	if err == io.EOF {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	line := trimLeft(bytes.TrimRight(r.raw, "\r\n"))
	if quoted, ok := bytes.CutPrefix(line, []byte{'"'}); ok {
		line = bytes.TrimRight(quoted, `"`)
	}
	const sep = "sep="
	if len(line) <= len(sep) || !strings.EqualFold(string(line[:len(sep)]), sep) || !canDelimit(line[len(sep)]) ||
		len(bytes.Trim(line[len(sep):], string(line[len(sep)])+" ")) > 0 { // where it was saved again, more of them follow
		l.back(r)
		return 0, nil
	}
	return line[len(sep)], nil
}

// canDelimit reports whether a character may stand between fields: one that belongs to no name and no number.
func canDelimit(c byte) bool {
	return c == '\t' || c > ' ' && c < 0x7f && !strings.ContainsRune("\"'+-._", rune(c)) &&
		(c < '0' || c > '9') && (c|0x20 < 'a' || c|0x20 > 'z')
}

// names returns the fields of a header, trimmed.
func (r row) names() []string {
	names := make([]string, len(r.fields))
	for i, f := range r.fields {
		names[i] = string(trim(r.value(f, nil)))
	}
	return names
}

// find returns the places of the columns among a header's names, compared without regard to case.
func (c Columns) find(names []string) (places, error) {
	var l places
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
