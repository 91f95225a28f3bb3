package loader

// Feeds: who sends what, and how it is written where senders differ.

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"inventoryd/internal/config"
	"inventoryd/internal/inventory"
)

// Feed is what one sender sends, and how it is written where that differs from what the loader's own keys say.
type Feed struct {
	// What the feed is called in logs and messages: at most 200 bytes, without a slash.
	Name string `yaml:"name"`
	// Pattern on bucket/key of the feed's objects; * stands for any text, ? for one character. Of several that match, the
	// first one counts.
	Pattern string `yaml:"pattern"`
	// As loader.columns, for this feed.
	Columns map[string][]string `yaml:"columns"`
	// As loader.delimiter, for this feed.
	Delimiter string `yaml:"delimiter" enum:"auto|comma|semicolon|tab|pipe"`
	// As loader.encoding, for this feed.
	Encoding string `yaml:"encoding" enum:"utf-8|windows-1252"`
	// As loader.thousands, for this feed.
	Thousands string `yaml:"thousands" enum:"unset|none|comma|point|space|apostrophe"`
	// As loader.negative, for this feed.
	Negative string `yaml:"negative" enum:"accept|reject"`
	// As loader.on_bad_row, for this feed.
	OnBadRow string `yaml:"on_bad_row" enum:"continue|reject_object"`
	Guard    `yaml:",inline"`
}

// Guard says what a feed is guarded against: to be wrong, incomplete or late.
type Guard struct {
	// Which uploads are held back, for somebody to look at.
	Gate Gate `yaml:"gate"`
	// Each upload names all items of the stores in it.
	Whole bool `yaml:"whole"`
	// What becomes of an item that the table has of a store in an upload, and the upload does not name: keep leaves its count,
	// zero makes it 0, which is an alert. zero needs whole: true and gate.action: hold, and that no other feed loads the stores.
	Absent string `yaml:"absent" enum:"keep|zero"`
	// Hold an upload in which more than this part in per cent, 1 to 100, of the items that are left in one store is absent; 0: 10.
	AbsentMax int64 `yaml:"absent_max"`
	// When an upload is expected.
	Expect Expect `yaml:"expect"`
}

// zeroes reports whether absent items become 0.
func (g Guard) zeroes() bool { return g.Absent == "zero" }

// problems says what is wrong with a guard; prefix stands before its keys.
func (g Guard) problems(prefix, pattern string) []error {
	problems := slices.Concat(g.Gate.problems(prefix+"gate."), g.Expect.problems(prefix+"expect.", pattern))
	problem := func(key, format string, args ...any) {
		problems = append(problems, config.Problemf(prefix+key, format, args...))
	}
	switch {
	case g.Absent != "" && g.Absent != "keep" && g.Absent != "zero":
		problem("absent", "%q is none of keep, zero", g.Absent)
	case g.zeroes() && !g.Whole:
		problem("absent", "zero needs whole: true, by which you say that each upload names all items of its stores")
	case g.zeroes() && !g.Gate.closed():
		problem("absent", "zero needs gate.action: hold, lest half a file empties the stores")
	}
	if g.AbsentMax < 0 || g.AbsentMax > 100 {
		problem("absent_max", "%d is not from 1 to 100", g.AbsentMax)
	}
	return problems
}

// of is the configuration by which an object is loaded, and the name of its feed. An object that is of no feed in the
// list is of one by itself.
func (c Config) of(bucket, key string) (Config, string) {
	f, listed := c.feed(bucket, key)
	if !listed {
		return c, f.Name
	}
	return c.override(f), f.Name
}

// feed is the first in the list that an object is of, or one by itself, as a canary always is: a listed feed would be compared with
// it.
func (c Config) feed(bucket, key string) (f Feed, listed bool) {
	at := slices.IndexFunc(c.Feeds, func(f Feed) bool { return match(f.Pattern, bucket+"/"+key) })
	if at < 0 || strings.HasPrefix(key, inventory.Canary+"-") {
		return Feed{Name: feedName(bucket, key)}, false
	}
	return c.Feeds[at], true
}

// override is the configuration with what a feed has of its own.
func (c Config) override(f Feed) Config {
	if len(f.Columns) > 0 {
		c.Columns = f.Columns
	}
	for _, o := range []struct {
		key   *string
		value string
	}{
		{&c.Delimiter, f.Delimiter}, {&c.Encoding, f.Encoding}, {&c.Thousands, f.Thousands}, {&c.Negative, f.Negative}, {&c.OnBadRow, f.OnBadRow},
	} {
		if o.value != "" {
			*o.key = o.value
		}
	}
	return c
}

// feedProblems says what is wrong with the list of feeds. What an entry overrides is judged as the loader's own keys are.
func (c Config) feedProblems() (problems []error) {
	for i, f := range c.Feeds {
		problem := func(key, format string, args ...any) {
			problems = append(problems, config.Problemf(fmt.Sprintf("feeds[%d].%s", i, key), format, args...))
		}
		before := c.Feeds[:i]
		switch {
		case f.Name == "":
			problem("name", "must say what the feed is called")
		case len(f.Name) > 200 || strings.ContainsFunc(f.Name, func(r rune) bool { return r == '/' || r == utf8.RuneError || !unicode.IsPrint(r) }):
			problem("name", "%q has a slash, a character that cannot be seen, or more than 200 bytes", f.Name)
		case slices.ContainsFunc(before, func(other Feed) bool { return other.Name == f.Name }):
			problem("name", "%q is the name of an earlier entry", f.Name)
		}
		switch {
		case f.Pattern == "":
			problem("pattern", "must say by bucket/key which objects are of this feed; *.csv is those of a key that ends so")
		case slices.ContainsFunc(before, func(other Feed) bool { return other.Pattern == f.Pattern }):
			problem("pattern", "%q is the pattern of an earlier entry, which wins", f.Pattern)
		}
		prefix := fmt.Sprintf("feeds[%d].", i)
		problems = append(problems, DefaultConfig().override(f).formProblems(prefix)...)
		problems = append(problems, f.Guard.problems(prefix, f.Pattern)...)
	}
	return problems
}
