package feed

import (
	"bytes"
	"fmt"
	"math"
)

// Counts says how counts are written in a feed.
type Counts struct {
	Thousands byte // separator between groups of three digits; 0: none. Where it is the point, the comma is the decimal mark
	Unsigned  bool // a count below zero is rejected
}

// Parse reads a count: decimal digits with an optional sign, spaces around, and a fraction only of zeros. The code
// is empty where it is usable.
func (c Counts) Parse(text []byte) (int64, Code) {
	text = bytes.TrimSpace(text)
	if len(text) == 0 {
		return 0, CountEmpty
	}
	negative := text[0] == '-'
	if negative || text[0] == '+' {
		text = text[1:]
	}
	whole, fraction, valid := c.split(text)
	if !valid {
		return 0, CountInvalid
	}
	if len(bytes.TrimLeft(fraction, "0")) > 0 {
		return 0, CountFraction
	}
	magnitude, ok := c.magnitude(whole)
	if !ok || magnitude > math.MaxInt64 && !(negative && magnitude == 1<<63) {
		return 0, CountRange
	}
	if !negative {
		return int64(magnitude), ""
	}
	if c.Unsigned && magnitude > 0 {
		return 0, CountNegative
	}
	return -int64(magnitude), "" // -(1<<63) wraps to itself
}

// split parts the digits before the decimal mark from those behind it, and checks the form of both.
func (c Counts) split(text []byte) (whole, fraction []byte, valid bool) {
	mark := byte('.')
	if c.Thousands == '.' {
		mark = ','
	}
	whole, fraction, marked := cut(text, mark)
	if marked && (len(fraction) == 0 || !digits(fraction)) {
		return nil, nil, false
	}
	if c.Thousands == 0 || bytes.IndexByte(whole, c.Thousands) < 0 {
		return whole, fraction, len(whole) > 0 && digits(whole)
	}
	group, rest, more := cut(whole, c.Thousands)
	if len(group) == 0 || len(group) > 3 || !digits(group) {
		return nil, nil, false
	}
	for more {
		group, rest, more = cut(rest, c.Thousands)
		if len(group) != 3 || !digits(group) {
			return nil, nil, false
		}
	}
	return whole, fraction, true
}

// magnitude is the value of digits, passing over separators; false beyond 64 bits.
func (c Counts) magnitude(whole []byte) (uint64, bool) {
	var n uint64
	for _, d := range whole {
		if d == c.Thousands {
			continue
		}
		if n > (math.MaxUint64-9)/10 {
			return 0, false
		}
		n = n*10 + uint64(d-'0')
	}
	return n, true
}

// cut is bytes.Cut at one byte.
func cut(b []byte, at byte) (before, after []byte, found bool) {
	if i := bytes.IndexByte(b, at); i >= 0 {
		return b[:i], b[i+1:], true
	}
	return b, nil, false
}

func digits(b []byte) bool {
	for _, d := range b {
		if d < '0' || d > '9' {
			return false
		}
	}
	return true
}

// explain words a code of a count for the reject report.
func (c Counts) explain(code Code, text []byte) string {
	shown := clip(bytes.TrimSpace(text), 64)
	switch code {
	case CountEmpty:
		return "the count is empty"
	case CountFraction:
		return fmt.Sprintf("the count %q is no whole number", shown)
	case CountRange:
		return fmt.Sprintf("the count %q does not fit 64 bits", shown)
	case CountNegative:
		return fmt.Sprintf("the count %q is below zero, which loader.negative rejects", shown)
	default:
		return fmt.Sprintf("the count %q is no number of plain digits", shown)
	}
}
