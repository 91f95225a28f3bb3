package loader

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"inventoryd/internal/config"
	"inventoryd/loader/feed"
)

func TestTheFirstFeedWhosePatternMatchesWins(t *testing.T) {
	c := DefaultConfig()
	c.Thousands = "comma"
	c.Feeds = []Feed{
		{Name: "kiel", Pattern: "*/kiel*.csv", Thousands: "point", Delimiter: "semicolon", Encoding: "windows-1252", Columns: map[string][]string{"count": {"Menge"}}},
		{Name: "north", Pattern: "*/k*.csv", Negative: "reject", OnBadRow: "reject_object"},
		{Name: "leeds", Pattern: "uk/*"},
	}
	for _, w := range []struct {
		bucket, key, name, onBadRow string
		rules                       feed.Rules
	}{
		{"eu", "in/kiel-17.csv", "kiel", "continue", feed.Rules{
			Columns: feed.Columns{Store: []string{"store"}, Item: []string{"item"}, Count: []string{"Menge"}}, Delimiters: ";", Charset: feed.Windows1252,
			Counts: feed.Counts{Thousands: feed.Point},
		}},
		{"eu", "koeln.csv", "north", "reject_object", feed.Rules{
			Columns: feed.Columns{Store: []string{"store"}, Item: []string{"item"}, Count: []string{"count"}}, Delimiters: feed.Delimiters,
			Counts: feed.Counts{Thousands: feed.Comma, Unsigned: true},
		}},
		{"uk", "anything", "leeds", "continue", feed.Rules{
			Columns: feed.Columns{Store: []string{"store"}, Item: []string{"item"}, Count: []string{"count"}}, Delimiters: feed.Delimiters,
			Counts: feed.Counts{Thousands: feed.Comma},
		}},
		{"eu", "berlin-20261126.csv", "eu/berlin-#.csv", "continue", feed.Rules{
			Columns: feed.Columns{Store: []string{"store"}, Item: []string{"item"}, Count: []string{"count"}}, Delimiters: feed.Delimiters,
			Counts: feed.Counts{Thousands: feed.Comma},
		}},
		{"", "/home/jo/kiel.csv", "kiel", "continue", feed.Rules{ // a file by hand
			Columns: feed.Columns{Store: []string{"store"}, Item: []string{"item"}, Count: []string{"Menge"}}, Delimiters: ";", Charset: feed.Windows1252,
			Counts: feed.Counts{Thousands: feed.Point},
		}},
	} {
		own, name := c.of(w.bucket, w.key)
		w.rules.Caps = c.rules().Caps
		if diff := cmp.Diff(w.rules, own.rules()); diff != "" || name != w.name || own.OnBadRow != w.onBadRow {
			t.Errorf("%s/%s is of %s, on_bad_row %s:\n%s", w.bucket, w.key, name, own.OnBadRow, diff)
		}
	}
	if c.Delimiter != "auto" || len(c.Columns["count"]) != 1 || c.Columns["count"][0] != "count" {
		t.Error("a feed's settings are everybody's now")
	}
}

func TestWhatIsWrongWithAFeedIsNamed(t *testing.T) {
	c := DefaultConfig()
	good := Feed{Name: "a", Pattern: "a/*"}
	for key, bad := range map[string]Feed{
		"feeds[1].name":       {Name: "a", Pattern: "b/*"},
		"feeds[1].pattern":    {Name: "b", Pattern: "a/*"},
		"feeds[1].delimiter":  {Name: "b", Pattern: "b/*", Delimiter: ":"},
		"feeds[1].encoding":   {Name: "b", Pattern: "b/*", Encoding: "latin-1"},
		"feeds[1].thousands":  {Name: "b", Pattern: "b/*", Thousands: "."},
		"feeds[1].negative":   {Name: "b", Pattern: "b/*", Negative: "no"},
		"feeds[1].on_bad_row": {Name: "b", Pattern: "b/*", OnBadRow: "stop"},
		"feeds[1].columns":    {Name: "b", Pattern: "b/*", Columns: map[string][]string{"count": {"store"}, "store": {"Store"}}},
	} {
		c.Feeds = []Feed{good, bad}
		var p *config.Problem
		if err := c.Validate(); !errors.As(err, &p) || p.Key != key {
			t.Errorf("%s: %v", key, err)
		}
	}
	for _, name := range []string{"", "a/b", "a\x1b", "a\u202e", "\xff", strings.Repeat("a", 201)} {
		c.Feeds = []Feed{{Name: name, Pattern: "*"}}
		if err := c.Validate(); err == nil || !strings.Contains(err.Error(), "feeds[0].name") {
			t.Errorf("the name %q: %v", name, err)
		}
	}
	c.Feeds = []Feed{{Name: "a"}}
	if err := c.Validate(); err == nil || !strings.Contains(err.Error(), "feeds[0].pattern") {
		t.Errorf("no pattern: %v", err)
	}
	c.Feeds = []Feed{good, {Name: "Zürich 2", Pattern: "*"}}
	if err := c.Validate(); err != nil {
		t.Error(err)
	}
}
