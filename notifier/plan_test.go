package notifier

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"inventoryd/internal/inventory"
	"inventoryd/internal/state"
)

// stepsOf plans the changes and describes the steps: `<first> <item> <alert or -> <row>`.
func stepsOf(t *testing.T, p plan, n *Notifier) []string {
	t.Helper()
	p.found = n.detect(t.Context(), p.rules, p.changes)
	var got []string
	for _, s := range p.steps() {
		if s.done {
			continue
		}
		told := "-"
		if s.alert != nil {
			told = string(s.alert.Event) + "(" + s.alert.id + ")"
		}
		_, sequence, _ := strings.Cut(s.row.Position, "#")
		row := fmt.Sprintf("%s@%s", s.row.Stock, strings.TrimLeft(sequence, "0"))
		if s.row.Silent {
			row += " silent"
		}
		got = append(got, fmt.Sprintf("%d %s %s %s", s.first, s.key.Item, told, row))
	}
	return got
}

func idle(t testing.TB) *Notifier {
	t.Helper()
	n, err := New(Clients{}, DefaultConfig())
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// rowAt is the row of Berlin's echo as the n-th change left it.
func rowAt(stock state.Stock, n int) map[inventory.Key]state.Alert {
	k := inventory.Key{Store: "Berlin", Item: "echo"}
	return map[inventory.Key]state.Alert{k: {Store: k.Store, Item: k.Item, Stock: stock, Position: at(n)}}
}

func TestEachTransitionLeadsToItsStep(t *testing.T) {
	out := []string{"0 echo out_of_stock(e1) out@1"}
	back := []string{"0 echo - in@1"}
	for _, test := range []struct {
		name    string
		rules   Rules
		known   map[inventory.Key]state.Alert
		changes string
		want    []string
	}{
		{name: "runs out", changes: "echo:5>0", want: out},
		{name: "below zero is out too", changes: "echo:5>-3", want: out},
		{name: "new and empty", changes: "echo:->0", want: out},
		{name: "new and there", changes: "echo:->5"},
		{name: "fewer", changes: "echo:5>1"},
		{name: "was out already", changes: "echo:0>-1"},
		{name: "comes back", changes: "echo:0>5", want: back},
		{name: "removed while there", changes: "echo:5>-"},
		{name: "removed while out", changes: "echo:0>-", want: back},
		{name: "no number", changes: "echo:5>x"},

		{name: "threshold 3: at it", rules: Rules{Threshold: 3}, changes: "echo:4>3", want: out},
		{name: "threshold 3: above it", rules: Rules{Threshold: 3}, changes: "echo:5>4"},
		{name: "threshold 3: was below it", rules: Rules{Threshold: 3}, changes: "echo:3>0"},
		{name: "threshold 3: comes back", rules: Rules{Threshold: 3}, changes: "echo:0>4", want: back},
		{name: "threshold -1: zero is there", rules: Rules{Threshold: -1}, changes: "echo:5>0"},

		{name: "comes back, told", rules: Rules{Restocked: true}, changes: "echo:0>5", want: []string{"0 echo restocked(e1) in@1"}},
		{name: "removal is no restock", rules: Rules{Restocked: true}, changes: "echo:0>-", want: back},

		{name: "old image unknown, no row: runs out", changes: "echo:?>0", want: out},
		{name: "old image unknown, no row: is there", changes: "echo:?>5"},
		{name: "old image unknown, row out: stays out", known: rowAt(state.Out, 0), changes: "echo:?>0"},
		{name: "old image unknown, row out: comes back", known: rowAt(state.Out, 0), changes: "echo:?>5", want: back},
		{name: "old image unknown, row out: removed", known: rowAt(state.Out, 0), changes: "echo:?>-", want: back},
		{name: "old image unknown, row in: runs out", known: rowAt(state.In, 0), changes: "echo:?>0", want: out},
		{name: "old image unknown, row in: removed", known: rowAt(state.In, 0), changes: "echo:?>-"},
		{name: "the images decide, whatever an older row says", known: rowAt(state.Out, 0), changes: "echo:5>0", want: out},

		{name: "at the row's position: done", known: rowAt(state.Out, 1), changes: "echo:5>0"},
		{name: "before the row's position: done", known: rowAt(state.In, 3), changes: "echo:5>0 echo:0>5"},
		{name: "past the row's position", known: rowAt(state.In, 1), changes: "echo:0>5 echo:5>0", want: []string{"1 echo out_of_stock(e2) out@2"}},

		{
			name: "out, back, out in one batch: two alerts, in order", changes: "echo:5>0 echo:0>5 echo:5>0",
			want: []string{"0 echo out_of_stock(e1) in@2", "2 echo out_of_stock(e3) out@3"},
		},
		{
			name: "back, out in one batch: the mark waits for the alert", changes: "echo:0>5 dot:5>0 echo:5>0",
			want: []string{"1 dot out_of_stock(e2) out@2", "0 echo out_of_stock(e3) out@3"},
		},
		{
			name: "out, back in one batch: one step", changes: "echo:5>0 echo:0>5",
			want: []string{"0 echo out_of_stock(e1) in@2"},
		},
		{
			name: "several items and stores", changes: "echo:5>0 Bonn/echo:7>0 dot:3>2 tap:0>9",
			want: []string{"0 echo out_of_stock(e1) out@1", "1 echo out_of_stock(e2) out@2", "3 tap - in@4"},
		},
		{
			name: "cooldown: the second within it is dropped", rules: Rules{Cooldown: 3 * time.Second}, changes: "echo:5>0 echo:0>5 echo:5>0",
			want: []string{"0 echo out_of_stock(e1) out@3 silent"},
		},
		{
			name: "cooldown: over when it has passed", rules: Rules{Cooldown: 2 * time.Second}, changes: "echo:5>0 echo:0>5 echo:5>0",
			want: []string{"0 echo out_of_stock(e1) in@2", "2 echo out_of_stock(e3) out@3"},
		},
		{
			name: "cooldown: what was not told does not start one", rules: Rules{Cooldown: 3 * time.Second},
			changes: "echo:5>0 echo:0>5 echo:5>0 echo:0>5 echo:5>0",
			want:    []string{"0 echo out_of_stock(e1) in@4", "4 echo out_of_stock(e5) out@5"},
		},
		{
			name: "cooldown: no word of the return of what nobody knew to be gone", rules: Rules{Cooldown: time.Minute, Restocked: true},
			changes: "echo:5>0 echo:0>5 echo:5>0 echo:0>5",
			want:    []string{"0 echo out_of_stock(e1) out@1", "1 echo restocked(e2) in@4"},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.rules.VerifyAfter = time.Hour
			p := plan{rules: test.rules, now: begin, known: test.known, changes: script(t, test.changes)}
			if diff := cmp.Diff(test.want, stepsOf(t, p, idle(t))); diff != "" {
				t.Errorf("steps (-want +got):\n%s", diff)
			}
		})
	}
}

func TestOldChangesAreToldOnlyWhileTheyHold(t *testing.T) {
	k := inventory.Key{Store: "Berlin", Item: "echo"}
	for _, test := range []struct {
		name    string
		age     time.Duration
		present map[inventory.Key]state.Stock
		changes string
		want    []string
	}{
		{"young: told unread", 5 * time.Minute, nil, "echo:5>0", []string{"0 echo out_of_stock(e1) out@1"}},
		{"old, still out", 5*time.Minute + 1, map[inventory.Key]state.Stock{k: state.Out}, "echo:5>0", []string{"0 echo out_of_stock(e1) out@1"}},
		{"old, back since", 5*time.Minute + 1, map[inventory.Key]state.Stock{k: state.In}, "echo:5>0", []string{"0 echo - out@1 silent"}},
		{"old, gone since", 5*time.Minute + 1, nil, "echo:5>0", []string{"0 echo - out@1 silent"}},
		{"old return, still there", time.Hour, map[inventory.Key]state.Stock{k: state.In}, "echo:0>5", []string{"0 echo restocked(e1) in@1"}},
		{"old return, out again", time.Hour, map[inventory.Key]state.Stock{k: state.Out}, "echo:0>5", []string{"0 echo - in@1"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := plan{
				rules: Rules{VerifyAfter: 5 * time.Minute, Restocked: true}, now: begin.Add(test.age),
				changes: script(t, test.changes), present: test.present,
			}
			if diff := cmp.Diff(test.want, stepsOf(t, p, idle(t))); diff != "" {
				t.Errorf("steps (-want +got):\n%s", diff)
			}
		})
	}
}

func TestOnlyWhatMayBeToldIsVerified(t *testing.T) {
	p := plan{
		rules: Rules{VerifyAfter: time.Minute}, now: begin.Add(time.Minute + 3*time.Second), // the first three are old
		known:   map[inventory.Key]state.Alert{{Store: "Berlin", Item: "done"}: {Stock: state.Out, Position: at(1)}},
		changes: script(t, "done:5>0 back:0>5 echo:5>0 young:5>0"),
	}
	p.found = idle(t).detect(t.Context(), p.rules, p.changes)
	want := []inventory.Key{{Store: "Berlin", Item: "echo"}}
	if diff := cmp.Diff(want, p.doubtful()); diff != "" {
		t.Errorf("items to read (-want +got):\n%s", diff)
	}
}

func TestRowsExpireOnlyWhenIn(t *testing.T) {
	for _, test := range []struct {
		changes  string
		cooldown time.Duration
		want     time.Time
	}{
		{"echo:5>0", 0, time.Time{}},
		{"echo:0>5", 0, begin.Add(3 * 24 * time.Hour)},
		{"echo:0>5", 24 * time.Hour, begin.Add(3 * 24 * time.Hour)},
		{"echo:0>5", 90 * 24 * time.Hour, begin.Add(90 * 24 * time.Hour)},
	} {
		p := plan{rules: Rules{VerifyAfter: time.Hour, Cooldown: test.cooldown}, now: begin, changes: script(t, test.changes)}
		p.found = idle(t).detect(t.Context(), p.rules, p.changes)
		if got := p.steps()[0].row.Expires; !got.Equal(test.want) {
			t.Errorf("%s, cooldown %s: row expires %s, want %s", test.changes, test.cooldown, got, test.want)
		}
	}
}

func TestBatchWithoutTransitionsCostsNothing(t *testing.T) {
	var words strings.Builder
	for i := range 1000 {
		words.WriteString("item" + strconv.Itoa(i) + ":5>4 ")
	}
	n, changes := idle(t), script(t, words.String()) // its clients are nil: a call would panic
	allocs := testing.AllocsPerRun(100, func() {
		if err := n.Handle(t.Context(), changes); err != nil {
			t.Fatal(err)
		}
	})
	if allocs != 0 {
		t.Errorf("%v allocations for a batch without transitions, want none", allocs)
	}
}
