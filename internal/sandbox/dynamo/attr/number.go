package attr

// Numbers as DynamoDB has them: up to 38 significant digits, magnitude 1E-130 to 9.99E+125 ("Naming rules and data
// types", Numbers), kept as their plain decimal text without superfluous zeros.

import (
	"errors"
	"math/big"
	"strconv"
	"strings"
)

var (
	errOverflow  = Refusef("Number overflow. Attempting to store a number with magnitude larger than supported range")
	errUnderflow = Refusef("Number underflow. Attempting to store a number with magnitude smaller than supported range")
	errPrecision = Refusef("Attempting to store more than 38 significant digits in a Number")
	errEmpty     = Refusef("The parameter cannot be converted to a numeric value")
)

// number is 0.d1d2d3… × 10^exp; no digits is zero.
type number struct {
	negative bool
	digits   string // neither begins nor ends with 0
	exp      int
}

// NormalNumber brings the text of a number to its normal form: `1.0` is `1`, `1E3` is `1000`, `-0` is `0`.
func NormalNumber(s string) (string, error) {
	if plain(s) {
		return s, nil
	}
	n, err := parseNumber(s)
	if err != nil {
		return "", err
	}
	return n.String(), nil
}

// plain tells whether s is a whole number in normal form that needs no further check.
func plain(s string) bool {
	if s == "" || len(s) > 18 || s[0] == '0' && len(s) > 1 {
		return false
	}
	for _, c := range []byte(s) {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}

func parseNumber(s string) (number, error) {
	var n number
	rest := s
	if rest != "" && (rest[0] == '-' || rest[0] == '+') {
		n.negative, rest = rest[0] == '-', rest[1:]
	}
	mantissa := rest
	if i := strings.IndexAny(rest, "eE"); i >= 0 {
		mantissa = rest[:i]
		e, err := strconv.Atoi(rest[i+1:])
		if errors.Is(err, strconv.ErrRange) {
			e, err = min(max(e, -1<<30), 1<<30), nil
		}
		if err != nil {
			return n, notNumeric(s)
		}
		n.exp = e
	}
	whole, fraction, _ := strings.Cut(mantissa, ".")
	digits := whole + fraction
	if digits == "" || strings.Trim(digits, "0123456789") != "" {
		return n, notNumeric(s)
	}
	n.exp += len(whole)
	trimmed := strings.TrimLeft(digits, "0")
	n.exp -= len(digits) - len(trimmed)
	n.digits = strings.TrimRight(trimmed, "0")
	return n.checked()
}

func notNumeric(s string) error {
	if s == "" {
		return errEmpty
	}
	return Refusef("%s: %s", errEmpty, s)
}

func (n number) checked() (number, error) {
	switch {
	case n.digits == "":
		return number{}, nil
	case n.exp > 126:
		return n, errOverflow
	case n.exp <= -130:
		return n, errUnderflow
	case len(n.digits) > 38:
		return n, errPrecision
	}
	return n, nil
}

func (n number) String() string {
	var s string
	switch {
	case n.digits == "":
		return "0"
	case n.exp <= 0:
		s = "0." + strings.Repeat("0", -n.exp) + n.digits
	case n.exp >= len(n.digits):
		s = n.digits + strings.Repeat("0", n.exp-len(n.digits))
	default:
		s = n.digits[:n.exp] + "." + n.digits[n.exp:]
	}
	if n.negative {
		return "-" + s
	}
	return s
}

// sign is -1, 0 or 1.
func (n number) sign() int {
	switch {
	case n.digits == "":
		return 0
	case n.negative:
		return -1
	}
	return 1
}

// CompareNumbers orders two numbers in normal form by value.
func CompareNumbers(a, b string) int {
	return strings.Compare(SortableNumber(a), SortableNumber(b))
}

// SortableNumber is a text that sorts by bytes as the numbers (in normal form) do by value.
func SortableNumber(s string) string {
	n, _ := parseNumber(s) // a normal form parses
	out := make([]byte, 0, len(n.digits)+3)
	switch n.sign() {
	case 0:
		return "\x01"
	case 1:
		out = append(out, 2, byte(n.exp+129)) // exp is -129 to 126
		return string(append(out, n.digits...))
	}
	out = append(out, 0, byte(126-n.exp))
	for _, d := range []byte(n.digits) {
		out = append(out, '0'+'9'-d)
	}
	return string(append(out, 0xff)) // a longer negative number is smaller
}

// AddNumbers returns a + b, or a - b, of two numbers in normal form.
func AddNumbers(a, b string, subtract bool) (string, error) {
	x, _ := parseNumber(a)
	y, _ := parseNumber(b)
	scale := min(x.exp-len(x.digits), y.exp-len(y.digits)) // the power of ten of the last digit
	left, right := x.scaled(scale), y.scaled(scale)
	if subtract {
		right.Neg(right)
	}
	return NormalNumber(left.Add(left, right).String() + "E" + strconv.Itoa(scale))
}

// scaled is n × 10^-scale, which must be whole.
func (n number) scaled(scale int) *big.Int {
	if n.digits == "" {
		return new(big.Int)
	}
	i, _ := new(big.Int).SetString(n.digits+strings.Repeat("0", n.exp-len(n.digits)-scale), 10)
	if n.negative {
		i.Neg(i)
	}
	return i
}

// numberSize is about one byte for two significant digits and one more ("DynamoDB item sizes and formats").
func numberSize(s string) int {
	digits := strings.Trim(strings.Replace(strings.TrimPrefix(s, "-"), ".", "", 1), "0")
	n := (len(digits)+1)/2 + 1
	if strings.HasPrefix(s, "-") {
		n++
	}
	return n
}
