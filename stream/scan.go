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
	text string
	at   int
	err  error
}

func (c *cursor) fail(err error) {
	if c.err == nil {
		c.err = fmt.Errorf("JSON at byte %d: %w", c.at, err)
	}
	c.at = len(c.text)
}

// peek returns the next byte that is not white space, without taking it; 0 at the end.
func (c *cursor) peek() byte {
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
		if got == 0 {
			c.fail(errTruncated)
		} else {
			c.fail(fmt.Errorf("found %q, want %q", got, b))
		}
		return
	}
	c.at++
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
	case b == 0:
		c.fail(errTruncated)
		return false
	}
	if !*first {
		c.take(',')
	}
	*first = false
	return c.err == nil
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
	if c.peek() == 'n' {
		c.raw()
		return ""
	}
	c.take('"')
	begin := c.at
	escaped := c.skipString()
	if c.err != nil {
		return ""
	}
	if !escaped {
		return c.text[begin : c.at-1]
	}
	var s string
	if err := json.Unmarshal([]byte(c.text[begin-1:c.at]), &s); err != nil {
		c.fail(err)
	}
	return s
}

// skipString steps behind the closing quote of a string whose opening quote is taken; it reports escapes.
func (c *cursor) skipString() (escaped bool) {
	for i := c.at; i < len(c.text); i++ {
		switch c.text[i] {
		case '\\':
			escaped = true
			i++
		case '"':
			c.at = i + 1
			return escaped
		}
	}
	c.fail(errTruncated)
	return escaped
}

// raw steps over any value and returns its text.
func (c *cursor) raw() string {
	c.peek()
	begin, depth := c.at, 0
	for c.at < len(c.text) {
		b := c.text[c.at]
		switch b {
		case '"':
			c.at++
			c.skipString()
		case '{', '[':
			depth++
			c.at++
		case '}', ']', ',':
			if depth == 0 { // the end of a number or word
				return c.text[begin:c.at]
			}
			if b != ',' {
				depth--
			}
			c.at++
		default:
			c.at++
			continue // within a number, a word or white space
		}
		if depth == 0 {
			return c.text[begin:c.at]
		}
	}
	if depth > 0 || begin == c.at {
		c.fail(errTruncated)
		return ""
	}
	return c.text[begin:c.at]
}
