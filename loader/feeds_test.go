package loader_test

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"inventoryd/internal/config"
	"inventoryd/internal/inventory"
	"inventoryd/loader"
	"inventoryd/test/feeds"
)

var update = flag.Bool("update", false, "write the golden files anew")

// TestAwkwardFeeds loads each of test/feeds and compares outcome, books, table and report with a golden file.
func TestAwkwardFeeds(t *testing.T) {
	for _, f := range feeds.All() {
		t.Run(f.Name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				w.config.Rejects = t.TempDir()
				w.config.OnBadObject = "drop"
				w.config.Columns["item"] = []string{"item", "article"}
				w.config.Columns["count"] = []string{"count", "qty"}
				if _, err := config.Load("", &w.config, nil, f.Settings...); err != nil {
					t.Fatal(err)
				}
				i := w.start("a")
				w.put(f.Name, string(f.Body))
				w.quiet(time.Minute)
				golden(t, f.Name, report(t, f.What, i, w))
			})
		})
	}
}

// report words all that came of a feed.
func report(t *testing.T, what string, i *instance, w *world) string {
	t.Helper()
	var b strings.Builder
	i.balanced()
	p := i.Status().Recent[0]
	fmt.Fprintf(&b, "# %s\n%s", what, p.Outcome)
	if p.Error != "" {
		fmt.Fprintf(&b, ": %s", p.Error)
	}
	if p.Headers > 0 {
		fmt.Fprintf(&b, "\nheaders passed over: %d", p.Headers)
	}
	fmt.Fprintf(&b, "\nread %d = written %d + merged %d + rejected %d + unwritten %d\n\n# table\n",
		p.Books.Read, p.Books.Written, p.Books.Merged, p.Books.Rejected, p.Books.Unwritten)
	rows := w.rows()
	for _, key := range slices.SortedFunc(maps.Keys(rows), func(a, b inventory.Key) int { return strings.Compare(a.String(), b.String()) }) {
		fmt.Fprintf(&b, "%q %q %d\n", key.Store, key.Item, rows[key])
	}
	b.WriteString("\n# report\n")
	paths, err := filepath.Glob(filepath.Join(w.config.Rejects, "*"))
	if err != nil || len(paths) > 1 {
		t.Fatalf("reports %v, %v", paths, err)
	}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		b.Write(text)
	}
	return b.String()
}

// TestEachSenderIsReadInItsOwnWay loads two files at once that one and the same setting could not read.
func TestEachSenderIsReadInItsOwnWay(t *testing.T) {
	inWorld(t, func(w *world) {
		w.config.Feeds = []loader.Feed{
			{Name: "kiel", Pattern: "*/kiel-*", Thousands: "point", Encoding: "windows-1252", Columns: map[string][]string{"count": {"Menge"}}},
			{Name: "leeds", Pattern: "*/leeds-*", Thousands: "none", OnBadRow: "reject_object"},
		}
		w.config.OnBadObject = "drop"
		i := w.start("a")
		w.put("kiel-17.csv", "store;item;Menge\nKiel;T\xfcr;1.000\nKiel;x;y\n")
		w.put("leeds-3.csv", "store,item,count\nLeeds,Door,1.000\n")
		w.put("leeds-4.csv", "store,item,count\nLeeds,Gate,1\nLeeds,x,y\n")
		w.quiet(time.Minute)
		w.exact(map[inventory.Key]int64{{Store: "Kiel", Item: "Tür"}: 1000, {Store: "Leeds", Item: "Door"}: 1})
		for _, p := range i.Status().Recent {
			if name, _, _ := strings.Cut(p.Key, "-"); p.Feed != name {
				t.Errorf("%s is called a file of the feed %s", p.Key, p.Feed)
			}
		}
	})
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", "feeds", name+".golden")
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("not as in %s (go test -update writes it anew):\n%s", path, diff)
	}
}
