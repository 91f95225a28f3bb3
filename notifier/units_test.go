package notifier

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"inventoryd/internal/inventory"
)

// alerts makes one step for each word `item` or `store/item`, with messages of the given size.
func alerts(words string, size int) []*step {
	var steps []*step
	for i, word := range strings.Fields(words) {
		store, item, ok := strings.Cut(word, "/")
		if !ok {
			store, item = "Berlin", word
		}
		steps = append(steps, &step{first: i, key: inventory.Key{Store: store, Item: item}, alert: &Alert{}, message: message{size: size}})
	}
	return steps
}

// shape describes units: the changes in each, and those that it follows.
func shape(units []*unit) string {
	var words []string
	for _, u := range units {
		word := ""
		for _, s := range u.steps {
			word += fmt.Sprint(s.first)
		}
		for _, before := range u.after {
			word += fmt.Sprintf("<%d", slices.Index(units, before))
		}
		words = append(words, word)
	}
	return strings.Join(words, " ")
}

func TestUnitsKeepTheLimitsAndTheOrder(t *testing.T) {
	for _, test := range []struct {
		name  string
		steps []*step
		fifo  bool
		want  string
	}{
		{"ten are one call", alerts("a b c d e f g h i j", 100), false, "0123456789"},
		{"eleven are two", alerts("a b c d e f g h i j k", 100), false, "0123456789 10"},
		{"bytes: as many as fit", alerts("a b c", 131072), false, "01 2"},
		{"bytes: one more does not fit", alerts("a b c", 131073), false, "0 1 2"},
		{"too large for any call goes alone", alerts("a b", 300000), false, "0 1"},
		{"an item twice: the second call follows", alerts("a b a c", 100), false, "01 23<0"},
		{"an item again and again", alerts("a a a", 100), false, "0 1<0 2<1"},
		{"other items follow nobody", alerts("a b c d e f g h i j k l m n o p q r s t a", 1), false, "0123456789 10111213141516171819 20<0"},
		{"FIFO: a store's calls follow each other", alerts("a b c", 131073), true, "0 1<0 2<1"},
		{"FIFO: other stores do not", alerts("A/a B/a C/a A/b", 131073), true, "0 1 2 3<0"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := shape(cut(test.steps, test.fifo)); got != test.want {
				t.Errorf("units %s, want %s", got, test.want)
			}
		})
	}
}

func TestMarksWithoutMessagesAreUnitsOfTheirOwn(t *testing.T) {
	steps := alerts("a b c d", 100)
	steps[1].alert, steps[1].message = nil, message{}
	steps[2].done = true // by another step
	if got := shape(cut(steps, true)); got != "03 1" {
		t.Errorf("units %s, want 03 1", got)
	}
}

func TestSizeCountsAllThatSNSCounts(t *testing.T) {
	m := newMessage(&Alert{Store: "ab", Item: "c", Count: 10, Event: OutOfStock}, "sub", "body", false)
	want := len("sub") + len("body") +
		len("event"+"String"+"out_of_stock") + len("store"+"String"+"ab") + len("item"+"String"+"c") + len("count"+"Number"+"10")
	if m.size != want {
		t.Errorf("size %d, want %d", m.size, want)
	}
}
