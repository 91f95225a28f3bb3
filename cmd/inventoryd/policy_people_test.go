package main

import (
	"strings"
	"syscall"
	"testing"
	"time"

	"inventoryd/internal/sandbox"
	"inventoryd/internal/state"
)

func TestCommandsAboutLoadsAndShardsNeedAllOfTheirPolicyAndNothingElse(t *testing.T) {
	w := newWorld(t)
	if out, errs, code := w.command(t, "", "setup"); code != 0 {
		t.Fatal(out, errs)
	}
	cfg, now := defaults(), time.Now()
	mark := state.NewMark(now, "m", "1")
	if _, err := w.Tables.UpdateItem(t.Context(), state.MarkLoad(cfg.StateTable, cfg.App, sandbox.Bucket, "held.csv", mark, now)); err != nil {
		t.Fatal(err)
	}
	v := state.Version{ETag: `"e"`, Modified: now.Truncate(time.Second)}
	held := state.Closing{
		Bucket: sandbox.Bucket, Key: "held.csv", Marks: []string{mark}, Seq: 1, Finished: &v,
		Ended: &state.Ended{Status: "held", At: now, Version: v, Books: map[string]int64{"read": 3}, Instance: "here"},
	}
	if _, err := w.Tables.UpdateItem(t.Context(), state.CloseLoad(cfg.StateTable, cfg.App, held, now)); err != nil {
		t.Fatal(err)
	}
	out := w.commands(t, "loads", 0, []string{"loads"}, []string{"loads", "s3://inventory/held.csv"}, []string{"loads", "--feeds"})
	if !strings.Contains(out, "held") {
		t.Errorf("loads:\n%s", out)
	}
	if out := w.commands(t, "release", 0, []string{"release", "s3://inventory/held.csv"}); !strings.HasPrefix(out, "released: s3://inventory/held.csv") {
		t.Errorf("release:\n%s", out)
	}

	d := w.start(t)
	eventually(t, d, 30*time.Second, func() bool { return ready(d) }, func() string { return "not ready" })
	if err := d.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := d.Wait(); err != nil {
		t.Fatal(err)
	}
	w.commands(t, "shards", 0, []string{"shards"}, []string{"shards", "reset", "--all", "--to", "trim_horizon"})
}
