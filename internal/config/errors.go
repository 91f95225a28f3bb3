package config

// What is wrong with a configuration, in the user's words: where, which key, what, and the nearest valid name.

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Error is one thing that is wrong.
type Error struct {
	Source Source // where it stands, or the nearest place that stands anywhere
	Key    string // the key's path; empty where the file cannot be read at all
	Err    error
}

func (e *Error) Error() string {
	var b strings.Builder
	for _, s := range []string{e.Source.place(), e.Key} {
		if s != "" {
			b.WriteString(s + ": ")
		}
	}
	return b.String() + e.Err.Error()
}

func (e *Error) Unwrap() error { return e.Err }

// Errors is everything that is wrong with a configuration: in the file's order first, then the environment's.
type Errors []*Error

// shownErrors is how many are printed: more are of one cause, or nobody's configuration.
const shownErrors = 50

func (e Errors) Error() string {
	var lines []string
	for _, p := range e[:min(len(e), shownErrors)] {
		lines = append(lines, p.Error())
	}
	if more := len(e) - shownErrors; more > 0 {
		lines = append(lines, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(lines, "\n")
}

// Unwrap makes errors.Is and errors.As look into each.
func (e Errors) Unwrap() []error {
	errs := make([]error, len(e))
	for i, p := range e {
		errs[i] = p
	}
	return errs
}

func (e Errors) sort() {
	slices.SortStableFunc(e, func(a, b *Error) int {
		return cmp.Or(
			cmp.Compare(a.Source.rank(), b.Source.rank()),
			cmp.Compare(a.Source.Line, b.Source.Line),
			cmp.Compare(a.Source.Column, b.Source.Column),
			cmp.Compare(a.Source.Variable, b.Source.Variable),
		)
	})
}

// didYouMean names the candidate nearest to s, else those that end in tail, in words to append to a message.
func didYouMean(s string, candidates []string, tail string) string {
	if best := near(s, candidates); best != "" {
		return meant(best)
	}
	var others []string
	for _, c := range candidates {
		if strings.HasSuffix(c, tail) {
			others = append(others, c)
		}
	}
	return meant(others...)
}

// meant proposes the candidates; empty where there are none.
func meant(candidates ...string) string {
	if len(candidates) == 0 {
		return ""
	}
	return "; did you mean " + strings.Join(candidates, " or ") + "?"
}

// Nearest is the candidate that s was probably meant to be, or empty.
func Nearest(s string, candidates []string) string { return near(s, candidates) }

// near is the candidate with the fewest edits from s: one in three letters, three at most.
func near(s string, candidates []string) string {
	best, distance := "", min(3, (len(s)+2)/3)+1
	for _, c := range candidates {
		if d := edits(strings.ToLower(s), strings.ToLower(c)); d < distance {
			best, distance = c, d
		}
	}
	return best
}

// edits is the number of insertions, deletions, replacements and swaps of neighbours that turn a into b (optimal
// string alignment).
func edits(a, b string) int {
	rows := make([][]int, len(a)+1)
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			rows[i][j] = min(rows[i-1][j]+1, rows[i][j-1]+1, rows[i-1][j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				rows[i][j] = min(rows[i][j], rows[i-2][j-2]+1)
			}
		}
	}
	return rows[len(a)][len(b)]
}
