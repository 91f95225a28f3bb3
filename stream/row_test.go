package stream

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"

	"inventoryd/internal/attribute"
)

// readable is an item as a person reads it.
func readable(i item) map[string]any {
	out := map[string]any{}
	for name, v := range i {
		switch v := v.(type) {
		case *types.AttributeValueMemberS:
			out[name] = v.Value
		case *types.AttributeValueMemberN:
			out[name] = json.Number(v.Value)
		case *types.AttributeValueMemberBOOL:
			out[name] = v.Value
		case *types.AttributeValueMemberSS:
			out[name] = v.Value
		case *types.AttributeValueMemberM:
			out[name] = readable(v.Value)
		}
	}
	return out
}

// TestRowsOfTheLeaseTableAreAsDocumented: rows that a run leaves behind, with each column that there is, against a
// golden file: other programs and later versions read them.
func TestRowsOfTheLeaseTableAreAsDocumented(t *testing.T) {
	at := time.Date(2026, 11, 22, 6, 0, 0, 0, time.UTC)
	gap := Gap{Stream: "2026-11-20T00:00:00.000", Shard: "shardId-2", After: "300000000000000499659", Reason: "deleted", Found: at, Number: 1, Pending: true}
	rows := map[string]item{
		"stream": {
			colApp: attribute.S("inventoryd"), colARN: attribute.S("arn:aws:dynamodb:us-east-1:123456789012:table/T/stream/2026-11-20T00:00:00.000"),
			colStart: instant(at), colListed: instant(at), "joined": attribute.N(7), colSince: instant(at), gapColumn(1): Gap{Stream: gap.Stream, Reason: "off", Found: at, Number: 1}.encode(),
		},
		"new shard": shardRow{Label: gap.Stream, ID: "shardId-2", Parent: "shardId-1", State: StateWaiting}.encode(),
		"held shard": {
			colLabel: attribute.S(gap.Stream), colShard: attribute.S("shardId-2"), colParent: attribute.S("shardId-1"), colState: attribute.S(StateHeld), colOwner: attribute.S("host-1"), colEpoch: attribute.N(3),
			colChildren:   &types.AttributeValueMemberSS{Value: []string{"shardId-3", "shardId-4"}},
			colCheckpoint: attribute.S(Position(gap.Stream, "300000000000000499659")), colSequence: attribute.S("300000000000000499659"),
			colConfirmed: attribute.N(3), colTo: attribute.S("host-2"), colLoad: float(12.34), colFailed: failures{"host-3": at}.encode(), colLastEvent: instant(at), colTip: instant(at),
			colPoison: attribute.S(Position(gap.Stream, "300000000000000499660")), colAttempts: attribute.N(2), gapColumn(1): gap.encode(),
		},
		"ended shard": {
			colLabel: attribute.S(gap.Stream), colShard: attribute.S("shardId-2"), colState: attribute.S(StateEnded), colEpoch: attribute.N(4), colCheckpoint: attribute.S(ended), colEnded: instant(at),
		},
	}
	got := map[string]any{}
	for name, row := range rows {
		got[name] = readable(row)
	}
	text, err := json.MarshalIndent(got, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	golden := filepath.Join("testdata", "rows.json")
	if os.Getenv("UPDATE_GOLDEN") != "" {
		if err := os.WriteFile(golden, append(text, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(text)+"\n"); diff != "" {
		t.Errorf("the rows changed (UPDATE_GOLDEN=1 writes %s anew): %s", golden, diff)
	}
	row := decodeShard(rows["held shard"])
	if row.key() != (shardKey{gap.Stream, "shardId-2"}) || row.Parent != "shardId-1" || row.Owner != "host-1" || row.Epoch != 3 || len(row.Children) != 2 ||
		row.To != "host-2" || !row.begun() || row.Load != 12.3 || !row.Failed["host-3"].Equal(at) || row.Attempts != 2 || !row.LastEvent.Equal(at) || len(row.Gaps) != 1 || row.Gaps[0] != gap {
		t.Errorf("the held shard reads as %+v", row)
	}
	if s := decodeStream(rows["stream"]); s.App != "inventoryd" || labelOf(s.ARN) != gap.Stream || !s.Start.Equal(at) || len(s.Gaps) != 1 {
		t.Errorf("the stream reads as %+v", s)
	}
	if !decodeShard(rows["ended shard"]).ended() || decodeShard(rows["new shard"]).started() || !row.TipAt.Equal(at) || row.Sequence != "300000000000000499659" {
		t.Error("ended or started is wrong")
	}
}

func TestLettersKeepTheRecordAndFitTheQueue(t *testing.T) {
	r := Record{
		ID: "id", Stream: "l", Shard: "s", Sequence: "300000000000000499659", Kind: Modify, Created: time.Unix(1e9, 0).UTC(),
		Keys: Image{`{"ID":{"S":"a"}}`}, Old: Image{`{"ID":{"S":"a"},"N":{"N":"1"}}`}, New: Image{`{"ID":{"S":"a"},"N":{"N":"2"}}`},
	}
	body, err := newLetter("T", r, errRepeated).text()
	if err != nil {
		t.Fatal(err)
	}
	letter, err := ParseLetter(body)
	if err != nil || letter.Record() != r || letter.Error != errRepeated.Error() || letter.Table != "T" {
		t.Errorf("%s: %+v, %v", body, letter, err)
	}
	huge := r
	huge.New = Image{`{"ID":{"S":"` + string(make([]byte, 0)) + longText(300_000) + `"}}`}
	body, err = newLetter("T", huge, errRepeated).text()
	if err != nil || len(body) > maxLetter {
		t.Fatalf("%d bytes, %v", len(body), err)
	}
	letter, _ = ParseLetter(body)
	if got := letter.Record(); !letter.Cut || got.New.Exists() || got.Keys != r.Keys || got.Sequence != r.Sequence {
		t.Errorf("cut: %+v", letter)
	}
	for _, wrong := range []string{"", "{}", `{"version":2,"sequence":"1"}`} {
		if _, err := ParseLetter(wrong); err == nil {
			t.Errorf("%q is read as a letter", wrong)
		}
	}
}

func longText(n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = 'x'
	}
	return string(b)
}
