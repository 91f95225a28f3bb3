package main

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"inventoryd/internal/sandbox"
)

// Whoever is woken types what docs/runbook.md says: each of its command lines is run here as it is written, beside a daemon
// that has loaded the sample feeds.
func TestTheRunbooksCommandsWork(t *testing.T) {
	text, err := os.ReadFile(top + "/docs/runbook.md")
	if err != nil {
		t.Fatal(err)
	}
	standsFor := strings.NewReplacer("BUCKET", sandbox.Bucket, "KEY", "zurich.csv", "PREFIX/", "", "FILE", feedFile(t, "gzip.csv.gz"))
	var lines []string
	for _, m := range regexp.MustCompile("(?m)(?:`|^)(inventoryd [a-z][^`#\n]*)").FindAllStringSubmatch(string(text), -1) {
		if line := strings.TrimSpace(standsFor.Replace(m[1])); !slices.Contains(lines, line) && line != "inventoryd release" { // of what is held
			lines = append(lines, line)
		}
	}
	if len(lines) < 10 {
		t.Fatalf("the page is not read as it is written: %q", lines)
	}
	w := newWorld(t)
	if out, errs, code := w.command(t, "", "setup"); code != 0 {
		t.Fatal(out, errs)
	}
	d := w.start(t)
	w.upload(t)
	w.settles(t, d, map[string]int{})
	slices.SortStableFunc(lines, func(a, b string) int { return stopped(a) - stopped(b) })
	for _, line := range lines {
		if stopped(line) > 0 && d.ProcessState == nil {
			if code := d.terminate(t, time.Minute); code != 0 {
				t.Fatalf("exit %d\n%s", code, d.log)
			}
		}
		out, errs, code := w.command(t, "y\n", strings.Fields(line)[1:]...)
		if code != 0 {
			t.Errorf("%s: exit %d\n%s%s", line, code, out, errs)
		}
		t.Logf("%s: %d lines", line, strings.Count(out, "\n"))
	}
}

// stopped is 1 for what is to be done with all daemons stopped.
func stopped(line string) int {
	if strings.Contains(line, " reset ") {
		return 1
	}
	return 0
}
