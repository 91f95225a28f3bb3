package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/urfave/cli/v2"

	"inventoryd/stream"
)

// command runs a command line as main does, with that on its standard input.
func (w *world) command(t *testing.T, input string, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	t.Setenv("AWS_REGION", "us-east-1")
	t.Setenv("AWS_ACCESS_KEY_ID", "operator")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "secret")
	t.Setenv("INVENTORYD_AWS_ENDPOINT", w.endpoint())
	var out, errs bytes.Buffer
	app := application()
	app.Reader, app.Writer, app.ErrWriter = strings.NewReader(input), &out, &errs
	err := app.RunContext(t.Context(), append([]string{"inventoryd"}, args...))
	var coded cli.ExitCoder
	switch {
	case errors.As(err, &coded):
		code = coded.ExitCode()
	case err != nil:
		code = exitFailed
	}
	if err != nil {
		errs.WriteString(err.Error())
	}
	return out.String(), errs.String(), code
}

// endpoint is where the world's stand-ins are.
func (w *world) endpoint() string {
	_, address, _ := strings.Cut(w.settings[0], "endpoint: ")
	return strings.TrimSuffix(address, "}")
}

func TestShardsAreListedAndResetByAnOperator(t *testing.T) {
	w := newWorld(t)
	if out, _, code := w.command(t, "", "setup"); code != 0 {
		t.Fatal(out)
	}
	if out, errs, code := w.command(t, "", "shards"); code != 0 || !strings.Contains(errs, "never read") {
		t.Errorf("before anything was read: %d %s%s", code, out, errs)
	}
	d := w.start(t)
	eventually(t, d, 30*time.Second, func() bool { return ready(d) }, func() string { return "not ready" })
	w.upload(t)
	told := map[string]int{}
	w.settles(t, d, told)

	out, errs, code := w.command(t, "", "shards", "-o", "json")
	var listed stream.Status
	if err := json.Unmarshal([]byte(out), &listed); err != nil || code != 0 || len(listed.Shards) == 0 || listed.Leader == "" {
		t.Fatalf("%d %s%s: %v", code, out, errs, err)
	}
	shard := listed.Shards[0]
	out, errs, _ = w.command(t, "", "shards", "-o", "table")
	for _, text := range []string{"SHARD", "LAG", "LOAD", shard.Shard, shard.Owner + " (leader)", shard.Checkpoint, "held", "leader: " + listed.Leader} {
		if !strings.Contains(out+errs, text) {
			t.Errorf("the table lacks %q:\n%s", text, out)
		}
	}
	if _, errs, code := w.command(t, "", "shards", "reset", "--all", "--to", "trim_horizon", "--yes"); code != exitFailed || !strings.Contains(errs, "stop it first") {
		t.Errorf("under a living daemon: %d %s", code, errs)
	}
	d.Process.Kill()
	d.Wait()
	if _, errs, code := w.command(t, "n\n", "shards", "reset", "--to", "trim_horizon", shard.Shard); code != exitFailed || !strings.Contains(errs, "[y/N]") || !strings.Contains(errs, "nothing was changed") {
		t.Errorf("a refusal: %d %s", code, errs)
	}
	begun := time.Now()
	out, errs, code = w.command(t, "y\n", "shards", "reset", "--to", "trim_horizon", shard.Shard)
	if took := time.Since(begun); code != 0 || !strings.Contains(out, shard.Shard+" is read again") || !strings.Contains(errs, "waiting up to") {
		t.Errorf("reset in %v: %d %s%s", took, code, out, errs)
	}
	after, err := stream.List(context.Background(), w.Tables, "inventoryd-leases", "Inventory")
	if err != nil || after.Shards[0].Checkpoint != "" || after.Shards[0].Owner != "" {
		t.Errorf("%+v, %v", after.Shards[0], err)
	}
}

func TestResetSaysWhatIsWrongWithItsArguments(t *testing.T) {
	for args, text := range map[string]string{
		"--to trim_horizon":    "name shards, or --all",
		"shard --all --to now": "name shards, or --all",
		"--all":                "say --to where",
		"--all --to yesterday": "neither trim_horizon nor an instant",
	} {
		var out bytes.Buffer
		app := application()
		app.Reader, app.Writer, app.ErrWriter = strings.NewReader(""), &out, &out
		fields := strings.Fields(args)
		if fields[0] == "shard" { // flags come first
			fields = append(fields[1:], fields[0])
		}
		err := app.RunContext(t.Context(), append([]string{"inventoryd", "shards", "reset"}, fields...))
		var coded cli.ExitCoder
		if err == nil || !strings.Contains(err.Error(), text) || !errors.As(err, &coded) || coded.ExitCode() != exitUsage {
			t.Errorf("%s: %v", args, err)
		}
	}
}
