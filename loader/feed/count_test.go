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
		{Counts{Thousands: Comma}, "1,234", 1234, ""},
		{Counts{Thousands: Comma}, "1,234,567.0", 1234567, ""},
		{Counts{Thousands: Comma}, "1234", 1234, ""},
		{Counts{Thousands: Comma}, "-1,234", -1234, ""},
		{Counts{Thousands: Comma}, "9,223,372,036,854,775,807", 9223372036854775807, ""},
		{Counts{Thousands: Comma}, "1,23", 0, CountInvalid},
		{Counts{Thousands: Comma}, "1234,567", 0, CountInvalid},
		{Counts{Thousands: Comma}, ",123", 0, CountInvalid},
		{Counts{Thousands: Comma}, "1,,234", 0, CountInvalid},
		{Counts{Thousands: Comma}, "1,234,", 0, CountInvalid},
		{Counts{Thousands: Comma}, "12.500,0", 0, CountInvalid},
		{Counts{Thousands: Point}, "1.234", 1234, ""},
		{Counts{Thousands: Point}, "1.234,0", 1234, ""},
		{Counts{Thousands: Point}, "1.234,5", 0, CountFraction},
		{Counts{Thousands: Point}, "12.5", 0, CountInvalid},
		{Counts{Thousands: Space}, "1 234", 1234, ""},
		{Counts{Thousands: Apostrophe}, "1'234'567", 1234567, ""},
		{Counts{Thousands: Point}, "1.000", 1000, ""},
		{Counts{Thousands: Point}, "12", 12, ""},
		{Counts{Thousands: Point}, "2.5", 0, CountInvalid},
		{Counts{Thousands: Point}, "0.500", 0, CountInvalid},
		{Counts{Thousands: Point}, "0.000", 0, ""},
		{Counts{Thousands: Comma}, "0,500", 0, CountInvalid},
		{Counts{Thousands: Comma}, "012,500", 0, CountInvalid},
		{Counts{Thousands: Comma}, "1.000", 1, ""},
		{Counts{Thousands: None}, "1.000", 1, ""},
		{Counts{Thousands: None}, "1,234", 0, CountInvalid},
		{Counts{Thousands: Space}, "1\u00a0234", 1234, ""},
		{Counts{Thousands: Space}, "\u00a01\u202f234\u00a0567 ", 1234567, ""},
		{Counts{Thousands: Space}, "1\u2007234", 0, CountInvalid},
		{Counts{Thousands: Space}, "1\u00a023", 0, CountInvalid},
		{Counts{Thousands: Space}, "1 ", 1, ""},
		{Counts{Thousands: Apostrophe}, "1’234’567", 1234567, ""},
		{Counts{Thousands: Apostrophe}, "1’234'567.0", 1234567, ""},
		{Counts{Thousands: Apostrophe}, "1\xe2\x80234", 0, CountInvalid},
		{plain, "1.000", 0, CountAmbiguous},
		{plain, "12.000", 0, CountAmbiguous},
		{plain, "-123.000", 0, CountAmbiguous},
		{plain, "+1.000 ", 0, CountAmbiguous},
		{plain, "0.000", 0, ""},
		{plain, "012.000", 12, ""},
		{plain, "1000.000", 1000, ""},
		{plain, "1.0000", 1, ""},
		{plain, "1.00", 1, ""},
		{plain, "1.000.000", 0, CountInvalid},
		{plain, "1.234", 0, CountFraction},
		{plain, "\ufeff12\u200b", 12, ""},
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
	if n := testing.AllocsPerRun(100, func() { Counts{Thousands: Comma}.Parse(text) }); n > 0 {
		t.Errorf("%v allocations for a count", n)
	}
}

// FuzzCount holds Parse to arbitrary precision: what it takes has that very value, and what it refuses for its range
// has one beyond 64 bits.
func FuzzCount(f *testing.F) {
	for _, s := range []string{"12", " +12.0 ", "-9223372036854775808", "9223372036854775808", "1,234", "1e3", "12.5", "--1", "0x1", "1.000", "1\u202f234", "1’234"} {
		for kind := range separators {
			f.Add(s, byte(kind), kind%2 == 0)
		}
	}
	f.Fuzz(func(t *testing.T, text string, thousands byte, unsigned bool) {
		counts := Counts{Thousands: Thousands(thousands) % Thousands(len(separators)), Unsigned: unsigned}
		got, code := counts.Parse([]byte(text))
		mark := "."
		if counts.Thousands == Point {
			mark = ","
		}
		digits := string(trim([]byte(text)))
		for _, s := range separators[counts.Thousands] {
			digits = strings.ReplaceAll(digits, s, "")
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
		case CountAmbiguous:
			one, _ := Counts{Thousands: None}.Parse([]byte(text))
			if thousand, code := (Counts{Thousands: Point}).Parse([]byte(text)); counts.Thousands != Unset || code != "" || thousand != 1000*one {
				t.Fatalf("%q is called ambiguous, and is %d or %d", text, one, thousand)
			}
		case CountEmpty:
			if len(trim([]byte(text))) > 0 {
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

func TestWhatACountMayBeIsSaid(t *testing.T) {
	for text, says := range map[string]string{
		"1.000":      "loader.thousands to none or point",
		"1,234":      "with loader.thousands: comma it is 1234",
		"2.500":      "with loader.thousands: point it is 2500",
		"1.234.567":  "with loader.thousands: point it is 1234567",
		"1\u202f234": "with loader.thousands: space it is 1234",
		"1’234":      "with loader.thousands: apostrophe it is 1234",
	} {
		_, code := Counts{}.Parse([]byte(text))
		if got := (Counts{}).explain(code, []byte(text)); !strings.Contains(got, says) {
			t.Errorf("%s: %s", text, got)
		}
	}
	if got := (Counts{Thousands: None}).explain(CountInvalid, []byte("1,234")); strings.Contains(got, "thousands") {
		t.Errorf("said although somebody has chosen: %s", got)
	}
}
