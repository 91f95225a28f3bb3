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
)

var updateGolden = flag.Bool("update", false, "write the golden files anew")

// goldenRow compares a row with testdata/<name>: rows outlive the program that wrote them.
func goldenRow(t *testing.T, name string, row map[string]types.AttributeValue) {
	t.Helper()
	plain := map[string]any{}
	for k, v := range row {
		switch v := v.(type) {
		case *types.AttributeValueMemberS:
			plain[k] = map[string]any{"S": v.Value}
		case *types.AttributeValueMemberN:
			plain[k] = map[string]any{"N": v.Value}
		case *types.AttributeValueMemberBOOL:
			plain[k] = map[string]any{"BOOL": v.Value}
		default:
			t.Fatalf("attribute %s is a %T", k, v)
		}
	}
	got, err := json.MarshalIndent(plain, "", "  ")
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

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func TestAlertRowsReadAsTheyWereWritten(t *testing.T) {
	out := Alert{
		Store: "Berlin", Item: "Echo Dot", Stock: Out, Position: "2026-11-22T10:00:00.000#0000000000000000000000000000000000000100", EventID: "e1",
		Count: -1, Since: noon, Alerted: noon,
	}
	silent := out
	silent.Silent, silent.Alerted = true, time.Time{}
	in := out
	in.Stock, in.Count, in.Expires = In, 12, noon.Add(InKept)
	long := out
	long.Store = strings.Repeat("x", 2048)
	for name, a := range map[string]Alert{"alert_out.json": out, "alert_silent.json": silent, "alert_in.json": in, "": long} {
		row := a.Attributes("shop")
		if name != "" {
			goldenRow(t, name, row)
		}
		back, err := AlertOf(row)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if diff := cmp.Diff(a, back); diff != "" {
			t.Errorf("%s (-written +read):\n%s", name, diff)
		}
		if KeyOf(row) != AlertKey("shop", a.Store, a.Item) {
			t.Errorf("%s: key %v", name, KeyOf(row))
		}
	}
}

func TestHistoryRowsReadAsTheyWereWritten(t *testing.T) {
	sent := AlertHistory{
		Store: "Berlin", Item: "Echo Dot", Event: "out_of_stock", EventID: "e1", Count: 0,
		At: noon, Published: noon.Add(1500 * time.Millisecond), MessageID: "m1",
	}
	shadow := sent
	shadow.MessageID = ""
	for name, h := range map[string]AlertHistory{"history.json": sent, "history_shadow.json": shadow} {
		row := h.Attributes("shop")
		goldenRow(t, name, row)
		back, err := AlertHistoryOf(row)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if diff := cmp.Diff(h, back); diff != "" {
			t.Errorf("%s (-written +read):\n%s", name, diff)
		}
	}
}

func TestRowsThatAreNoneAreRefusedByAttribute(t *testing.T) {
	good := Alert{Store: "s", Item: "i", Stock: Out, Position: "p", EventID: "e", Since: noon}.Attributes("shop")
	for _, test := range []struct {
		attribute string
		value     types.AttributeValue
		want      string
	}{
		{"store", nil, "attribute store is no string"},
		{"position", number(5), "attribute position is no string"},
		{"count", text("5"), "attribute count is no number"},
		{"count", &types.AttributeValueMemberN{Value: "1.5"}, "attribute count: strconv.ParseInt"},
		{"since", text("yesterday"), "attribute since: parsing time"},
		{"stock", text("low"), `attribute stock is "low", not "out" or "in"`},
	} {
		row := map[string]types.AttributeValue{}
		for k, v := range good {
			row[k] = v
		}
		if row[test.attribute] = test.value; test.value == nil {
			delete(row, test.attribute)
		}
		if _, err := AlertOf(row); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: error %v, want one with %q", test.attribute, err, test.want)
		}
	}
	if _, err := AlertHistoryOf(good); err == nil || !strings.Contains(err.Error(), "attribute event is no string") {
		t.Errorf("an alert row as history: %v", err)
	}
}
