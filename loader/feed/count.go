package feed

import (
	"bytes"
	"fmt"
	"math"
)

// Counts says how counts are written in a feed.
type Counts struct {
	Thousands Thousands
	Unsigned  bool // a count below zero is rejected
}

// Thousands is what separates groups of three digits.
type Thousands byte

// The kinds of Thousands. The decimal mark is the point, but with Point: then it is the comma.
const (
	Unset Thousands = iota // nobody has said: nothing does, and 1.000 is refused, since it may be a thousand
	None                   // nothing does: 1.000 is 1
	Comma
	Point
	Space      // no-break ones too
	Apostrophe // the typographic one too
)

// separators are the spellings of each kind.
var separators = [...][]string{
	Comma: {","}, Point: {"."}, Space: {" ", "\u00a0", "\u202f"}, Apostrophe: {"'", "\u2019"},
}

// keys are the names that the configuration has for them.
var keys = [...]string{Unset: "unset", None: "none", Comma: "comma", Point: "point", Space: "space", Apostrophe: "apostrophe"}

// String is the name that the configuration has for it.
func (t Thousands) String() string { return keys[t] }

// Parse reads a count: decimal digits with an optional sign, blanks around, and a fraction only of zeros. The code
// is empty where it is usable.
func (c Counts) Parse(text []byte) (int64, Code) {
	text = trim(text)
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
	if c.Thousands == Unset && len(fraction) == 3 && len(whole) <= 3 && whole[0] != '0' {
		return 0, CountAmbiguous
	}
	magnitude, ok := magnitude(whole)
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
	if c.Thousands == Point {
		mark = ','
	}
	whole, fraction, marked := text, nil, false
	if i := bytes.IndexByte(text, mark); i >= 0 {
		whole, fraction, marked = text[:i], text[i+1:], true
	}
	if marked && (len(fraction) == 0 || digits(fraction) < len(fraction)) {
		return nil, nil, false
	}
	return whole, fraction, c.grouped(whole)
}

// grouped reports whether whole is digits, or groups of them with separators between. Groups of a number do not
// begin with a zero: 0.500 is no five hundred.
func (c Counts) grouped(whole []byte) bool {
	n := digits(whole)
	if n == len(whole) {
		return n > 0
	}
	if n == 0 || n > 3 || whole[0] == '0' && bytes.ContainsAny(whole, "123456789") {
		return false
	}
	for rest := whole[n:]; len(rest) > 0; rest = rest[3:] {
		size := c.separator(rest)
		if rest = rest[size:]; size == 0 || digits(rest[:min(len(rest), 3)]) < 3 {
			return false
		}
	}
	return true
}

// separator is the length of the separator that b begins with; 0: it begins with none.
func (c Counts) separator(b []byte) int {
	for _, s := range separators[c.Thousands] {
		if len(b) >= len(s) && string(b[:len(s)]) == s {
			return len(s)
		}
	}
	return 0
}

// magnitude is the value of digits, passing over separators; false beyond 64 bits.
func magnitude(whole []byte) (uint64, bool) {
	var n uint64
	for _, d := range whole {
		if d < '0' || d > '9' {
			continue
		}
		if n > (math.MaxUint64-9)/10 {
			return 0, false
		}
		n = n*10 + uint64(d-'0')
	}
	return n, true
}

// digits is how many digits b begins with.
func digits(b []byte) int {
	for i, d := range b {
		if d < '0' || d > '9' {
			return i
		}
	}
	return len(b)
}

// explain words a code of a count for the reject report.
func (c Counts) explain(code Code, text []byte) string {
	shown := clip(trim(text), 64)
	switch code {
	case CountEmpty:
		return "the count is empty"
	case CountAmbiguous:
		return fmt.Sprintf("the count %q may be a whole number with decimals or thousands; write plain digits, or let your operator set loader.thousands to none or point", shown)
	case CountFraction:
		return fmt.Sprintf("the count %q is no whole number%s", shown, c.hint(text))
	case CountRange:
		return fmt.Sprintf("the count %q does not fit 64 bits", shown)
	case CountNegative:
		return fmt.Sprintf("the count %q is below zero, which loader.negative rejects", shown)
	default:
		return fmt.Sprintf("the count %q is no number of plain digits%s", shown, c.hint(text))
	}
}

// hint names the setting by which a text would be a count, if nobody has chosen one.
func (c Counts) hint(text []byte) string {
	if c.Thousands != Unset {
		return ""
	}
	for _, t := range []Thousands{Comma, Point, Space, Apostrophe} {
		if n, code := (Counts{Thousands: t}).Parse(text); code == "" {
			return fmt.Sprintf(" (with loader.thousands: %s it is %d)", t, n)
		}
	}
	return ""
}
