// Package jsontext is a cursor over JSON text. It reads what the caller names and steps over the rest once, without
// building anything; that is where the cost of a stream record lies otherwise.
package jsontext

import (
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"math/bits"
	"strings"
)

var errTruncated = errors.New("the text ends within a value")

// Cursor walks JSON text. The first error sticks: after it every step reports an end or an empty value.
type Cursor struct {
	text  string
	at    int
	err   error
	block strings.Builder // of Kept
}

// New makes a cursor at the beginning of a text.
func New(text string) Cursor { return Cursor{text: text} }

// Err is the first error; nil where all that was read made sense.
func (c *Cursor) Err() error { return c.err }

// Len is the length of the whole text.
func (c *Cursor) Len() int { return len(c.text) }

// Members steps through the members of an object, null counting as an empty one. It gives each one's name; whoever ranges
// over it reads the value.
func (c *Cursor) Members() iter.Seq[string] {
	return func(yield func(name string) bool) {
		for first, open := true, c.open('{'); open && c.more('}', &first); {
			name := c.Str()
			c.take(':')
			if c.err != nil || !yield(name) {
				return
			}
		}
	}
}

// Elements steps through the elements of an array, null counting as an empty one. Whoever ranges over it reads each.
func (c *Cursor) Elements() iter.Seq[struct{}] {
	return func(yield func(struct{}) bool) {
		for first, open := true, c.open('['); open && c.more(']', &first); {
			if !yield(struct{}{}) {
				return
			}
		}
	}
}

// blockSize is how much of a block of kept strings one of them may hold in memory.
const blockSize = 2 << 10

// Kept is a copy of a string that does not hold the text in memory: one of many in a block.
func (c *Cursor) Kept(s string) string {
	if c.block.Cap()-c.block.Len() < len(s) {
		c.block.Reset() // whoever has strings of the last one keeps it
		c.block.Grow(max(len(s), blockSize))
	}
	begin := c.block.Len()
	c.block.WriteString(s)
	return c.block.String()[begin:]
}

// Fail makes an error of what was read; the first counts.
func (c *Cursor) Fail(err error) {
	if c.err == nil {
		c.err = fmt.Errorf("JSON at byte %d: %w", c.at, err)
	}
	c.at = len(c.text)
}

// Peek returns the next byte that is not white space, without taking it; 0 at the end.
func (c *Cursor) Peek() byte {
	if c.at < len(c.text) && c.text[c.at] > ' ' { // the services write no white space
		return c.text[c.at]
	}
	return c.peekOn()
}

func (c *Cursor) peekOn() byte {
	for c.at < len(c.text) {
		switch b := c.text[c.at]; b {
		case ' ', '\t', '\n', '\r':
			c.at++
		default:
			return b
		}
	}
	return 0
}

// take consumes the byte b, which must be next.
func (c *Cursor) take(b byte) {
	if got := c.Peek(); got != b {
		c.unexpected(got, b)
		return
	}
	c.at++
}

func (c *Cursor) unexpected(got, want byte) {
	if got == 0 {
		c.Fail(errTruncated)
	} else {
		c.Fail(fmt.Errorf("found %q, want %q", got, want))
	}
}

// open begins an object or array; null counts as an empty one, which open reports as false.
func (c *Cursor) open(bracket byte) bool {
	if c.Peek() == 'n' && strings.HasPrefix(c.text[c.at:], "null") {
		c.at += len("null")
		return false
	}
	c.take(bracket)
	return c.err == nil
}

// more steps to the next element of an object or array that ends with bracket; false is its end, which is consumed.
// first is true before the first element, and more sets it to false.
func (c *Cursor) more(bracket byte, first *bool) bool {
	switch b := c.Peek(); {
	case b == bracket:
		c.at++
		return false
	case *first && b != 0:
		*first = false
		return true
	case b == ',':
		c.at++
		return true
	default:
		c.unexpected(b, ',')
		return false
	}
}

// Str reads a string. Without escapes it shares the text's memory. null reads as "".
func (c *Cursor) Str() string {
	if c.Peek() != '"' {
		return c.noStr()
	}
	begin := c.at + 1
	end := special(c.text, begin)
	if end < len(c.text) && c.text[end] == '"' {
		c.at = end + 1
		return c.text[begin:end]
	}
	return c.escaped(begin)
}

// noStr reads null, or fails.
func (c *Cursor) noStr() string {
	if c.Peek() == 'n' {
		c.Raw()
		return ""
	}
	c.take('"')
	return ""
}

// escaped reads a string with escapes, whose text begins there.
func (c *Cursor) escaped(begin int) string {
	c.at = behindString(c.text, begin)
	if c.at > len(c.text) {
		c.Fail(errTruncated)
		return ""
	}
	var s string
	if err := json.Unmarshal([]byte(c.text[begin-1:c.at]), &s); err != nil {
		c.Fail(err)
	}
	return s
}

// special returns the place of the first quote or backslash from i on, len(text) where there is none. It looks at eight bytes at
// once: names and values are short, and each loop's end is a branch that is not foreseen.
func special(text string, i int) int {
	const ones, tops = 0x0101010101010101, 0x8080808080808080
	for ; i+8 <= len(text); i += 8 {
		t := text[i : i+8]
		w := uint64(t[0]) | uint64(t[1])<<8 | uint64(t[2])<<16 | uint64(t[3])<<24 | uint64(t[4])<<32 | uint64(t[5])<<40 | uint64(t[6])<<48 | uint64(t[7])<<56
		quote, slash := w^'"'*ones, w^'\\'*ones
		if found := ((quote-ones)&^quote | (slash-ones)&^slash) & tops; found != 0 {
			return i + bits.TrailingZeros64(found)/8
		}
	}
	for i < len(text) && text[i] != '"' && text[i] != '\\' {
		i++
	}
	return i
}

// behindString returns the place behind the closing quote of a string whose text begins at i; beyond the text where it
// has none.
func behindString(text string, i int) int {
	for {
		if i = special(text, i); i >= len(text) {
			return len(text) + 1
		}
		if text[i] == '"' {
			return i + 1
		}
		i += 2 // what is escaped
	}
}

// Raw steps over any value and returns its text.
func (c *Cursor) Raw() string {
	first := c.Peek()
	text, begin := c.text, c.at
	i, depth := begin, 0
	switch first {
	case '"':
		i = behindString(text, i+1)
	case '{', '[':
		for i < len(text) {
			b := text[i]
			i++
			if b == '"' {
				if i = special(text, i); i < len(text) && text[i] == '"' {
					i++
				} else {
					i = behindString(text, i)
				}
			} else if b == '{' || b == '[' {
				depth++
			} else if b == '}' || b == ']' {
				if depth--; depth == 0 {
					break
				}
			}
		}
	default: // a number or a word
		for i < len(text) && text[i] != ',' && text[i] != '}' && text[i] != ']' {
			i++
		}
		if i == begin {
			i = len(text) + 1
		}
	}
	if i > len(text) || depth > 0 {
		c.Fail(errTruncated)
		return ""
	}
	c.at = i
	return text[begin:i]
}
