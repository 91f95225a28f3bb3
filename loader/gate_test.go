package loader

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"inventoryd/internal/inventory"
	"inventoryd/internal/state"
	"inventoryd/loader/feed"
)

// TestTheGateByItsTable is the grid: what is held, by which rule, and what just passes.
func TestTheGateByItsTable(t *testing.T) {
	last := func(rows, zeros int64) *state.Brought {
		return &state.Brought{Rows: rows, Zeros: zeros, Stores: []string{"Berlin", "Bonn"}}
	}
	same := func(rows, zeros int64) found { return found{rows: rows, zeros: zeros, shared: true} }
	for _, c := range []struct {
		name string
		gate Gate
		last *state.Brought
		now  found
		want string // "": passes
	}{
		{"the first one", Gate{}, nil, found{rows: 3}, ""},
		{"the first one, of zeros", Gate{}, nil, found{rows: 30, zeros: 30}, ""},
		{"the first one, a header only", Gate{}, nil, found{}, "a header and no rows"},
		{"a header only", Gate{}, last(100, 0), found{}, "a header and no rows"},
		{"a header only of a small feed", Gate{}, last(2, 0), found{}, "a header and no rows"},
		{"rejected rows only", Gate{}, last(100, 0), found{rejected: 100}, "none of the stores"},
		{"as many rows", Gate{}, last(100, 5), same(100, 5), ""},
		{"half of the rows", Gate{}, last(100, 0), same(50, 0), ""},
		{"less than half", Gate{}, last(100, 0), same(49, 0), "49 usable rows, and the last one had 100"},
		{"many more", Gate{}, last(100, 0), same(100_000, 0), ""},
		{"another limit of rows", Gate{RowsDrop: 10}, last(100, 0), same(89, 0), "gate.rows_drop"},
		{"at another limit of rows", Gate{RowsDrop: 10}, last(100, 0), same(90, 0), ""},
		{"100 % fewer is never", Gate{RowsDrop: 100}, last(100, 0), same(1, 0), ""},
		{"all zeros", Gate{}, last(100, 5), same(100, 100), "100 % of its counts are 0 or less, and 5 % of the last one's were"},
		{"50 points more zeros", Gate{}, last(100, 0), same(100, 50), ""},
		{"51 points more zeros", Gate{}, last(100, 0), same(100, 51), "gate.zeros"},
		{"fewer zeros", Gate{}, last(100, 90), same(100, 0), ""},
		{"another limit of zeros", Gate{Zeros: 5}, last(100, 5), same(100, 11), "gate.zeros"},
		{"another sender's stores", Gate{}, last(100, 5), found{rows: 100}, "none of the stores"},
		{"another sender's stores, of a small feed", Gate{}, last(3, 0), found{rows: 3}, "none of the stores"},
		{"a small feed that shrinks", Gate{}, last(19, 0), same(1, 0), ""},
		{"a small feed of zeros", Gate{}, last(19, 0), same(19, 19), ""},
		{"a feed that is just not small", Gate{}, last(20, 0), same(1, 0), "gate.rows_drop"},
		{"small by another limit", Gate{MinRows: 200}, last(199, 0), same(1, 0), ""},
		{"a last one without stores", Gate{}, &state.Brought{Rows: 100}, found{rows: 100}, ""},
	} {
		held := c.gate.judge(c.last, c.now)
		if got := fmt.Sprint(held); (held == nil) != (c.want == "") || held != nil && !strings.Contains(got, c.want) {
			t.Errorf("%s: %v, want %q", c.name, held, c.want)
		}
	}
}

// Thirty days of jitter by a fifth hold nothing; each truncation beyond the limit is held.
func TestTheGateAndRandomFeeds(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		size := 100 + r.Int64N(10_000)
		last := &state.Brought{Rows: size, Zeros: size / 10, Stores: []string{"Berlin"}}
		for range 30 {
			rows := size * (80 + r.Int64N(41)) / 100
			now := found{rows: rows, zeros: rows * r.Int64N(20) / 100, shared: true}
			if held := (Gate{}).judge(last, now); held != nil {
				t.Fatalf("%+v after %+v: %v", now, last, held)
			}
			last = &state.Brought{Rows: now.rows, Zeros: now.zeros, Stores: []string{"Berlin"}}
		}
		cut := last.Rows * r.Int64N(50) / 100
		if held := (Gate{}).judge(last, found{rows: cut, shared: true}); held == nil && cut*2 < last.Rows {
			t.Fatalf("%d rows of %d pass", cut, last.Rows)
		}
	}
}

func TestNamesOfStoresAreForPeopleAndNotForTheLog(t *testing.T) {
	held := (Gate{}).judge(&state.Brought{Rows: 100, Stores: []string{"Secret"}}, found{rows: 100})
	if strings.Contains(held.Error(), "Secret") || !strings.Contains(held.told(), "Secret") {
		t.Errorf("%q, %q", held.Error(), held.told())
	}
}

// TestTheRollByItsTable is the grid of absent items.
func TestTheRollByItsTable(t *testing.T) {
	item := func(name string, count int64) inventory.Item {
		return inventory.Item{Key: inventory.Key{Store: "Berlin", Item: name}, Count: count}
	}
	for _, c := range []struct {
		name  string
		named string
		most  int64
		table []inventory.Item
		want  string // the absent ones
		held  bool
	}{
		{"all are named", "a b", 10, []inventory.Item{item("a", 1), item("b", 2)}, "", false},
		{"one of ten", "a b c d e f g h i", 10, items(item, "a b c d e f g h i j"), "j", false},
		{"two of eleven", "a b c d e f g h i", 10, items(item, "a b c d e f g h i j k"), "", true},
		{"half, where that is allowed", "a", 50, items(item, "a b"), "b", false},
		{"what is out already", "a", 10, []inventory.Item{item("a", 1), item("b", 0), item("c", -3)}, "", false},
		{"what is out is none of the store's items", "a b c d e f g h i", 10, append(items(item, "a b c d e f g h i j"), item("x", 0)), "j", false},
		{"an empty store", "a", 10, nil, "", false},
	} {
		p := newPresence()
		for name := range strings.FieldsSeq(c.named) {
			p.add([]byte("Berlin"), []byte(name))
		}
		r := &roll{named: p, most: c.most}
		for _, i := range c.table {
			r.call(i)
		}
		held := r.close("Berlin")
		var absent []string
		for _, k := range r.absent {
			absent = append(absent, k.Item)
		}
		if got := strings.Join(absent, " "); (held != nil) != c.held || !c.held && got != c.want {
			t.Errorf("%s: %q, %v", c.name, got, held)
		}
	}
}

func items(item func(string, int64) inventory.Item, names string) (list []inventory.Item) {
	for name := range strings.FieldsSeq(names) {
		list = append(list, item(name, 7))
	}
	return list
}

func TestARollOfSeveralStoresJudgesEachByItself(t *testing.T) {
	p := newPresence()
	for i := range 100 {
		p.add([]byte("Large"), fmt.Append(nil, i))
	}
	r := &roll{named: p, most: 10}
	for i := range 105 {
		r.call(inventory.Item{Key: inventory.Key{Store: "Large", Item: fmt.Sprint(i)}, Count: 1})
	}
	if held := r.close("Large"); held != nil || len(r.absent) != 5 {
		t.Fatal(held, r.absent)
	}
	r.call(inventory.Item{Key: inventory.Key{Store: "Small", Item: "x"}, Count: 1})
	if held := r.close("Small"); held == nil {
		t.Error("a store that is absent as a whole passes because another one is large")
	}
}

func TestTooManyRowsAreNotCompared(t *testing.T) {
	p := newPresence()
	for i := range mostNamed + 2 {
		p.add([]byte("S"), fmt.Append(nil, i))
	}
	if p.spoiled == "" || p.hashes != nil {
		t.Error(p.spoiled)
	}
	p = newPresence()
	p.spoil(&feed.Reject{Line: 7, Code: feed.FieldsExtra})
	if p.add([]byte("S"), []byte("a")); !strings.Contains(p.spoiled, "line 7") || p.hashes != nil {
		t.Error(p.spoiled)
	}
}
