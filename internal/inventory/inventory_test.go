package inventory

import (
	"errors"
	"math"
	"strconv"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"
)

func TestCountsAreWholeNumbersInAnyDecimalForm(t *testing.T) {
	for _, test := range []struct {
		text string
		want int64
	}{
		{"0", 0},
		{"-0", 0},
		{"5", 5},
		{"+5", 5},
		{"-12", -12},
		{"007", 7},
		{"1.0", 1},
		{"1.", 1},
		{"1E3", 1000},
		{"1e+3", 1000},
		{"1500e-2", 15},
		{"0.5e1", 5},
		{"-2.50E2", -250},
		{"0E-130", 0},
		{"9223372036854775807", math.MaxInt64},
		{"-9223372036854775808", math.MinInt64},
		{"9.223372036854775807E18", math.MaxInt64},
	} {
		got, err := ParseCount(test.text)
		if err != nil || got != test.want {
			t.Errorf("ParseCount(%q) = %d, %v, want %d", test.text, got, err, test.want)
		}
	}
}

func TestWhatIsNoCountIsRefused(t *testing.T) {
	for _, text := range []string{
		"", " ", " 5", "5 ", "abc", "1.5", "1e-1", "NaN", "Inf", "-", ".", "e3", "1e", "1e1e1", "--1",
		"9223372036854775808", "-9223372036854775809", "1E19", "1E125", "1e999999999", "1e-999999999", "1e99999999999999999999",
		"1/1", "1_000", "0x10", "0b1", "0o7", "1p3", "1,000", "٣", strings.Repeat("9", 100000), "0." + strings.Repeat("0", 100000),
	} {
		if got, err := ParseCount(text); !errors.Is(err, errNotWhole) {
			t.Errorf("ParseCount(%.40q) = %d, %v, want %v", text, got, err, errNotWhole)
		} else if len(err.Error()) > 200 {
			t.Errorf("ParseCount(%.40q): an error of %d bytes", text, len(err.Error()))
		}
	}
}

func FuzzCountsThatAreTakenAreExact(f *testing.F) {
	for _, s := range []string{"0", "-5", "1.0", "1E3", "9223372036854775807", "1/1", "0x1p-2", "1e-131"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		n, err := ParseCount(s)
		if err != nil {
			return
		}
		if approx, err := strconv.ParseFloat(s, 64); err != nil || math.Abs(approx-float64(n)) > math.Abs(approx)*1e-9 {
			t.Errorf("ParseCount(%q) = %d, which is not %v (%v)", s, n, approx, err)
		}
	})
}

func TestItemsSurviveTheirAttributes(t *testing.T) {
	table := Table{Name: "Stock", Store: "shop", Item: "article", Count: "pieces"}
	for _, item := range []Item{
		{Key: Key{"Berlin", "Echo Dot"}, Count: 5},
		{Key: Key{"Köln", "🧴"}},
		{Key: Key{"a", "b"}, Count: math.MinInt64},
	} {
		got, err := table.ItemOf(table.Attributes(item))
		if err != nil || got != item {
			t.Errorf("%v became %v, %v", item, got, err)
		}
	}
	want := map[string]types.AttributeValue{
		"shop":    &types.AttributeValueMemberS{Value: "Berlin"},
		"article": &types.AttributeValueMemberS{Value: "Echo Dot"},
	}
	got := table.KeyAttributes(Key{"Berlin", "Echo Dot"})
	for name := range want {
		if got[name].(*types.AttributeValueMemberS).Value != want[name].(*types.AttributeValueMemberS).Value {
			t.Errorf("key attribute %s is %v", name, got[name])
		}
	}
	if len(got) != len(want) {
		t.Errorf("the key has attributes %v", got)
	}
}

func TestAnAttributeThatDoesNotFitIsNamed(t *testing.T) {
	text := func(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }
	number := func(s string) types.AttributeValue { return &types.AttributeValueMemberN{Value: s} }
	for _, test := range []struct {
		attributes map[string]types.AttributeValue
		want       string
	}{
		{nil, "attribute Store is no string"},
		{map[string]types.AttributeValue{"Store": number("1")}, "attribute Store is no string"},
		{map[string]types.AttributeValue{"Store": text("s")}, "attribute Item is no string"},
		{map[string]types.AttributeValue{"Store": text("s"), "Item": text("i")}, "attribute Count is no number"},
		{map[string]types.AttributeValue{"Store": text("s"), "Item": text("i"), "Count": text("5")}, "attribute Count is no number"},
		{map[string]types.AttributeValue{"Store": text("s"), "Item": text("i"), "Count": number("1.5")}, `attribute Count: "1.5" is not a whole number of 64 bits`},
	} {
		if _, err := DefaultTable.ItemOf(test.attributes); err == nil || err.Error() != test.want {
			t.Errorf("%v: error %v, want %s", test.attributes, err, test.want)
		}
	}
}

func TestFailureTellsItsChangeAndItsCause(t *testing.T) {
	cause := errors.New("boom")
	err := error(&Failure{Index: 3, Err: cause})
	if diff := cmp.Diff("change 3: boom", err.Error()); diff != "" || !errors.Is(err, cause) {
		t.Errorf("%v: %s", err, diff)
	}
}
