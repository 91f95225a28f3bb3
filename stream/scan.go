package stream

// This file: a cursor over JSON text. It reads what the caller names and steps over the rest once, without building
// anything; that is where the cost of a stream record lies otherwise.

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

var errTruncated = errors.New("the text ends within a value")

// cursor walks JSON text. The first error sticks: after it every step reports an end or an empty value.
type cursor struct {
	text  string
	at    int
	err   error
	block strings.Builder // of kept
}

// blockSize is how much of a block of kept strings one of them may hold in memory.
const blockSize = 2 << 10

// kept is a copy of a string that does not hold the text in memory: one of many in a block.
func (c *cursor) kept(s string) string {
	if c.block.Cap()-c.block.Len() < len(s) {
		c.block.Reset() // whoever has strings of the last one keeps it
		c.block.Grow(max(len(s), blockSize))
	}
	begin := c.block.Len()
	c.block.WriteString(s)
	return c.block.String()[begin:]
}

func (c *cursor) fail(err error) {
	if c.err == nil {
		c.err = fmt.Errorf("JSON at byte %d: %w", c.at, err)
	}
	c.at = len(c.text)
}

// peek returns the next byte that is not white space, without taking it; 0 at the end.
func (c *cursor) peek() byte {
	if c.at < len(c.text) && c.text[c.at] > ' ' { // the services write no white space
		return c.text[c.at]
	}
	return c.peekOn()
}

func (c *cursor) peekOn() byte {
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
func (c *cursor) take(b byte) {
	if got := c.peek(); got != b {
		c.unexpected(got, b)
		return
	}
	c.at++
}

func (c *cursor) unexpected(got, want byte) {
	if got == 0 {
		c.fail(errTruncated)
	} else {
		c.fail(fmt.Errorf("found %q, want %q", got, want))
	}
}

// open begins an object or array; null counts as an empty one, which open reports as false.
func (c *cursor) open(bracket byte) bool {
	if c.peek() == 'n' && strings.HasPrefix(c.text[c.at:], "null") {
		c.at += len("null")
		return false
	}
	c.take(bracket)
	return c.err == nil
}

// more steps to the next element of an object or array that ends with bracket; false is its end, which is consumed.
// first is true before the first element, and more sets it to false.
func (c *cursor) more(bracket byte, first *bool) bool {
	switch b := c.peek(); {
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

// key returns the next member's name of an object; false is the object's end.
func (c *cursor) key(first *bool) (string, bool) {
	if !c.more('}', first) {
		return "", false
	}
	name := c.str()
	c.take(':')
	return name, c.err == nil
}

// str reads a string. Without escapes it shares the text's memory. null reads as "".
func (c *cursor) str() string {
	if c.peek() != '"' {
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
func (c *cursor) noStr() string {
	if c.peek() == 'n' {
		c.raw()
		return ""
	}
	c.take('"')
	return ""
}

// escaped reads a string with escapes, whose text begins there.
func (c *cursor) escaped(begin int) string {
	c.at = behindString(c.text, begin)
	if c.at > len(c.text) {
		c.fail(errTruncated)
		return ""
	}
	var s string
	if err := json.Unmarshal([]byte(c.text[begin-1:c.at]), &s); err != nil {
		c.fail(err)
	}
	return s
}

// special returns the place of the first quote or backslash from i on, len(text) where there is none. Names and values are
// short: looking at several bytes at once gains nothing.
func special(text string, i int) int {
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

// raw steps over any value and returns its text.
func (c *cursor) raw() string {
	first := c.peek()
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
				i = behindString(text, i)
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
		c.fail(errTruncated)
		return ""
	}
	c.at = i
	return text[begin:i]
}
