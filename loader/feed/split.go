package feed

import "bytes"

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

// outcome says how the splitting of a row ended.
type outcome int

const (
	whole    outcome = iota
	more             // the row's end is not in the buffer
	unclosed         // a quote is not closed within QuoteLimit, or at all
)

// split finds the first row of b and the places of its fields (at most cap(fields) of them, so that it allocates
// nothing). final says that nothing follows b. For whole rows, n is the row's length with its line end; for
// unclosed ones it is where the open quote stands.
//
// Fields are quoted as in RFC 4180: a quote counts only as the first byte of a field; doubled, it stands for itself;
// what follows the closing quote belongs to the field. Line ends are LF, CRLF and CR.
func split(b []byte, delimiter byte, final bool, fields []field) (_ []field, n int, _ outcome) {
	fields = fields[:0]
	i := 0
	for {
		f := field{start: i, plain: true}
		if i < len(b) && b[i] == '"' {
			end, how := quoteEnd(b, i, final)
			if how != whole {
				return fields, i, how
			}
			f.plain = bytes.IndexByte(b[i+1:end], '"') < 0
			i = end + 1
		}
		tail := i
		for i < len(b) && b[i] != delimiter && b[i] != '\n' && b[i] != '\r' {
			i++
		}
		if i == len(b) && !final {
			return fields, 0, more
		}
		f.end = i
		if tail > f.start { // it was quoted
			if f.plain = f.plain && i == tail; f.plain {
				f.start, f.end = f.start+1, tail-1
			}
		}
		if len(fields) < cap(fields) {
			fields = append(fields, f)
		}
		switch {
		case i == len(b):
			return fields, i, whole
		case b[i] == delimiter:
			i++
		default:
			end := lineEnd(b, i, final)
			if end < 0 {
				return fields, 0, more
			}
			return fields, end, whole
		}
	}
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

// unquote appends to dst what a field that is not plain stands for.
func unquote(dst, raw []byte) []byte {
	raw = raw[1:] // its opening quote
	for {
		i := bytes.IndexByte(raw, '"')
		dst = append(dst, raw[:i]...)
		if i+1 == len(raw) || raw[i+1] != '"' {
			return append(dst, raw[i+1:]...) // i is the closing quote
		}
		dst = append(dst, '"')
		raw = raw[i+2:]
	}
}
