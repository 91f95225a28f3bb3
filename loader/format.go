package loader

// How feeds are written: the settings, and the rules that the reader makes of them.

import (
	"maps"
	"slices"
	"strings"

	"github.com/alecthomas/units"

	"inventoryd/internal/config"
	"inventoryd/loader/feed"
)

// Format says how feeds are written.
type Format struct {
	// Names by which a header may call the columns `store`, `item` and `count`, the preferred one first, without regard
	// to case.
	Columns map[string][]string `yaml:"columns" reload:"object"`
	// What separates columns; auto finds it in the header.
	Delimiter string `yaml:"delimiter" reload:"object" enum:"auto|comma|semicolon|tab|pipe"`
	// How text without a byte order mark is encoded; a mark says by itself whether it is UTF-8 or UTF-16. windows-1252 is
	// what Excel's plain CSV is on Western computers.
	Encoding string `yaml:"encoding" reload:"object" enum:"utf-8|windows-1252"`
	// What separates groups of three digits in counts. The decimal mark is the point; with point, it is the comma. none
	// says that nothing separates them, so that 1.000 is 1; unset refuses such a count, which may be a thousand.
	Thousands string `yaml:"thousands" reload:"object" enum:"unset|none|comma|point|space|apostrophe"`
	// Whether a count below zero is taken.
	Negative string `yaml:"negative" reload:"object" enum:"accept|reject"`
	// Largest text that a compressed object may expand to.
	MaxExpanded units.Base2Bytes `yaml:"max_expanded" reload:"object"`
	// How many times its size a compressed object may expand to, at least 10; guards against decompression bombs.
	MaxRatio int `yaml:"max_ratio" reload:"object"`
	// Largest window of a zstd object, 1MiB to 128MiB: memory that it takes while it is read. zstd -19 needs 8MiB, more only
	// --ultra and --long. All objects together have 8MiB of windows and wait for each other beyond it; one with a larger
	// window is read alone.
	MaxWindow units.Base2Bytes `yaml:"max_window" reload:"object"`
}

// formProblems says what is wrong with the settings that each feed may have of its own; prefix stands before their keys.
func (c Config) formProblems(prefix string) (problems []error) {
	for _, o := range []struct {
		key, value string
		known      []string
	}{
		{"delimiter", c.Delimiter, slices.Sorted(maps.Keys(delimiters))},
		{"encoding", c.Encoding, slices.Sorted(maps.Keys(charsets))},
		{"thousands", c.Thousands, slices.Sorted(maps.Keys(thousands))},
		{"negative", c.Negative, []string{"accept", "reject"}},
		{"on_bad_row", c.OnBadRow, []string{"continue", "reject_object"}},
	} {
		if !slices.Contains(o.known, o.value) {
			problems = append(problems, config.Problemf(prefix+o.key, "%q is none of %s", o.value, strings.Join(o.known, ", ")))
		}
	}
	return append(problems, columnProblems(prefix+"columns", c.Columns)...)
}

// columnProblems says what is wrong with the names of columns.
func columnProblems(key string, columns map[string][]string) (problems []error) {
	owner := map[string]string{}
	for _, column := range slices.Sorted(maps.Keys(columns)) {
		if !slices.Contains([]string{"store", "item", "count"}, column) {
			problems = append(problems, config.Problemf(key, "%q is no column; the columns are store, item and count", column))
		}
		if len(columns[column]) == 0 {
			problems = append(problems, config.Problemf(key, "%s has no name", column))
		}
		for _, alias := range columns[column] {
			name := strings.ToLower(strings.TrimSpace(alias))
			switch other, taken := owner[name]; {
			case name == "":
				problems = append(problems, config.Problemf(key, "%s has an empty name", column))
			case taken && other != column:
				problems = append(problems, config.Problemf(key, "%q stands for both %s and %s", alias, other, column))
			}
			owner[name] = column
		}
	}
	return problems
}

var delimiters = map[string]string{"auto": feed.Delimiters, "comma": ",", "semicolon": ";", "tab": "\t", "pipe": "|"}

var charsets = map[string]feed.Charset{"utf-8": feed.UTF8, "windows-1252": feed.Windows1252}

var thousands = map[string]feed.Thousands{
	"unset": feed.Unset, "none": feed.None, "comma": feed.Comma, "point": feed.Point, "space": feed.Space, "apostrophe": feed.Apostrophe,
}

// rules is how feeds are read.
func (c Config) rules() feed.Rules {
	column := func(name string) []string {
		var aliases []string
		for _, alias := range c.Columns[name] {
			aliases = append(aliases, strings.TrimSpace(alias))
		}
		if aliases == nil { // a map in the file replaces the whole default
			aliases = []string{name}
		}
		return aliases
	}
	return feed.Rules{
		Columns:    feed.Columns{Store: column("store"), Item: column("item"), Count: column("count")},
		Delimiters: delimiters[c.Delimiter],
		Charset:    charsets[c.Encoding],
		Counts:     feed.Counts{Thousands: thousands[c.Thousands], Unsigned: c.Negative == "reject"},
		Caps:       feed.Caps{Size: int64(c.MaxExpanded), Ratio: int64(c.MaxRatio), Window: int64(c.MaxWindow)},
	}
}
