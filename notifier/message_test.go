package notifier

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"inventoryd/internal/state"
)

var updateGolden = flag.Bool("update", false, "write the golden files anew")

// golden compares what people read with testdata/<name>.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *updateGolden {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-was +is):\n%s", path, diff)
	}
}

func textsOf(t *testing.T, change func(*Text)) *texts {
	t.Helper()
	c := DefaultConfig().Text
	if change != nil {
		change(&c)
	}
	texts, err := compile(c)
	if err != nil {
		t.Fatal(err)
	}
	return texts
}

// alertsOf makes n alerts of one store.
func alertsOf(n int, e Event) []*Alert {
	var alerts []*Alert
	five := int64(5)
	for i := range n {
		item := fmt.Sprintf("Item %04d", i)
		a := &Alert{
			Store: "Berlin", Item: item, Count: 0, PreviousCount: &five, Since: begin, Event: e,
			store: "Berlin", name: item, id: fmt.Sprintf("%032d", i), position: at(i + 1),
		}
		if e == LowStock {
			a.Threshold, a.Count = 3, 2
		}
		if e == Restocked {
			a.Count = 7
		}
		alerts = append(alerts, a)
	}
	return alerts
}

// readable shows messages as they go to SNS.
func readable(drafts []state.Outgoing, short bool) string {
	var b strings.Builder
	for _, d := range drafts {
		body, item := d.Body, d.Attributes[attrItem]
		if short {
			body, item = ends(body), ends(item)
		}
		fmt.Fprintf(&b, "Subject: %s\n", d.Subject)
		for _, name := range []string{attrEvent, attrStore, attrFeed, attrItems, attrItem, attrCount} {
			value, ok := d.Attributes[name]
			if name == attrItem {
				value = item
			}
			if ok {
				fmt.Fprintf(&b, "%s (%s): %s\n", name, typeOf(name), value)
			}
		}
		fmt.Fprintf(&b, "\n%s\n--- %d bytes, %d items\n", body, len(d.Body), len(d.Subjects))
	}
	return b.String()
}

// ends are the first and the last hundred bytes.
func ends(s string) string {
	if len(s) < 250 {
		return s
	}
	return s[:100] + " [...] " + s[len(s)-100:]
}

func TestMessagesReadAsTheyAlwaysDid(t *testing.T) {
	for _, format := range []string{FormatText, FormatJSON} {
		texts := textsOf(t, func(c *Text) { c.Format = format })
		for kind, e := range map[state.Kind]Event{state.Shortage: OutOfStock, "low": LowStock, state.Restock: Restocked, state.Reminder: Reminder} {
			for _, n := range []int{1, 2, 1000} {
				drafts, err := texts.drafts(kind, alertsOf(n, e), begin)
				if err != nil || len(drafts) != 1 {
					t.Fatalf("%d messages, %v", len(drafts), err)
				}
				golden(t, fmt.Sprintf("%s_%s_%d.txt", e, format, n), readable(drafts, n > 2))
			}
		}
		drafts, err := texts.drafts(state.Shortage, alertsOf(map[string]int{FormatText: 5000, FormatJSON: 3500}[format], OutOfStock), begin)
		if err != nil || len(drafts) != 3 {
			t.Fatalf("%d parts, %v", len(drafts), err)
		}
		golden(t, fmt.Sprintf("out_of_stock_%s_parts.txt", format), readable(drafts, true))
		late := state.Tell{Kind: "feed_late", Feed: "berlin.csv", ID: "2026-11-22", Reason: "nothing came between 00:00 and 06:00", Remedy: "inventoryd load s3://feeds/berlin.csv", At: begin, Due: true}
		held := state.Tell{Kind: "feed_held", Feed: "berlin.csv", ID: "etag", Reason: "line 7: half of the rows are gone\nline 9: and so on", Remedy: "inventoryd release berlin.csv", At: begin, Due: true}
		golden(t, fmt.Sprintf("feeds_%s.txt", format), readable([]state.Outgoing{texts.feed(late, begin), texts.feed(held, begin)}, false))
	}
}

func TestTheOriginalsMailByteForByte(t *testing.T) {
	drafts, err := textsOf(t, nil).drafts(state.Shortage, alertsOf(1, OutOfStock), begin)
	if err != nil || drafts[0].Subject != "Inventory Alert!" || drafts[0].Body != "Berlin is out of stock of Item 0000" {
		t.Errorf("%v %+v", err, drafts)
	}
}

func TestPartsHoldEachItemOnceAndFitBothLimits(t *testing.T) {
	for _, n := range []int{1, 999, 2_000} {
		for _, long := range []int{1, 200, 1024} {
			alerts := alertsOf(n, OutOfStock)
			for i, a := range alerts {
				a.name = fmt.Sprintf("%s%d", strings.Repeat("ü", long/2), i)
				a.Item = a.name
			}
			drafts, err := textsOf(t, nil).drafts(state.Shortage, alerts, begin)
			if err != nil {
				t.Fatal(err)
			}
			seen := map[string]bool{}
			for i, d := range drafts {
				row := size(&d)
				for _, s := range d.Subjects {
					seen[s.Item] = true
					row += s.Size()
				}
				if size(&d) > maxMessage || row > 400<<10 {
					t.Errorf("part %d of %d has %d bytes, its row %d", i+1, len(drafts), size(&d), row)
				}
				if want := fmt.Sprintf("(part %d of %d)\n", i+1, len(drafts)); len(drafts) > 1 && !strings.HasPrefix(d.Body, want) {
					t.Errorf("part begins %.40q, want %q", d.Body, want)
				}
				if len(d.Subjects) > 1 && strings.Count(d.Body, "\n") < len(d.Subjects) {
					t.Errorf("%d items on %d lines", len(d.Subjects), strings.Count(d.Body, "\n"))
				}
			}
			if len(seen) != n {
				t.Errorf("%d of %d items are in a message", len(seen), n)
			}
		}
	}
}

func TestWhatCannotBeSaidIsMended(t *testing.T) {
	evil := "La\u202emp\x1b[2J\n"
	a := &Alert{
		Store: shown("Ber\tlin"), Item: shown(evil), Since: begin, Event: OutOfStock, store: "Ber\tlin", name: evil, id: "e1", position: at(1),
	}
	drafts, err := textsOf(t, func(c *Text) { c.Subject = "{{.Store}}\n" + strings.Repeat("x", 200) }).drafts(state.Shortage, []*Alert{a}, begin)
	if err != nil {
		t.Fatal(err)
	}
	d := drafts[0]
	if want := `Ber\u0009lin is out of stock of La\u202emp\u001b[2J\u000a`; d.Body != want {
		t.Errorf("body %q, want %q", d.Body, want)
	}
	if len(d.Subject) != 99 || strings.ContainsAny(d.Subject, "\n\t") {
		t.Errorf("subject %q", d.Subject)
	}
	if _, there := d.Attributes[attrItem]; there || d.Attributes[attrStore] != "Ber\tlin" {
		t.Errorf("attributes %v: an item that no filter can hold is left out", d.Attributes)
	}

	huge := alertsOf(1, OutOfStock)
	huge[0].Attributes = map[string]string{"note": strings.Repeat("ä", 200_000)}
	drafts, err = textsOf(t, func(c *Text) { c.Message = "{{.Item}} {{.Attributes.note}}" }).drafts(state.Shortage, huge, begin)
	if err != nil || size(&drafts[0]) > maxMessage || !strings.HasSuffix(drafts[0].Body, "ä…") {
		t.Errorf("%v, %d bytes, ends %q", err, size(&drafts[0]), drafts[0].Body[len(drafts[0].Body)-10:])
	}
}

func TestDocumentsForMachinesHoldNamesAsTheyAre(t *testing.T) {
	evil := "La\u202emp\x1b<&>\""
	a := &Alert{Store: "Berlin", Item: shown(evil), Since: begin, Event: OutOfStock, store: "Berlin", name: evil, id: "e1", position: at(1)}
	drafts, err := textsOf(t, func(c *Text) { c.Format = FormatJSON }).drafts(state.Shortage, []*Alert{a}, begin)
	if err != nil {
		t.Fatal(err)
	}
	var doc struct {
		Version int
		Items   []struct{ Item, ID string }
	}
	if err := json.Unmarshal([]byte(drafts[0].Body), &doc); err != nil || doc.Version != 1 || len(doc.Items) != 1 || doc.Items[0].Item != evil {
		t.Errorf("%v: %+v", err, doc)
	}
	if strings.ContainsRune(drafts[0].Body, '\u202e') {
		t.Error("a direction override reaches whoever reads the body in a terminal")
	}
}

func TestTemplatesThatFailForAnAlertSayItInPlainWords(t *testing.T) {
	texts := textsOf(t, func(c *Text) {
		c.Subject, c.Message, c.GroupMessage = "{{slice .Store 0 6}}", "{{slice .Store 0 6}} {{.Item}}", "{{range .Items}}{{slice .Store 0 6}}{{end}}"
	})
	for n, want := range map[int]string{1: "Ulm is out of stock of Item 0000", 2: "Ulm is out of stock of Item 0000\nUlm is out of stock of Item 0001\n"} {
		alerts := alertsOf(n, OutOfStock)
		for _, a := range alerts {
			a.Store, a.store = "Ulm", "Ulm"
		}
		drafts, err := texts.drafts(state.Shortage, alerts, begin)
		if err == nil || len(drafts) != 1 || drafts[0].Subject != "Inventory Alert!" || drafts[0].Body != want {
			t.Errorf("%v: %+v", err, drafts)
		}
	}
}

func TestTemplatesAreTriedBeforeTheStart(t *testing.T) {
	for _, test := range []struct {
		change func(*Text)
		want   string
	}{
		{func(c *Text) { c.Message = "{{.Stroe}}" }, "message: does not work for a sample alert (fields: Store, Item, Count, PreviousCount, Threshold, Since, Event, Attributes.NAME)"},
		{func(c *Text) { c.Message = "{{" }, "message: is no template"},
		{func(c *Text) { c.Subject = "{{if false}}x{{end}}" }, "subject: is empty for a sample alert (event out_of_stock)"},
		{func(c *Text) { c.GroupMessage = "{{.Item}}" }, "group_message: does not work for a sample alert (fields: Store, Event, Items, Part, Parts)"},
		{func(c *Text) { c.Message = "{{range 2000000000}}boom, boom, boom, boom{{end}}" }, "message: makes more than 524288 bytes of a sample alert"},
		{func(c *Text) { c.GroupMessage = "{{range 2000000000}}boom, boom, boom, boom{{end}}" }, "group_message: makes more than 524288 bytes"},
		{func(c *Text) { c.Message = "{{range 2000000000}}{{end}}boom" }, "message: takes too long for a sample alert: range over the items, not over a number"},
		{func(c *Text) { c.GroupMessage = "{{range 100000}}{{range 100000}}{{end}}{{end}}boom" }, "group_message: takes too long"},
		{func(c *Text) {
			c.Message = `{{define "x"}}{{template "y" .}}{{template "y" .}}{{end}}{{define "y"}}{{range 1000000}}{{end}}{{end}}{{template "x" .}}boom`
		}, "message: takes too long"},
		{func(c *Text) { c.Message = `{{$x := "xx"}}{{range 60}}{{$x = print $x $x}}{{end}}boom` }, "message: makes more than 524288 bytes"},
		{func(c *Text) { c.Message = `{{$x := "\\"}}{{range 60}}{{$x = js $x}}{{end}}boom` }, "message: makes more than 524288 bytes"},
		{func(c *Text) { c.Message = `{{range 1000000}}{{$x := printf "%500000d" 1}}{{end}}boom` }, "message: takes too long"},
		{func(c *Text) { c.Format = "xml" }, `format: is "xml"; it must be text or json`},
	} {
		c := DefaultConfig()
		test.change(&c.Text)
		began := time.Now()
		if err := c.Validate(); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("error %v, want one with %q", err, test.want)
		}
		if took := time.Since(began); took > 30*time.Second {
			t.Errorf("it took %s to say so", took)
		}
	}
	c := DefaultConfig()
	c.Restocked, c.Message = true, "{{.Store}} {{.Item}}"
	if err := c.Validate(); err == nil || !strings.Contains(err.Error(), "reads the same for out_of_stock and restocked") {
		t.Errorf("error %v", err)
	}
}

func TestABlankMessageIsSaidInPlainWords(t *testing.T) {
	texts := textsOf(t, func(c *Text) { c.Message = `{{if eq .Store "Berlin"}}{{.Item}}{{end}}` })
	alerts := alertsOf(1, OutOfStock)
	alerts[0].Store = "Bonn"
	drafts, err := texts.drafts(state.Shortage, alerts, begin)
	if err == nil || drafts[0].Body != "Bonn is out of stock of Item 0000" {
		t.Errorf("%v: %+v", err, drafts)
	}
	if errors.Is(err, errTooLong) {
		t.Error(err)
	}
}
