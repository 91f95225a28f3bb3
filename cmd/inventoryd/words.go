package main

// Texts and times as they stand before people: fit for a terminal, for one line, for a shell, or for a cell of a table.

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// quoted is text from outside in quotes, fit for a terminal.
func quoted(s string) string { return `"` + visible(s) + `"` }

// visible is text from outside (feeds, keys, names) as it may stand on a terminal: what would steer the terminal, or turn
// the direction of writing, is escaped, and so is what is no UTF-8.
func visible(s string) string {
	if !slices.ContainsFunc([]rune(s), steers) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case n == 1 && r == unicode.ReplacementChar:
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case !steers(r):
			b.WriteRune(r)
		case r < 0x80:
			fmt.Fprintf(&b, `\x%02x`, r)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
		i += n
	}
	return b.String()
}

// steers tells of control characters, those that format (direction, zero width) and what stands for no character.
func steers(r rune) bool {
	return r == unicode.ReplacementChar || unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp)
}

// visibleLines is visible for a text of several lines.
func visibleLines(s string) string {
	lines := strings.Split(s, "\n")
	for i, l := range lines {
		lines[i] = visible(l)
	}
	return strings.Join(lines, "\n")
}

// shell is a text as one word of a shell's command line.
func shell(s string) string {
	if s != "" && strings.IndexFunc(s, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_./:=,@+%", r))
	}) < 0 {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// firstLine is what fits one line of a text of several.
func firstLine(s string) string {
	const most = 200
	for i, r := range s {
		if r == '\n' || r == '\r' || i > most {
			return s[:i] + " …"
		}
	}
	return s
}

func oneLine(s string) string { return strings.ReplaceAll(s, "\n", " ") }

// orNothing is a cell of a table, which is never empty.
func orNothing(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// stampOf is the cell of a time that there may not be.
func stampOf(t *time.Time) string {
	if t == nil {
		return "-"
	}
	return stamp(*t)
}

// sinceWhen reads how far back to look: an age, a date or an instant, of UTC where it names no other.
func sinceWhen(s string, now time.Time) (time.Time, error) {
	if age, err := time.ParseDuration(s); err == nil && age >= 0 {
		return now.Add(-age), nil
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", time.DateOnly} {
		if t, err := time.Parse(layout, s); err == nil {
			return t, nil
		}
	}
	return time.Time{}, fmt.Errorf("--since %s is no age (36h), date (2026-11-22) or instant (2026-11-22T10:00:00Z)", quoted(s))
}
