package attr

import (
	"math/big"
	"slices"
	"strings"
	"testing"
)

func TestNumbersHaveOneNormalForm(t *testing.T) {
	for given, want := range map[string]string{
		"0": "0", "-0": "0", "0.000": "0", "0E999": "0", "1": "1", "+1": "1", "007": "7", "1.0": "1", "1.50": "1.5", ".5": "0.5", "5.": "5", "1E3": "1000", "1e-3": "0.001",
		"-12.5E1": "-125", "123456789012345678": "123456789012345678", "1234567890123456789": "1234567890123456789",
		strings.Repeat("9", 38):              strings.Repeat("9", 38),
		strings.Repeat("9", 38) + "E88":      strings.Repeat("9", 38) + strings.Repeat("0", 88),
		"1" + strings.Repeat("0", 125):       "1" + strings.Repeat("0", 125),
		"1E-130":                             "0." + strings.Repeat("0", 129) + "1",
		"0.00000000000000000000000000000001": "0.00000000000000000000000000000001",
	} {
		got, err := NormalNumber(given)
		if err != nil || got != want {
			t.Errorf("NormalNumber(%q) = %q, %v, want %q", given, got, err, want)
		}
	}
}

func TestWhatIsNoNumberIsRefused(t *testing.T) {
	for given, want := range map[string]string{
		"": "cannot be converted", "abc": "cannot be converted to a numeric value: abc", "1e": "cannot be converted", "e1": "cannot be converted", "1.2.3": "cannot be converted",
		"--1": "cannot be converted", "1 ": "cannot be converted", "0x10": "cannot be converted", "1_000": "cannot be converted", ".": "cannot be converted", "NaN": "cannot be converted",
		"1E126": "overflow", "-1E126": "overflow", "1E99999999999999999999": "overflow", "1E-131": "underflow", "1E-99999999999999999999": "underflow",
		strings.Repeat("1", 39): "more than 38 significant digits", "1" + strings.Repeat("0", 38) + "1": "more than 38",
	} {
		if got, err := NormalNumber(given); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("NormalNumber(%q) = %q, %v, want an error with %q", given, got, err, want)
		}
	}
}

// ascending are numbers in normal form in their order.
var ascending = []string{
	"-1" + strings.Repeat("0", 125), "-1000", "-999.5", "-999", "-10", "-9", "-1.5", "-1.25", "-1", "-0.5", "-0.05", "0",
	"0.05", "0.5", "1", "1.25", "1.5", "9", "10", "99", "100", "999", "999.5", "1000", "1" + strings.Repeat("0", 125),
}

func TestNumbersCompareByValue(t *testing.T) {
	for i, a := range ascending {
		for j, b := range ascending {
			want := 0
			if i < j {
				want = -1
			} else if i > j {
				want = 1
			}
			if got := CompareNumbers(a, b); got != want {
				t.Errorf("CompareNumbers(%s, %s) = %d, want %d", a, b, got, want)
			}
		}
	}
	if !slices.IsSortedFunc(ascending, func(a, b string) int { return strings.Compare(SortableNumber(a), SortableNumber(b)) }) {
		t.Error("their sortable forms are not in order")
	}
}

func TestSumsAreExact(t *testing.T) {
	for _, a := range ascending[1 : len(ascending)-1] {
		for _, b := range ascending[1 : len(ascending)-1] {
			for _, subtract := range []bool{false, true} {
				x, _ := new(big.Rat).SetString(a)
				y, _ := new(big.Rat).SetString(b)
				if subtract {
					y.Neg(y)
				}
				got, err := AddNumbers(a, b, subtract)
				if r, ok := new(big.Rat).SetString(got); err != nil || !ok || r.Cmp(x.Add(x, y)) != 0 {
					t.Errorf("%s and %s (subtract: %t) is %q, %v", a, b, subtract, got, err)
				}
			}
		}
	}
	if got, err := AddNumbers(ascending[len(ascending)-1], "1", false); err == nil {
		t.Errorf("1E125 + 1 has 126 digits, but is %s", got)
	}
}
