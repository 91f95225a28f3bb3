package notifier

import (
	"os"
	"strings"
	"testing"
)

// The page draws the table of the code: each rule's condition stands there in its words.
func TestThePageHasEachRuleOfTheTable(t *testing.T) {
	page, err := os.ReadFile("../docs/alerts.md")
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Join(strings.Fields(string(page)), " ")
	for _, l := range looks {
		if l.phase == inStock {
			continue
		}
		if !strings.Contains(text, "| "+string(l.phase)+" |") {
			t.Errorf("docs/alerts.md does not have the state %q", l.phase)
		}
		if l.when != "" && !strings.Contains(text, l.when) {
			t.Errorf("docs/alerts.md does not say of %q: %q", l.phase, l.when)
		}
	}
}

func TestEachPhaseHasARuleThatAlwaysHolds(t *testing.T) {
	last := map[phase]bool{}
	for _, l := range looks {
		if last[l.phase] {
			t.Errorf("a rule of %q stands behind one that always holds", l.phase)
		}
		last[l.phase] = l.when == ""
	}
	for _, p := range []phase{inStock, untold, told, restocking, refusedRow} {
		if !last[p] {
			t.Errorf("%q has no rule that always holds", p)
		}
	}
}
