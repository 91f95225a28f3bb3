package loader

import (
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestPatterns(t *testing.T) {
	for _, c := range []struct {
		pattern, name string
		want          bool
	}{
		{"b/feeds/*.csv", "b/feeds/2026/11/a.csv", true},
		{"b/feeds/*.csv", "b/feeds/a.csv.bak", false},
		{"*/draft-?.csv", "b/x/draft-1.csv", true},
		{"*/draft-?.csv", "b/x/draft-ä.csv", true},
		{"*/draft-?.csv", "b/x/draft-10.csv", false},
		{"*/draft-?.csv", "b/x/draft-.csv", false},
		{"*ab*ab", "xabab", true},
		{"*", "", true},
		{"", "", true},
		{"", "a", false},
		{"[a]", "a", false},
	} {
		if got := match(c.pattern, c.name); got != c.want {
			t.Errorf("match(%q, %q) is %v", c.pattern, c.name, got)
		}
	}
}

// TestPatternsMatchAsRegularExpressionsDo holds match to the same pattern as a regular expression.
func TestPatternsMatchAsRegularExpressionsDo(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pattern := rapid.StringOfN(rapid.RuneFrom([]rune("ab/ä*?")), 0, 8, -1).Draw(t, "pattern")
		name := rapid.StringOfN(rapid.RuneFrom([]rune("ab/ä")), 0, 10, -1).Draw(t, "name")
		expression := strings.NewReplacer(`\*`, ".*", `\?`, ".").Replace(regexp.QuoteMeta(pattern))
		if got, want := match(pattern, name), regexp.MustCompile("^(?s:"+expression+")$").MatchString(name); got != want {
			t.Errorf("match(%q, %q) is %v, %s says %v", pattern, name, got, expression, want)
		}
	})
}
