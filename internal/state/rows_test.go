package state

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"

	"inventoryd/internal/attribute"
)

var updateGolden = flag.Bool("update", false, "write the golden files anew")

// goldenRow compares a row with testdata/<name>: rows outlive the program that wrote them.
func goldenRow(t *testing.T, name string, row map[string]types.AttributeValue) {
	t.Helper()
	got, err := json.MarshalIndent(plainOf(t, &types.AttributeValueMemberM{Value: row}), "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	got = append(got, '\n')
	path := filepath.Join("testdata", name)
	if *updateGolden {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s (-was +is):\n%s", path, diff)
	}
}

func plainOf(t *testing.T, v types.AttributeValue) any {
	t.Helper()
	switch v := v.(type) {
	case *types.AttributeValueMemberS:
		return map[string]any{"S": v.Value}
	case *types.AttributeValueMemberN:
		return map[string]any{"N": v.Value}
	case *types.AttributeValueMemberBOOL:
		return map[string]any{"BOOL": v.Value}
	case *types.AttributeValueMemberL:
		list := []any{}
		for _, e := range v.Value {
			list = append(list, plainOf(t, e))
		}
		return list
	case *types.AttributeValueMemberM:
		m := map[string]any{}
		for k, e := range v.Value {
			m[k] = plainOf(t, e)
		}
		return m
	}
	t.Fatalf("attribute is a %T", v)
	return nil
}

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

const position = "2026-11-22T10:00:00.000#0000000000000000000000000000000000000100"

func outItem() Item {
	five := int64(5)
	return Item{
		Store: "Berlin", Item: "Echo Dot",
		Known: Known{Out, position, "e1", noon, -1, &five},
		Began: Began{position, noon, -1},
		Due:   Due{Shortage, "e1"},
		Look:  &Look{noon, string(Shortage)},
	}
}

func TestItemRowsReadAsTheyWereWritten(t *testing.T) {
	due := outItem()
	told := due
	told.Due, told.Told, told.Look, told.Previous = Due{}, Told{Position: position, V: noon.Add(time.Second)}, &Look{For: string(Shortage)}, nil
	in := told
	in.Stock, in.Count, in.Look, in.Expires, in.Told.Back = In, 12, nil, noon.Add(InKept), position
	failed := due
	failed.Failed, failed.Look = "refused", &Look{For: AttrFailed}
	scanned := due
	scanned.Scan = noon
	long := due
	long.Store = strings.Repeat("x", 2048)
	for name, i := range map[string]Item{
		"item_due.json": due, "item_told.json": told, "item_in.json": in, "item_failed.json": failed, "item_scanned.json": scanned, "": long,
	} {
		row := i.Attributes("shop")
		if name != "" {
			goldenRow(t, name, row)
		}
		back, err := ItemOf(row)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if diff := cmp.Diff(i, back); diff != "" {
			t.Errorf("%s (-written +read):\n%s", name, diff)
		}
		if KeyOf(row) != i.Key("shop") {
			t.Errorf("%s: key %v", name, KeyOf(row))
		}
	}
}

func TestMessagesReadAsTheyWereWritten(t *testing.T) {
	o := Outgoing{
		Notice: Notice{
			ID: "20261122T120000.000-aa-00000", Event: "out_of_stock", Kind: Shortage, Store: "Berlin",
			Subjects: []Subject{{"Echo Dot", "e1", position}, {"Lamp", "e2", position}},
			Subject:  "Inventory Alert!", Body: "Berlin is out of stock of Echo Dot\nBerlin is out of stock of Lamp\n",
		},
		Attributes: map[string]string{"event": "out_of_stock", "item": `["Echo Dot","Lamp"]`}, Dedup: "aa", V: noon, Written: noon.Add(time.Second),
	}
	sent := o
	sent.Sent = "m1"
	shadow := o
	shadow.Shadow = true
	feed := Outgoing{
		Notice:     Notice{ID: "1", Event: "feed_late", Subjects: []Subject{{"berlin.csv", "e1", ""}}, Subject: "Feed", Body: "late"},
		Attributes: map[string]string{"feed": "berlin.csv"}, Dedup: "bb", V: noon, Written: noon,
	}
	for name, o := range map[string]Outgoing{"outgoing.json": o, "outgoing_sent.json": sent, "outgoing_shadow.json": shadow, "outgoing_feed.json": feed} {
		row := o.Row("shop")
		goldenRow(t, name, row)
		back, err := OutgoingOf(row)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if diff := cmp.Diff(o, back); diff != "" {
			t.Errorf("%s (-written +read):\n%s", name, diff)
		}
	}
	for name, o := range map[string]Outgoing{"history.json": sent, "history_feed.json": feed} {
		h := HistoryOf(o)
		row := h.Row("shop")
		goldenRow(t, name, row)
		back, err := HistoryIn(row)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if diff := cmp.Diff(h, back); diff != "" {
			t.Errorf("%s (-written +read):\n%s", name, diff)
		}
	}
}

func TestTheHistoryKeepsTheBeginningOfALongBodyBetweenCharacters(t *testing.T) {
	h := HistoryOf(Outgoing{Notice: Notice{ID: "1", Body: strings.Repeat("ü", 20_000)}, V: noon})
	if h.Bytes != 40_000 || len(h.Body) > MaxHistoryBody || len(h.Body) < MaxHistoryBody-8 || strings.Trim(h.Body, "ü") != "" {
		t.Errorf("%d bytes of %d", len(h.Body), h.Bytes)
	}
}

func TestTellAndResyncRowsReadAsTheyWereWritten(t *testing.T) {
	due := Tell{Kind: "feed_held", Feed: "berlin.csv", ID: "etag", Reason: "half the rows are gone", Remedy: "inventoryd release berlin.csv", At: noon, Due: true}
	told := due
	told.Due, told.Told = false, noon
	failed := due
	failed.Failed = "refused"
	for name, tell := range map[string]Tell{"tell_due.json": due, "tell_told.json": told, "tell_failed.json": failed} {
		row := tell.Attributes("shop")
		goldenRow(t, name, row)
		if back, err := TellOf(row); err != nil || back != tell {
			t.Errorf("%s: %+v, %v", name, back, err)
		}
	}
	r := Resync{Requested: 3, Answered: 1, Threshold: 2, Scan: &Scan{3, noon, `["Berlin","Lamp"]`, 100, 2, 1}}
	row := r.Attributes("shop")
	goldenRow(t, "resync.json", row)
	back, err := ResyncOf(row)
	if diff := cmp.Diff(r, back); diff != "" || err != nil {
		t.Errorf("%v (-written +read):\n%s", err, diff)
	}
	if none, err := ResyncOf(nil); err != nil || none != (Resync{}) {
		t.Errorf("no row: %+v, %v", none, err)
	}
}

func TestRowsThatAreNoneAreRefusedByAttribute(t *testing.T) {
	for _, test := range []struct {
		attribute string
		value     types.AttributeValue
		want      string
	}{
		{"store", nil, "attribute store is no string"},
		{"position", attribute.N(5), "attribute position is no string"},
		{"count", attribute.S("5"), "attribute count is no number"},
		{"count", &types.AttributeValueMemberN{Value: "1.5"}, "attribute count: strconv.ParseInt"},
		{"at", attribute.S("yesterday"), "attribute at: parsing time"},
		{"stock", attribute.S("low"), `attribute stock is "low", not "out" or "in"`},
		{"due", attribute.S("mail"), `attribute due is "mail", not "out" or "restocked"`},
		{"told_v", attribute.N(1), "attribute told_v is no string"},
	} {
		row := outItem().Attributes("shop")
		if row[test.attribute] = test.value; test.value == nil {
			delete(row, test.attribute)
		}
		if _, err := ItemOf(row); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: error %v, want one with %q", test.attribute, err, test.want)
		}
	}
	item := outItem().Attributes("shop")
	for name, read := range map[string]func() error{
		"history":  func() error { _, err := HistoryIn(item); return err },
		"outgoing": func() error { _, err := OutgoingOf(item); return err },
		"tell":     func() error { _, err := TellOf(item); return err },
		"resync":   func() error { _, err := ResyncOf(item); return err },
	} {
		if err := read(); err == nil {
			t.Errorf("an item's row was read as %s", name)
		}
	}
}

func TestLooksSortByTime(t *testing.T) {
	due, later, never := Look{noon, "out"}, Look{noon.Add(time.Millisecond), "out"}, Look{For: "out"}
	if limit := LookBefore(noon); !(due.String() < limit && limit < later.String() && later.String() < never.String()) {
		t.Errorf("%s %s %s %s", due, limit, later, never)
	}
	for _, l := range []Look{due, later, never} {
		if back := LookOf(l.String()); back != l {
			t.Errorf("%v became %v", l, back)
		}
	}
	if odd := LookOf("soon"); odd.At.IsZero() || odd.At.After(noon) {
		t.Errorf("what is no look is looked at at %v, want at once", odd.At)
	}
}
