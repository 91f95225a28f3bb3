package loader_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"inventoryd/internal/config"
	"inventoryd/internal/inventory"
	"inventoryd/internal/sandbox"
	"inventoryd/internal/sandbox/fault"
	"inventoryd/loader"
)

func TestWhatIsWrongWithAConfigurationIsNamed(t *testing.T) {
	if err := loader.DefaultConfig().Validate(); err != nil {
		t.Fatalf("the defaults: %v", err)
	}
	for key, change := range map[string]func(*loader.Config){
		"queue":               func(c *loader.Config) { c.Queue = "" },
		"workers":             func(c *loader.Config) { c.Workers = 0 },
		"visibility":          func(c *loader.Config) { c.Visibility = time.Second },
		"on_bad_object":       func(c *loader.Config) { c.OnBadObject = "ignore" },
		"on_missing":          func(c *loader.Config) { c.OnMissing = "cry" },
		"delimiter":           func(c *loader.Config) { c.Delimiter = ":" },
		"thousands":           func(c *loader.Config) { c.Thousands = "," },
		"encoding":            func(c *loader.Config) { c.Encoding = "latin-1" },
		"max_window":          func(c *loader.Config) { c.MaxWindow = 1 },
		"negative":            func(c *loader.Config) { c.Negative = "clamp" },
		"max_expanded":        func(c *loader.Config) { c.MaxExpanded = 1 },
		"max_ratio":           func(c *loader.Config) { c.MaxRatio = 1 },
		"on_bad_row":          func(c *loader.Config) { c.OnBadRow = "stop" },
		"max_rejects":         func(c *loader.Config) { c.MaxRejects = -1 },
		"max_rejects_percent": func(c *loader.Config) { c.MaxRejectsPercent = 101 },
		"mode":                func(c *loader.Config) { c.Mode = "guarded" },
		"attributes":          func(c *loader.Config) { c.Attributes = "keep" }, // which needs delta
		"lanes":               func(c *loader.Config) { c.Lanes = 0 },
		"rejects":             func(c *loader.Config) { c.Rejects = "s3://bucket" },
		"columns":             func(c *loader.Config) { c.Columns["count"] = []string{"qty", "Store"} },
	} {
		c := loader.DefaultConfig()
		change(&c)
		var p *config.Problem
		if err := c.Validate(); !errors.As(err, &p) || p.Key != key {
			t.Errorf("%s: %v", key, err)
		}
	}
	c := loader.DefaultConfig()
	c.Mode = "guarded"
	if err := c.Validate(); err == nil || !strings.Contains(err.Error(), "none of put") {
		t.Errorf("an unknown mode: %v", err)
	}
	c.Workers, c.Lanes = 0, 0
	for _, key := range []string{"workers", "lanes", "mode"} {
		if err := c.Validate(); !strings.Contains(err.Error(), key) {
			t.Errorf("several problems at once: %v", err)
		}
	}
}

// feedWithRejects is a feed of n rows of which each k-th is bad.
func feedWithRejects(n, k int) string {
	var b strings.Builder
	b.WriteString("store,item,count\n")
	for i := range n {
		count := fmt.Sprint(i)
		if i%k == k-1 {
			count = "x"
		}
		fmt.Fprintf(&b, "A,item %d,%s\n", i, count)
	}
	return b.String()
}

func TestLimitsOfRejects(t *testing.T) {
	for _, c := range []struct {
		name    string
		change  func(*loader.Config)
		feed    string
		outcome string
		written func(int64) bool
		says    string
	}{
		{"none", func(*loader.Config) {}, feedWithRejects(1000, 2), "loaded", func(n int64) bool { return n == 500 }, ""},
		{"reject_object, a bad row", func(c *loader.Config) { c.OnBadRow = "reject_object" }, feedWithRejects(1000, 1000), "failed", func(n int64) bool { return n == 0 }, "loader.on_bad_row"},
		{"reject_object, no bad row", func(c *loader.Config) { c.OnBadRow = "reject_object" }, feedWithRejects(1000, 1001), "loaded", func(n int64) bool { return n == 1000 }, ""},
		{"as many as allowed", func(c *loader.Config) { c.MaxRejects = 10 }, feedWithRejects(1000, 100), "loaded", func(n int64) bool { return n == 990 }, ""},
		{"one too many", func(c *loader.Config) { c.MaxRejects = 9 }, feedWithRejects(1000, 100), "failed", func(n int64) bool { return n < 990 }, "loader.max_rejects"},
		{"a share as allowed", func(c *loader.Config) { c.MaxRejectsPercent = 10 }, feedWithRejects(1000, 10), "loaded", func(n int64) bool { return n == 900 }, ""},
		{"too large a share", func(c *loader.Config) { c.MaxRejectsPercent = 9.9 }, feedWithRejects(1000, 10), "failed", func(n int64) bool { return n <= 900 }, "loader.max_rejects_percent"},
		{"too large a share of a long feed stops early", func(c *loader.Config) { c.MaxRejectsPercent = 9 }, feedWithRejects(100_000, 10), "failed", func(n int64) bool { return n <= 9000 }, "of 10000 rows"},
	} {
		t.Run(c.name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				w.config.OnBadObject = "drop"
				c.change(&w.config)
				i := w.start("a")
				w.put("feed.csv", c.feed)
				w.quiet(time.Hour)
				i.balanced()
				p := i.Status().Recent[0]
				if p.Outcome != c.outcome || !c.written(p.Books.Written) || !strings.Contains(p.Error, c.says) {
					t.Errorf("%+v", p)
				}
				if int64(len(w.rows())) != p.Books.Written {
					t.Errorf("%d rows in the table, the books say %d", len(w.rows()), p.Books.Written)
				}
			})
		})
	}
}

func TestAReportInTheBucketIsWrittenOnceItCanBe(t *testing.T) {
	inWorld(t, func(w *world) {
		w.config.Rejects = "s3://inventory/rejects"
		mend := w.Fault(fault.Rule{Service: "s3", Operation: "PutObject", Effect: fault.Unavailable})
		i := w.start("a")
		w.put("in/a b.csv", feedWithRejects(1000, 10))
		time.Sleep(time.Hour)
		if err := i.Ready(); err == nil || !strings.Contains(err.Error(), "rejects") {
			t.Errorf("ready says %v", err)
		}
		mend()
		w.quiet(10 * time.Minute)
		text, _, ok := w.Objects.Object(sandbox.Bucket, "rejects/inventory%2Fin%2Fa+b.csv.rejects.ndjson")
		if !ok {
			t.Fatal("there is no report")
		}
		lines := 0
		var last struct{ Summary struct{ Books loader.Books } }
		for s := bufio.NewScanner(bytes.NewReader(text)); s.Scan(); lines++ {
			if err := json.Unmarshal(s.Bytes(), &last); err != nil {
				t.Fatalf("line %d: %v", lines+1, err)
			}
		}
		if lines != 101 || last.Summary.Books != (loader.Books{Read: 1000, Written: 900, Rejected: 100}) {
			t.Errorf("%d lines, the last says %+v", lines, last)
		}
		if total := i.balanced(); total.Loaded != 1 {
			t.Errorf("the report itself was loaded: %+v", total)
		}
	})
}

func TestNoTemporaryFileIsLeft(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	inWorld(t, func(w *world) {
		w.config.Rejects = "s3://inventory/rejects"
		w.start("a")
		w.put("feed.csv", feedWithRejects(100, 10))
		w.quiet(time.Minute)
		if left, err := os.ReadDir(os.TempDir()); err != nil || len(left) > 0 {
			t.Errorf("%v, %v", left, err)
		}
	})
}

func TestSettingsForTheNextObjectAreApplied(t *testing.T) {
	inWorld(t, func(w *world) {
		i := w.start("a")
		next := w.config
		next.Columns = map[string][]string{"count": {"Menge"}}
		next.Queue = "another" // needs a restart: stays as it was
		i.Apply(next)
		w.put("feed.csv", "store,item,menge\nA,B,1\n")
		w.quiet(time.Minute)
		w.exact(map[inventory.Key]int64{{Store: "A", Item: "B"}: 1})
		if q := i.Status().Queue; q != w.config.Queue {
			t.Errorf("the queue is %q", q)
		}
	})
}
