package feed

import (
	"bytes"
	"unicode/utf8"
)

// Limits of a feed's text, in bytes.
const (
	LineLimit  = 1 << 20  // a row, line breaks inside quotes included
	QuoteLimit = 64 << 10 // a quoted field, from its opening to its closing quote
)

// field is where one field lies in its row. A field that is not plain still has its quotes (see unquote).
type field struct {
	start, end int
	plain      bool
}

// cells are the fields of a row.
type cells struct {
	fields []field // the first ones: at most cap(fields) are kept, so that splitting allocates nothing
	total  int     // of the row
	extra  int     // number of the first beyond the header's width that is not blank; 0: none
}

// outcome says how the splitting of a row ended.
type outcome int

const (
	whole    outcome = iota
	more             // the row's end is not in the buffer
	unclosed         // a quote is not closed within QuoteLimit, or at all
	tailed           // there is text behind the quote that closes a field
)

// grid is what rows are split by.
type grid struct {
	delimiter byte
	width     int        // fields beyond it must be blank
	ends      *[256]bool // bytes that end a field: the delimiter, LF and CR
}

func newGrid(delimiter byte, width int) grid {
	ends := [256]bool{'\n': true, '\r': true}
	ends[delimiter] = true
	return grid{delimiter, width, &ends}
}

// split finds the first row of b and the places of its fields, in the array of keep. final says that nothing follows
// b. For whole rows, n is the row's length with its line end; for unclosed and tailed ones it is where the quote stands
// that opened the field.
//
// Fields are quoted as in RFC 4180: a quote counts only as the first byte of a field, blanks aside; doubled, it stands
// for itself; behind the closing quote there may be blanks. Line ends are LF, CRLF and CR.
func (g grid) split(b []byte, final bool, keep []field) (c cells, n int, _ outcome) {
	c.fields = keep[:0]
	i := 0
	for {
		f := field{start: i, plain: true}
		c.total++
		open := -1
		if i < len(b) && (!isPlain(b[i]) || b[i] == '"') {
			open = quoteAt(b, i, g.delimiter)
		}
		if open >= 0 {
			end, how := quoteEnd(b, open, final)
			if how == whole {
				i, how = afterQuote(b, end+1, g.delimiter, final)
			}
			if how != whole {
				return c, open, how
			}
			f = quoted(b, open, end)
		} else {
			for i < len(b) && !g.ends[b[i]] {
				i++
			}
			f.end = i
		}
		if i == len(b) && !final {
			return c, 0, more
		}
		if len(c.fields) < cap(c.fields) {
			c.fields = append(c.fields, f)
		} else if c.total > g.width && c.extra == 0 && len(trim(b[f.start:f.end])) > 0 {
			c.extra = c.total
		}
		switch {
		case i == len(b):
			return c, i, whole
		case b[i] == g.delimiter:
			i++
		default:
			end := lineEnd(b, i, final)
			if end < 0 {
				return c, 0, more
			}
			return c, end, whole
		}
	}
}

// quoteAt returns where the quote stands that opens the field at b[i]; -1: it is not quoted.
func quoteAt(b []byte, i int, delimiter byte) int {
	if i = pastBlanks(b, i, delimiter); i < len(b) && b[i] == '"' {
		return i
	}
	return -1
}

// afterQuote returns where the field ends whose closing quote stands before b[i].
func afterQuote(b []byte, i int, delimiter byte, final bool) (int, outcome) {
	i = pastBlanks(b, i, delimiter)
	switch {
	case i == len(b), b[i] == delimiter, b[i] == '\n', b[i] == '\r':
		return i, whole // split asks for more where that may not be the end
	case !final && !utf8.FullRune(b[i:]):
		return i, more // it may become a blank
	}
	return i, tailed
}

// pastBlanks returns the first place from b[i] on that holds no blank. Line ends and delimiters are none.
func pastBlanks(b []byte, i int, delimiter byte) int {
	for i < len(b) && b[i] != delimiter && b[i] != '\n' && b[i] != '\r' {
		r, size := utf8.DecodeRune(b[i:])
		if !isBlank(r) {
			break
		}
		i += size
	}
	return i
}

// quoted is the field between the quotes at b[open] and b[end].
func quoted(b []byte, open, end int) field {
	inside := b[open+1 : end]
	if bytes.IndexByte(inside, '"') < 0 && bytes.IndexByte(inside, '\r') < 0 {
		return field{start: open + 1, end: end, plain: true}
	}
	return field{start: open, end: end + 1}
}

// quoteEnd finds the quote that closes the one at b[open].
func quoteEnd(b []byte, open int, final bool) (int, outcome) {
	limit := min(len(b), open+QuoteLimit)
	for i := open + 1; ; i += 2 {
		j := bytes.IndexByte(b[min(i, limit):limit], '"')
		if j < 0 {
			if limit == len(b) && !final {
				return 0, more
			}
			return 0, unclosed
		}
		i += j
		switch {
		case i+1 < len(b) && b[i+1] != '"', i+1 == len(b) && final:
			return i, whole
		case i+1 == len(b):
			return 0, more
		}
	}
}

// lineEnd returns the index behind the line end that begins at b[i], or -1 where more bytes must tell.
func lineEnd(b []byte, i int, final bool) int {
	if b[i] == '\n' {
		return i + 1
	}
	switch {
	case i+1 < len(b) && b[i+1] == '\n':
		return i + 2
	case i+1 < len(b), final:
		return i + 1
	}
	return -1
}

// lineEnds counts the line ends in b; a CR at its end counts as one.
func lineEnds(b []byte) (n int64) {
	for i, c := range b {
		if c == '\n' || c == '\r' && (i+1 == len(b) || b[i+1] != '\n') {
			n++
		}
	}
	return n
}

// unquote appends to dst what a quoted field stands for: doubled quotes are one, line breaks are LF.
func unquote(dst, raw []byte) []byte {
	raw = raw[1 : len(raw)-1]
	for {
		i := bytes.IndexAny(raw, "\"\r")
		if i < 0 {
			return append(dst, raw...)
		}
		dst = append(dst, raw[:i]...)
		second := i+1 < len(raw) && (raw[i] == '"' || raw[i+1] == '\n') // each quote in here is followed by another
		if raw[i] == '"' {
			dst = append(dst, '"')
		} else {
			dst = append(dst, '\n')
		}
		if raw = raw[i+1:]; second {
			raw = raw[1:]
		}
	}
}
