package main

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"inventoryd/internal/sandbox"
	"inventoryd/internal/state"
)

// TestTheLedgerIsListed writes rows as the loader does and reads them back in both forms.
func TestTheLedgerIsListed(t *testing.T) {
	s := newSandbox(t)
	cfg, tables := defaults(), newClients(s.Config("hand"), AWS{}).Tables
	if _, err := state.Ensure(t.Context(), tables, cfg.StateTable); err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	for n := range 40 {
		key := fmt.Sprintf("feed-%02d.csv", n)
		mark := state.NewMark(now, "m", "1")
		if _, err := tables.UpdateItem(t.Context(), state.MarkLoad(cfg.StateTable, cfg.App, sandbox.Bucket, key, mark, now)); err != nil {
			t.Fatal(err)
		}
		if n == 7 {
			continue // is being loaded
		}
		v := state.Version{ETag: `"e"`, Modified: now.Truncate(time.Second)}
		c := state.Closing{Bucket: sandbox.Bucket, Key: key, Marks: []string{mark}, Seq: 1, Finished: &v, Ended: &state.Ended{
			Status: "loaded", At: now.Add(time.Duration(n) * time.Second), Took: 1500 * time.Millisecond, Size: 12, Version: v, Books: map[string]int64{"read": 3, "written": 2, "rejected": 1}, Instance: "here",
		}}
		if n == 9 {
			c.Finished, c.Ended.Status, c.Ended.Error = nil, "failed", "no \x1b[31mheader"
		}
		if _, err := tables.UpdateItem(t.Context(), state.CloseLoad(cfg.StateTable, cfg.App, c, now)); err != nil {
			t.Fatal(err)
		}
	}
	found, err := loads(t.Context(), tables, cfg, 35, nil)
	if err != nil || len(found) != 35 || found[0].Key != "feed-07.csv" || found[1].Key != "feed-39.csv" || found[2].Key != "feed-38.csv" {
		t.Fatalf("%d rows, the first are %.600v; %v", len(found), found, err)
	}
	listed := loadsTable(found, now)
	if row := listed.rows[1]; row[1] != "loaded" || row[2] != "3" || row[3] != "2" || row[4] != "1" || row[5] != "1.5s" || row[6] != "s3://inventory/feed-39.csv" {
		t.Errorf("%q", row)
	}
	if listed.rows[0][1] != "loading" || len(listed.rows) != 35 || len(listed.head) != len(listed.rows[0]) {
		t.Errorf("%q", listed.rows[0])
	}
	one, err := loads(t.Context(), tables, cfg, 1, []string{"s3://inventory/feed-39.csv"})
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(loadsTable(one, now).json)
	var decoded []loadJSON
	if err != nil || json.Unmarshal(text, &decoded) != nil {
		t.Fatalf("%v, %s", err, text)
	}
	if l := decoded[0]; l.Status != "loaded" || l.Finished == nil || l.Finished.ETag != `"e"` || l.Books["rejected"] != 1 || l.Instance != "here" || l.Loading != 0 {
		t.Errorf("%s", text)
	}
	for _, args := range [][]string{{"inventory/a.csv"}, {"s3://inventory"}, {"s3://a/b", "s3://a/c"}} {
		if _, err := loads(t.Context(), tables, cfg, 1, args); code(err) != exitUsage {
			t.Errorf("%v: %v", args, err)
		}
	}
	if _, err := loads(t.Context(), tables, cfg, 1, []string{"s3://inventory/none.csv"}); code(err) != exitFindings {
		t.Errorf("what was never loaded: %v", err)
	}
}
