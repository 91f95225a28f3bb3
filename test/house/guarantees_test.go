package house

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const root = "../.."

// pages are those for people, by their paths from the top; decisions are of their day and may name what is gone.
func pages(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, pattern := range []string{"*.md", "docs/*.md"} {
		names, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			path, _ := filepath.Rel(root, name)
			all[path] = string(text)
		}
	}
	return all
}

// tests are all that are declared: true, where `make test` runs it.
func tests(t *testing.T) map[string]bool {
	t.Helper()
	all := map[string]bool{}
	declared := regexp.MustCompile(`(?m)^func (Test\w+)\(`)
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		for _, m := range declared.FindAllSubmatch(text, -1) {
			all[string(m[1])] = !strings.HasPrefix(string(text), "//go:build ")
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

var testName = regexp.MustCompile("`(Test\\w+)`")

func TestTheTestsThatPagesNameAreThere(t *testing.T) {
	all := tests(t)
	for page, text := range pages(t) {
		for _, m := range testName.FindAllStringSubmatch(text, -1) {
			if _, there := all[m[1]]; !there {
				t.Errorf("%s names %s, which is not there", page, m[1])
			}
		}
	}
}

// TestEachGuaranteeIsHeldByATest: one at least that each change is tried by. What nothing holds says so.
func TestEachGuaranteeIsHeldByATest(t *testing.T) {
	all, promises := tests(t), 0
	for line := range strings.Lines(pages(t)["docs/guarantees.md"]) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		if !strings.HasPrefix(line, "| ") || strings.TrimSpace(cells[0]) == "Promise" || strings.Trim(line, "|- \n") == "" {
			continue
		}
		promises++
		last := strings.TrimSpace(cells[len(cells)-1])
		named := testName.FindAllStringSubmatch(last, -1)
		if last != "–" && !slices.ContainsFunc(named, func(m []string) bool { return all[m[1]] }) {
			t.Errorf("no test that make test runs is named for %q", cells[0])
		}
	}
	if promises < 35 {
		t.Errorf("%d promises: the page is not read as it is written", promises)
	}
}

// TestLinksLeadSomewhere: a page that is renamed takes its links along.
func TestLinksLeadSomewhere(t *testing.T) {
	link := regexp.MustCompile(`\]\(([^)#:]+)(#[^)]*)?\)`)
	links := 0
	for page, text := range pages(t) {
		for _, m := range link.FindAllStringSubmatch(text, -1) {
			links++
			if _, err := os.Stat(filepath.Join(root, filepath.Dir(page), m[1])); err != nil {
				t.Errorf("%s leads to %s, which is not there", page, m[1])
			}
		}
	}
	if links < 40 {
		t.Errorf("%d links: the pages are not read as they are written", links)
	}
}
