package house

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
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

// TestTheTestsThatPagesNameAreThere, in docs/guarantees.md above all.
func TestTheTestsThatPagesNameAreThere(t *testing.T) {
	there := map[string]bool{}
	declared := regexp.MustCompile(`(?m)^func (Test\w+)\(`)
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		for _, m := range declared.FindAllSubmatch(text, -1) {
			there[string(m[1])] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	named := 0
	for page, text := range pages(t) {
		for _, m := range regexp.MustCompile("`(Test\\w+)`").FindAllStringSubmatch(text, -1) {
			if named++; !there[m[1]] {
				t.Errorf("%s names %s, which is not there", page, m[1])
			}
		}
	}
	if named < 60 {
		t.Errorf("the pages name %d tests", named)
	}
}

// TestEachGuaranteeNamesItsTest: a promise that no test holds says so.
func TestEachGuaranteeNamesItsTest(t *testing.T) {
	promises := 0
	for line := range strings.Lines(pages(t)["docs/guarantees.md"]) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		if !strings.HasPrefix(line, "| ") || strings.TrimSpace(cells[0]) == "Promise" || strings.Trim(line, "|- \n") == "" {
			continue
		}
		promises++
		if held := strings.TrimSpace(cells[len(cells)-1]); held != "–" && !strings.Contains(held, "`Test") {
			t.Errorf("no test is named for %q", cells[0])
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
