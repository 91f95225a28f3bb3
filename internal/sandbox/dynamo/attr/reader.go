package attr

// A reader of JSON that hands out what a request holds without an intermediate tree: requests are most of what the
// sandbox spends its time on.

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Malformed is the error of text that is no JSON, or not of the expected shape.
type Malformed struct{ What string }

func (m *Malformed) Error() string { return m.What }

// maxDepth bounds the nesting of what is read, far above DynamoDB's 32 levels of a document.
const maxDepth = 200

// Reader reads one JSON text from its beginning. The strings it returns may share the text's memory.
type Reader struct {
	text  string
	at    int
	depth int
}

// NewReader reads text.
func NewReader(text string) *Reader { return &Reader{text: text} }

func (r *Reader) malformed(format string, args ...any) error {
	return &Malformed{fmt.Sprintf(format, args...) + " at byte " + strconv.Itoa(r.at)}
}

// peek skips white space and returns the next byte, 0 at the end.
func (r *Reader) peek() byte {
	for r.at < len(r.text) {
		switch c := r.text[r.at]; c {
		case ' ', '\t', '\n', '\r':
			r.at++
		default:
			return c
		}
	}
	return 0
}

func (r *Reader) expect(c byte) error {
	if r.peek() != c {
		return r.malformed("expected %q", c)
	}
	r.at++
	return nil
}

// End is nil at the end of the text.
func (r *Reader) End() error {
	if r.peek() != 0 || r.at < len(r.text) {
		return r.malformed("more text than one value")
	}
	return nil
}

// Object calls member at the value of each member.
func (r *Reader) Object(member func(name string) error) error {
	return r.sequence('{', '}', func() error {
		name, err := r.String()
		if err != nil {
			return err
		}
		if err := r.expect(':'); err != nil {
			return err
		}
		return member(name)
	})
}

// Array calls element at each element.
func (r *Reader) Array(element func() error) error { return r.sequence('[', ']', element) }

func (r *Reader) sequence(open, end byte, part func() error) error {
	if err := r.expect(open); err != nil {
		return err
	}
	if r.depth++; r.depth > maxDepth {
		return r.malformed("nested too deeply")
	}
	defer func() { r.depth-- }()
	if r.peek() == end {
		r.at++
		return nil
	}
	for {
		if err := part(); err != nil {
			return err
		}
		switch r.peek() {
		case ',':
			r.at++
		case end:
			r.at++
			return nil
		default:
			return r.malformed("expected ',' or %q", end)
		}
	}
}

// String reads a string.
func (r *Reader) String() (string, error) {
	if r.peek() != '"' {
		return "", r.malformed("expected a string")
	}
	start, escaped := r.at, false
	for i := start + 1; i < len(r.text); i++ {
		switch c := r.text[i]; {
		case c == '\\':
			escaped = true
			i++
		case c == '"':
			r.at = i + 1
			return r.unquote(r.text[start:r.at], escaped)
		case c < ' ':
			return "", r.malformed("a control character in a string")
		}
	}
	return "", r.malformed("a string without an end")
}

func (r *Reader) unquote(quoted string, escaped bool) (string, error) {
	if !escaped {
		s := quoted[1 : len(quoted)-1]
		if !utf8.ValidString(s) {
			return "", r.malformed("a string that is no UTF-8")
		}
		return s, nil
	}
	var s string
	if err := json.Unmarshal([]byte(quoted), &s); err != nil {
		return "", r.malformed("a string with a wrong escape")
	}
	return s, nil
}

// word reads a literal: true, false, null or a number.
func (r *Reader) word() string {
	r.peek()
	start := r.at
	for r.at < len(r.text) && !strings.ContainsRune(" \t\r\n,]}:{[\"", rune(r.text[r.at])) {
		r.at++
	}
	return r.text[start:r.at]
}

// raw reads an object that is known to be well-formed, as its text.
func (r *Reader) raw() string {
	start, depth := r.at, 0
	for {
		switch r.text[r.at] {
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		case '"':
			for r.at++; r.text[r.at] != '"'; r.at++ {
				if r.text[r.at] == '\\' {
					r.at++
				}
			}
		}
		if r.at++; depth == 0 {
			return r.text[start:r.at]
		}
	}
}

// Null reads a null if one is next.
func (r *Reader) Null() bool {
	if r.peek() != 'n' || !strings.HasPrefix(r.text[r.at:], "null") {
		return false
	}
	r.at += len("null")
	return true
}

// Bool reads true or false.
func (r *Reader) Bool() (bool, error) {
	switch r.word() {
	case "true":
		return true, nil
	case "false":
		return false, nil
	}
	return false, r.malformed("expected true or false")
}

// Int reads a whole number.
func (r *Reader) Int() (int, error) {
	n, err := strconv.Atoi(r.word())
	if err != nil {
		return 0, r.malformed("expected a whole number")
	}
	return n, nil
}

// Float reads a number.
func (r *Reader) Float() (float64, error) {
	f, err := strconv.ParseFloat(r.word(), 64)
	if err != nil {
		return 0, r.malformed("expected a number")
	}
	return f, nil
}
