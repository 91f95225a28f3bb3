package house

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// Whoever is woken by an alarm, or reads an error, finds it in the runbook.
func TestEachAlarmAndErrorHasItsPlaceInTheRunbook(t *testing.T) {
	read := func(name string) string {
		text, err := os.ReadFile("../../docs/" + name)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	alarms, errors, ok := strings.Cut(read("runbook.md"), "## Errors in the log")
	if !ok {
		t.Fatal("docs/runbook.md has no section on errors")
	}
	n := 0
	for _, page := range []struct {
		name, row, in, what string
	}{
		{"metrics.md", "(?m)^\\| `([a-z.]+)` \\|.*\\*\\*Alarm\\*\\*", alarms, "alarm"},
		{"logs.md", "(?m)^\\| `([^`]+)` \\| [a-z, ]*error", errors, "error"},
	} {
		for _, m := range regexp.MustCompile(page.row).FindAllStringSubmatch(read(page.name), -1) {
			if n++; !strings.Contains(page.in, "`"+m[1]+"`") {
				t.Errorf("the %s %s of docs/%s is not in docs/runbook.md", page.what, m[1], page.name)
			}
		}
	}
	if n < 40 {
		t.Errorf("%d alarms and errors: the pages are not read as they are written", n)
	}
}
