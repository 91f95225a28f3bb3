package feed

import (
	"math/big"
	"strings"
	"testing"
)

func TestCounts(t *testing.T) {
	plain := Counts{}
	for _, c := range []struct {
		counts Counts
		text   string
		want   int64
		code   Code
	}{
		{plain, "12", 12, ""},
		{plain, " 12 ", 12, ""},
		{plain, "\t12\u00a0", 12, ""},
		{plain, "+12", 12, ""},
		{plain, "-12", -12, ""},
		{plain, "-0", 0, ""},
		{plain, "012", 12, ""},
		{plain, "12.0", 12, ""},
		{plain, "12.000000000000000000000", 12, ""},
		{plain, "9223372036854775807", 9223372036854775807, ""},
		{plain, "-9223372036854775808", -9223372036854775808, ""},
		{plain, "9223372036854775808", 0, CountRange},
		{plain, "-9223372036854775809", 0, CountRange},
		{plain, "18446744073709551616", 0, CountRange},
		{plain, strings.Repeat("9", 1000), 0, CountRange},
		{plain, "12.5", 0, CountFraction},
		{plain, "0.01", 0, CountFraction},
		{plain, "", 0, CountEmpty},
		{plain, "   ", 0, CountEmpty},
		{plain, "1e3", 0, CountInvalid},
		{plain, "NaN", 0, CountInvalid},
		{plain, "Inf", 0, CountInvalid},
		{plain, "0x10", 0, CountInvalid},
		{plain, "1_000", 0, CountInvalid},
		{plain, "1,234", 0, CountInvalid},
		{plain, "12,0", 0, CountInvalid},
		{plain, "abc", 0, CountInvalid},
		{plain, "12 Stück", 0, CountInvalid},
		{plain, "+", 0, CountInvalid},
		{plain, "-", 0, CountInvalid},
		{plain, "+-1", 0, CountInvalid},
		{plain, "1-", 0, CountInvalid},
		{plain, "- 1", 0, CountInvalid},
		{plain, ".", 0, CountInvalid},
		{plain, "12.", 0, CountInvalid},
		{plain, ".0", 0, CountInvalid},
		{plain, "1.0.0", 0, CountInvalid},
		{plain, "１２", 0, CountInvalid},
		{Counts{Thousands: ','}, "1,234", 1234, ""},
		{Counts{Thousands: ','}, "1,234,567.0", 1234567, ""},
		{Counts{Thousands: ','}, "1234", 1234, ""},
		{Counts{Thousands: ','}, "-1,234", -1234, ""},
		{Counts{Thousands: ','}, "9,223,372,036,854,775,807", 9223372036854775807, ""},
		{Counts{Thousands: ','}, "1,23", 0, CountInvalid},
		{Counts{Thousands: ','}, "1234,567", 0, CountInvalid},
		{Counts{Thousands: ','}, ",123", 0, CountInvalid},
		{Counts{Thousands: ','}, "1,,234", 0, CountInvalid},
		{Counts{Thousands: ','}, "1,234,", 0, CountInvalid},
		{Counts{Thousands: ','}, "12.500,0", 0, CountInvalid},
		{Counts{Thousands: '.'}, "1.234", 1234, ""},
		{Counts{Thousands: '.'}, "1.234,0", 1234, ""},
		{Counts{Thousands: '.'}, "1.234,5", 0, CountFraction},
		{Counts{Thousands: '.'}, "12.5", 0, CountInvalid},
		{Counts{Thousands: ' '}, "1 234", 1234, ""},
		{Counts{Thousands: '\''}, "1'234'567", 1234567, ""},
		{Counts{Unsigned: true}, "-1", 0, CountNegative},
		{Counts{Unsigned: true}, "-0", 0, ""},
		{Counts{Unsigned: true}, "0", 0, ""},
		{Counts{Unsigned: true}, "-1.5", 0, CountFraction},
	} {
		got, code := c.counts.Parse([]byte(c.text))
		if got != c.want || code != c.code {
			t.Errorf("%+v.Parse(%q) = %d, %q; want %d, %q", c.counts, c.text, got, code, c.want, c.code)
		}
	}
}

func TestCountsAllocateNothing(t *testing.T) {
	text := []byte(" -1,234,567.00 ")
	if n := testing.AllocsPerRun(100, func() { Counts{Thousands: ','}.Parse(text) }); n > 0 {
		t.Errorf("%v allocations for a count", n)
	}
}

// FuzzCount holds Parse to arbitrary precision: what it takes has that very value, and what it refuses for its range
// has one beyond 64 bits.
func FuzzCount(f *testing.F) {
	for _, s := range []string{"12", " +12.0 ", "-9223372036854775808", "9223372036854775808", "1,234", "1e3", "12.5", "--1", "0x1"} {
		f.Add(s, byte(0), false)
		f.Add(s, byte(','), true)
		f.Add(s, byte('.'), false)
	}
	f.Fuzz(func(t *testing.T, text string, thousands byte, unsigned bool) {
		if !strings.ContainsRune(",. '", rune(thousands)) {
			thousands = 0
		}
		got, code := Counts{Thousands: thousands, Unsigned: unsigned}.Parse([]byte(text))
		mark := "."
		if thousands == '.' {
			mark = ","
		}
		digits := strings.TrimSpace(text)
		if thousands != 0 {
			digits = strings.ReplaceAll(digits, string(rune(thousands)), "")
		}
		exact, ok := new(big.Rat).SetString(strings.ReplaceAll(digits, mark, "."))
		switch code {
		case "":
			if !ok || !exact.IsInt() || !exact.Num().IsInt64() || exact.Num().Int64() != got || unsigned && got < 0 {
				t.Fatalf("%q is taken for %d", text, got)
			}
		case CountRange:
			if !ok || !exact.IsInt() || exact.Num().IsInt64() {
				t.Fatalf("%q is refused for its range", text)
			}
		case CountFraction:
			if !ok || exact.IsInt() {
				t.Fatalf("%q is refused for its fraction", text)
			}
		case CountNegative:
			if !ok || !unsigned || exact.Sign() >= 0 {
				t.Fatalf("%q is refused for its sign", text)
			}
		case CountEmpty:
			if strings.TrimSpace(text) != "" {
				t.Fatalf("%q is refused for being empty", text)
			}
		case CountInvalid:
			if plain := strings.Trim(text, "0123456789"); plain == "" && text != "" {
				t.Fatalf("%q is refused, and has digits only", text)
			}
		default:
			t.Fatalf("%q: code %q", text, code)
		}
	})
}
