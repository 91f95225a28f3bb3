package feed

import (
	"bytes"
	"io"
	"unicode/utf8"
)

// lines walks over the rows of a text, holding no more of it than the longest row takes.
type lines struct {
	src    io.Reader
	err    error // of src, once it has ended
	buf    []byte
	from   int // buf[from:to] is the text not yet walked over
	to     int
	offset int64   // of buf[from] in the text
	line   int64   // number of the line at buf[from]
	skip   bool    // the rest of the present line belongs to a rejected row
	keep   []field // the array of the fields of the present row
}

func newLines(src io.Reader, offset int64) *lines {
	return &lines{src: src, buf: make([]byte, 64<<10), offset: offset, line: 1}
}

// fill reads until twice the pending text is there, or the text's end; so a row that comes in small pieces is not
// split again for each. It reports whether anything came.
func (l *lines) fill() bool {
	want := max(2*(l.to-l.from), 32<<10)
	if l.from > 0 {
		l.to = copy(l.buf, l.buf[l.from:l.to])
		l.from = 0
	}
	if want = min(want, LineLimit+2); want > len(l.buf) {
		l.buf = append(make([]byte, 0, want), l.buf[:l.to]...)[:want]
	}
	before := l.to
	for l.to < want && l.err == nil {
		var n int
		n, l.err = l.src.Read(l.buf[l.to:])
		l.to += n
	}
	return l.to > before
}

// ended reports whether the source is read to its orderly end.
func (l *lines) ended() bool { return l.err == io.EOF }

// row is one row as it stands in the text. It is valid until the next call.
type row struct {
	line, offset int64
	raw          []byte // with its line end
	cells
	passed int  // bytes by which next moved over it
	code   Code // set for a row that could not be split
}

// next returns the next row that is not blank; io.EOF behind the last. Any other error is the source's.
func (l *lines) next(g grid) (row, error) {
	for {
		if l.skip && !l.skipLine() {
			return row{}, l.err
		}
		pending := l.buf[l.from:l.to]
		if len(pending) == 0 && l.ended() {
			return row{}, io.EOF
		}
		found, n, how := g.split(pending, l.ended(), l.keep)
		r := row{line: l.line, offset: l.offset, raw: pending, cells: found}
		switch {
		case how == more && len(pending) >= LineLimit+2:
			r.code = LineTooLong
			r.passed = len(pending) - 1 // its last byte may be half a line end
			l.pass(r.passed)
			l.skip = true
			return r, nil
		case how == more:
			if l.err != nil && !l.ended() {
				return row{}, l.err
			}
			l.fill()
		case how == unclosed, how == tailed:
			if r.code = QuoteUnclosed; how == tailed {
				r.code = QuoteTail
			}
			r.passed = n
			if end := bytes.IndexAny(pending[n:], "\r\n"); end >= 0 {
				r.raw = pending[:n+end]
			}
			l.pass(n)
			l.skip = true
			return r, nil
		default:
			r.raw, r.passed = pending[:n], n
			l.pass(n)
			if !isBlankLine(r.raw, g.delimiter) {
				return r, nil
			}
		}
	}
}

// isBlankLine reports whether a line holds nothing but blanks and delimiters.
func isBlankLine(raw []byte, delimiter byte) bool {
	for i := 0; i < len(raw); {
		r, size := rune(raw[i]), 1
		if r >= utf8.RuneSelf {
			r, size = utf8.DecodeRune(raw[i:])
		}
		if r != rune(delimiter) && !isBlank(r) {
			return false
		}
		i += size
	}
	return true
}

// back returns to the beginning of r, the row that next returned last.
func (l *lines) back(r row) {
	l.from -= r.passed
	l.line, l.offset, l.skip = r.line, r.offset, false
}

// pass moves over n bytes of the text.
func (l *lines) pass(n int) {
	l.line += lineEnds(l.buf[l.from : l.from+n])
	l.from += n
	l.offset += int64(n)
}

// skipLine moves behind the next line end; false where the source ended in error before it.
func (l *lines) skipLine() bool {
	for {
		pending := l.buf[l.from:l.to]
		if i := bytes.IndexAny(pending, "\r\n"); i >= 0 {
			if end := lineEnd(pending, i, l.ended()); end > 0 {
				l.pass(end)
				l.skip = false
				return true
			}
			l.pass(i)
		} else {
			l.pass(len(pending))
		}
		if !l.fill() && l.err != nil {
			l.skip = false
			l.pass(l.to - l.from)
			return l.ended()
		}
	}
}
