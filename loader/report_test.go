package loader_test

// Reports of rejected rows, and what counts as one.

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"inventoryd/internal/inventory"
	"inventoryd/internal/sandbox"
	"inventoryd/internal/sandbox/fault"
	"inventoryd/internal/sandbox/objects"
	"inventoryd/loader"
)

// refuse makes the table refuse items whose name holds a text.
func (w *world) refuse(text string) {
	w.Fault(fault.Rule{
		Service: "dynamodb", Operation: "BatchWriteItem", Effect: fault.Effect{Error: &fault.Error{Code: "ValidationException", Message: "no"}},
		Match: func(c fault.Call) bool { return bytes.Contains(c.Body, []byte(text)) },
	})
}

// TestRowsThatTheTableRefusesCountAsRejects judges an object by the rejects of its rows' last judge too.
func TestRowsThatTheTableRefusesCountAsRejects(t *testing.T) {
	const head = "store,item,count\n"
	rows, want := feedOf(100, "Berlin")
	for _, c := range []struct {
		name    string
		change  func(*loader.Config)
		feed    string
		outcome string
		books   loader.Books
		says    string
	}{
		{"some", func(*loader.Config) {}, rows + "A,bad 1,1\nA,bad 2,1\n", "loaded", loader.Books{Read: 102, Written: 99, Merged: 1, Rejected: 2}, ""},
		{"more than allowed", func(c *loader.Config) { c.MaxRejects = 1 }, rows + "A,bad 1,1\nA,bad 2,1\n", "failed", loader.Books{Read: 102, Written: 99, Merged: 1, Rejected: 2}, "loader.max_rejects"},
		{"a larger share than allowed", func(c *loader.Config) { c.MaxRejectsPercent = 1 }, rows + "A,bad 1,1\nA,bad 2,1\n", "failed", loader.Books{Read: 102, Written: 99, Merged: 1, Rejected: 2}, "loader.max_rejects_percent"},
		{"one, where none is allowed", func(c *loader.Config) { c.OnBadRow = "reject_object" }, rows + "A,bad 1,1\n", "failed", loader.Books{Read: 101, Written: 99, Merged: 1, Rejected: 1}, "loader.on_bad_row"},
		{"all", func(*loader.Config) {}, head + "A,bad 1,1\nA,bad 2,1\n", "failed", loader.Books{Read: 2, Rejected: 2}, "none of its 2 rows"},
		{"all, of one key", func(*loader.Config) {}, head + "A,bad,1\nA,bad,2\nA,bad,3\n", "failed", loader.Books{Read: 3, Merged: 2, Rejected: 1}, "none of its 3 rows"},
	} {
		t.Run(c.name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				w.refuse("bad")
				w.config.OnBadObject, w.config.Lanes = "drop", 1
				c.change(&w.config)
				i := w.start("a")
				w.put("feed.csv", c.feed)
				w.quiet(time.Minute)
				p := i.Status().Recent[0]
				if p.Outcome != c.outcome || p.Books != c.books || !strings.Contains(p.Error, c.says) {
					t.Errorf("%+v", p)
				}
				if c.books.Written == 0 {
					want = map[inventory.Key]int64{}
				}
				w.exact(want)
				i.balanced()
			})
		})
	}
}

// TestBothReadingsAreOfOneObject replaces an object between the reading that checks it and the one that writes, where
// the event tells neither version nor tag.
func TestBothReadingsAreOfOneObject(t *testing.T) {
	inWorld(t, func(w *world) {
		w.config.OnBadRow = "reject_object"
		bad := feedWithRejects(100, 10)
		w.Fault(fault.Rule{Service: "s3", Operation: "GetObject", Skip: 1, Times: 1, Effect: fault.Effect{Do: func() {
			w.put("feed.csv", bad)
			w.Queues.Drain(sandbox.EventQueue)
		}}})
		feed, _ := feedOf(100, "Berlin")
		w.put("feed.csv", feed)
		w.Queues.Drain(sandbox.EventQueue)
		w.send(string(objects.Event{Name: "ObjectCreated:Put", Bucket: sandbox.Bucket, Key: "feed.csv"}.Direct()))
		i := w.start("a")
		w.eventually(time.Minute, "judged", func() bool { return len(i.Status().Recent) == 2 })
		if p := i.Status().Recent; p[0].Outcome != "failed" || p[1].Outcome != "changed" {
			t.Errorf("%+v", p)
		}
		w.exact(map[inventory.Key]int64{})
		i.balanced()
	})
}

func TestADryRunWritesNoReport(t *testing.T) {
	inWorld(t, func(w *world) {
		w.config.Rejects = filepath.Join(t.TempDir(), "rejects")
		l, err := loader.New(w.clients("a"), w.config)
		if err != nil {
			t.Fatal(err)
		}
		p, err := l.Load(w.Context(), loader.Stream("feed", strings.NewReader(feedWithRejects(100, 10))), loader.Hand{Dry: true})
		if err != nil || p.Books != (loader.Books{Read: 100, Rejected: 10, Unwritten: 90}) {
			t.Errorf("%+v, %v", p, err)
		}
		if _, err := os.Stat(w.config.Rejects); !os.IsNotExist(err) {
			t.Errorf("there are reports: %v", err)
		}
	})
}

// TestADiskThatIsFullForAnHourCostsNoReport takes the place of temporary files away; the report is whole all the same.
func TestADiskThatIsFullForAnHourCostsNoReport(t *testing.T) {
	dir := t.TempDir()
	disk := filepath.Join(dir, "tmp")
	t.Setenv("TMPDIR", disk)
	inWorld(t, func(w *world) {
		w.config.Rejects = filepath.Join(dir, "rejects")
		i := w.start("a")
		w.put("feed.csv", feedWithRejects(20_000, 2))
		time.Sleep(time.Hour)
		if err := i.Ready(); err == nil || !strings.Contains(err.Error(), "temporary files") {
			t.Errorf("ready says %v", err)
		}
		if err := os.Mkdir(disk, 0o700); err != nil {
			t.Fatal(err)
		}
		w.quiet(3 * time.Minute) // the next try may be two away
		text, err := os.ReadFile(filepath.Join(w.config.Rejects, "inventory%2Ffeed.csv.rejects.ndjson"))
		if err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
		if len(lines) != 10_001 || !strings.Contains(lines[10_000], `"books":{"read":20000,"written":10000,"unchanged":0,"merged":0,"resumed":0,"rejected":10000,"unwritten":0,"abandoned":0}`) {
			t.Fatalf("%d lines, the last is %s", len(lines), lines[len(lines)-1])
		}
		for n, line := range lines[:10_000] {
			if !strings.HasPrefix(line, fmt.Sprintf(`{"line":%d,`, 2*n+3)) {
				t.Fatalf("line %d is %s", n+1, line)
			}
		}
		if total := i.balanced(); total.Loaded != 1 {
			t.Errorf("total %+v", total)
		}
	})
}

// TestALongReportHasTheTimeItTakes uploads a report of more than 10 MiB over a slow line.
func TestALongReportHasTheTimeItTakes(t *testing.T) {
	inWorld(t, func(w *world) {
		w.Fault(fault.Rule{Service: "s3", Operation: "PutObject", Effect: fault.Effect{Delay: 18 * time.Second}})
		w.config.Rejects = "s3://inventory/rejects/"
		i := w.start("a")
		w.put("feed.csv", "store,item,count\nA,B,1\n"+strings.Repeat("A,B,"+strings.Repeat("x", 1000)+"\n", 10_000))
		w.quiet(time.Hour)
		if _, _, ok := w.Objects.Object(sandbox.Bucket, "rejects/inventory%2Ffeed.csv.rejects.ndjson"); !ok {
			t.Errorf("no report; log: %v", w.messages())
		}
		i.balanced()
	})
}

// TestAMessageOfAMebibyteIsHandled loads every object of one message, among them the same ones again and ones that cannot
// be loaded; a message that fails for good is remembered however many objects it names.
func TestAMessageOfAMebibyteIsHandled(t *testing.T) {
	inWorld(t, func(w *world) {
		var records []string
		want := map[inventory.Key]int64{}
		for n := range 640 {
			feed, rows := feedOf(5, fmt.Sprint("store ", n))
			if n%2 == 0 {
				feed, rows = "store,item,amount\nA,B,1\n", nil
			}
			want = both(want, rows)
			e, err := w.Objects.Put(sandbox.Bucket, fmt.Sprintf("%0900d.csv", n), []byte(feed))
			if err != nil {
				t.Fatal(err)
			}
			records = append(records, strings.TrimSuffix(strings.TrimPrefix(string(e.Direct()), `{"Records":[`), `]}`))
		}
		w.Queues.Drain(sandbox.EventQueue)
		w.send(`{"Records":[` + strings.Join(append(records, records[:20]...), ",") + `]}`)
		i := w.start("a")
		w.eventually(2*time.Hour, "in the dead-letter queue", func() bool { return len(w.Queues.Contents(sandbox.DeadLetterQueue).Visible) == 1 })
		w.exact(want)
		if total := i.balanced(); total.Loaded != 320 || total.Failed != 330 {
			t.Errorf("total %+v", total)
		}
		failed := w.logs.FilterMessage("message failed for good").All()
		if len(failed) != 1 {
			t.Fatalf("reported %d times", len(failed))
		}
		if text := fmt.Sprint(failed[0].ContextMap()); len(text) > 32<<10 || !strings.Contains(text, "and 320 more") {
			t.Errorf("the report has %d bytes: %.300s", len(text), text)
		}
	})
}

// TestADirectoryThatTakesNoReportsIsRefusedAtOnce probes at the start and at each reload, and makes nothing by it.
func TestADirectoryThatTakesNoReportsIsRefusedAtOnce(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	inWorld(t, func(w *world) {
		w.config.Rejects = file
		l, err := loader.New(w.clients("a"), w.config)
		if err != nil {
			t.Fatal(err)
		}
		if err := l.Run(w.Context()); err == nil || !strings.Contains(err.Error(), "rejects") || !strings.Contains(err.Error(), "is no directory") {
			t.Errorf("the start says %v", err)
		}
		w.config.Rejects = filepath.Join(dir, "one", "two")
		i := w.start("b")
		time.Sleep(time.Second)
		next := w.config
		next.Rejects = file
		i.Apply(next)
		if n := w.logs.FilterMessage("reports of rejected rows go where they went").Len(); n != 1 {
			t.Errorf("the reload says %v", w.messages())
		}
		if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
			t.Errorf("%v, %v", entries, err)
		}
		w.put("feed.csv", feedWithRejects(10, 2))
		w.quiet(time.Minute)
		if _, err := os.Stat(filepath.Join(dir, "one", "two", "inventory%2Ffeed.csv.rejects.ndjson")); err != nil {
			t.Error(err)
		}
	})
}
