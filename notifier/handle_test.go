package notifier

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"inventoryd/internal/inventory"
	"inventoryd/internal/sandbox/fault"
	"inventoryd/internal/state"
)

// What a batch leads to, whatever was there before and however it is cut.
func TestChangesLeadToRows(t *testing.T) {
	for _, test := range []struct{ name, words, whole, apart string }{
		{"it runs out", "echo:5>0", "out@1 began@1 due out", "out@1 began@1 due out"},
		{"it is new and out", "echo:->0", "out@1 began@1 due out", "out@1 began@1 due out"},
		{"it gets less and stays in stock", "echo:5>4", "", ""},
		{"it gets less and stays out", "echo:0>-1", "", ""},
		{"it comes back and nobody knew it", "echo:0>5", "", ""},
		{"it runs out and comes back", "echo:5>0 echo:0>5", "", "in@2 began@1 due restocked"},
		{"it runs out twice", "echo:5>0 echo:0>5 echo:5>0", "out@3 began@3 due out", "out@3 began@3 due out"},
		{"it runs out and is removed", "echo:5>0 echo:0>-", "", "in@2 began@1"},
		{"its count becomes unusable and it is still out", "echo:5>0 echo:0>x echo:x>0", "out@1 began@1 due out", "out@1 began@1 due out"},
		{"its count becomes unusable and it is back", "echo:5>0 echo:0>x echo:x>5", "", "in@3 began@1 due restocked"},
		{"its count becomes unusable in between", "echo:5>x echo:x>0", "out@2 began@2 due out", "out@2 began@2 due out"},
		{"nothing known, and in stock", "echo:?>5", "", ""},
		{"nothing known, and out", "echo:?>0", "out@1 began@1 due out", "out@1 began@1 due out"},
		{"nothing known, out all the time", "echo:?>0 echo:?>-1 echo:?>0", "out@1 began@1 due out", "out@1 began@1 due out"},
		{"nothing known, to and fro", "echo:?>0 echo:?>5 echo:?>0", "out@3 began@3 due out", "out@3 began@3 due out"},
		{"nothing known, and back", "echo:?>0 echo:?>5", "in@2 began@1 due restocked", "in@2 began@1 due restocked"},
		{"nothing known, and removed", "echo:?>0 echo:?>-", "in@2 began@1", "in@2 began@1"},
		{"written again as it was", "echo:5>0 echo:0>0", "out@1 began@1 due out", "out@1 began@1 due out"},
	} {
		t.Run(test.name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				n := w.instance("a", func(c *Config) { c.Restocked = true })
				changes := w.script(test.words)
				w.handle(n, changes)
				w.wantRow("echo", test.whole)
			})
			inWorld(t, func(t *testing.T, w *world) {
				n := w.instance("a", func(c *Config) { c.Restocked = true })
				for _, c := range w.script(test.words) {
					w.handle(n, []inventory.Change{c})
				}
				w.wantRow("echo", test.apart)
			})
		})
	}
}

func TestABatchCostsOneWriteForEachItemThatCrossedItsThreshold(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		n := w.instance("a", nil)
		for _, test := range []struct {
			words string
			calls int
		}{
			{"echo:5>4 tap:0>-1 dot:7>8", 0},
			{"a:5>0 b:5>0 a:0>5 a:5>0", 2},
			{"c:5>0 c:0>5", 1},
		} {
			calls := w.count()
			w.handle(n, w.script(test.words))
			if got := calls.total(); got != test.calls {
				t.Errorf("%s: %v, want %d calls", test.words, calls.by, test.calls)
			}
		}
	})
}

func TestReplaysChangeNothing(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		changes := w.script("echo:5>0 echo:0>5 echo:5>0")
		w.handle(w.instance("a", nil), changes)
		w.wantRow("echo", "out@3 began@3 due out")
		// Other instances, which know nothing but the rows, get all of it again, and parts in any order.
		for i, again := range [][]inventory.Change{changes, changes[:1], changes[1:2], changes[2:], changes[1:], changes[:2]} {
			n := w.instance(fmt.Sprintf("b%d", i), nil)
			w.handle(n, again)
			w.wantRow("echo", "out@3 began@3 due out")
			if got := n.meters.repeated.sum.Load(); got != 1 {
				t.Errorf("replay %d: %d repeated transitions counted, want 1", i, got)
			}
		}
	})
}

func TestChangesOfAnOlderStreamAreDone(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		n := w.instance("a", nil)
		newer := w.script("echo:5>0")
		newer[0].Position = "2026-11-23T10:00:00.000#" + strings.Repeat("0", 39) + "9"
		w.handle(n, newer)
		w.handle(n, w.script("tap:5>4 echo:0>5"))
		w.wantRow("echo", "out@9 began@9 due out")
	})
}

func TestAThresholdOfTheItemsOwnDecides(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		n := w.instance("a", func(c *Config) { c.Threshold, c.ThresholdAttribute = 1, "Reorder" })
		changes := w.script("echo:9>6 tap:9>6 dot:2>1 lamp:2>1")
		seven, none := int64(7), int64(0)
		changes[0].Old.Threshold, changes[0].New.Threshold = &seven, &seven
		changes[3].Old.Threshold, changes[3].New.Threshold = &none, &none
		w.handle(n, changes)
		w.wantRow("echo", "out@1 began@1 due out")
		w.wantRow("tap", "")
		w.wantRow("dot", "out@3 began@3 due out")
		w.wantRow("lamp", "")
	})
}

func TestABrokenRowIsOverwrittenAndHoldsNobodyUp(t *testing.T) {
	for name, spoil := range map[string]func(attributeMap){
		"the position is a number": func(row attributeMap) { row["position"] = &types.AttributeValueMemberN{Value: "7"} },
		"there is no position": func(row attributeMap) {
			delete(row, "position")
			row["stock"] = &types.AttributeValueMemberS{Value: "?"}
		},
		"nothing but other things": func(row attributeMap) {
			for k := range row {
				if k != "pk" && k != "sk" {
					delete(row, k)
				}
			}
			row["position"] = &types.AttributeValueMemberBOOL{Value: true}
		},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				n := w.instance("a", nil)
				w.handle(n, w.script("echo:5>0"))
				i, _ := w.item("Berlin", "echo")
				row := i.Attributes("shop")
				spoil(row)
				w.overwrite(row)
				later := w.script("tap:5>0 echo:0>5 echo:5>0")
				w.handle(n, later)
				w.wantRow("echo", "out@3 began@3 due out")
				w.wantRow("tap", "out@1 began@1 due out")
			})
		})
	}
}

func TestOnlyAnOutageOfDynamoDBFailsABatch(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		n := w.instance("a", nil)
		w.Fault(fault.Rule{Operation: "Publish", Effect: fault.Unavailable})
		heal := w.Fault(fault.Rule{Operation: "UpdateItem", Skip: 1, Effect: fault.Unavailable})
		err := n.Handle(t.Context(), w.script("a:5>4 b:5>0 c:5>0 d:5>0"))
		var f *inventory.Failure
		if !errors.As(err, &f) || f.Permanent || f.Index < 1 {
			t.Errorf("error %v", err)
		}
		if err := n.Ready(); err == nil || !strings.Contains(err.Error(), stateTable) {
			t.Errorf("ready: %v", err)
		}
		heal()
		w.persist(n, w.script("a:5>4 b:5>0 c:5>0 d:5>0"))
		if err := n.Ready(); err != nil {
			t.Errorf("after the outage: %v", err)
		}
	})
}

func TestALostAnswerIsNoRefusal(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		n := w.instance("a", nil)
		w.Fault(fault.Rule{Operation: "UpdateItem", Times: 1, Effect: fault.Effect{Drop: true}})
		w.handle(n, w.script("echo:5>0"))
		w.wantRow("echo", "out@1 began@1 due out")
	})
}

func TestRowsThatSayInExpireAndOthersDoNot(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		n := w.instance("a", func(c *Config) { c.Cooldown = 5 * 24 * time.Hour })
		w.handle(n, w.script("echo:5>0"))
		if i, _ := w.item("Berlin", "echo"); !i.Expires.IsZero() || i.Look == nil || i.Look.For != string(state.Shortage) {
			t.Errorf("out: %+v", i)
		}
		back := w.script("x:5>4 echo:0>5")
		w.handle(n, back)
		if i, _ := w.item("Berlin", "echo"); i.Expires.Sub(back[1].Created) != 5*24*time.Hour || i.Look != nil {
			t.Errorf("in: %+v", i)
		}
	})
}
