package main

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"inventoryd/internal/sandbox"
	"inventoryd/internal/state"
	"inventoryd/loader"
	"inventoryd/test/feeds"
)

// loadByHand runs `load` with these arguments against a sandbox.
func loadByHand(t *testing.T, s *sandbox.Sandbox, change func(*loadJob), args ...string) (out, notes string, err error) {
	t.Helper()
	base := s.Config("hand")
	var o, n bytes.Buffer
	j := loadJob{clients: newClients(base, AWS{}), show: 20, in: strings.NewReader(""), out: &o, notes: &n}
	if change != nil {
		change(&j)
	}
	err = j.run(t.Context(), defaults(), args)
	return o.String(), n.String(), err
}

func code(err error) int {
	var coded exit
	switch {
	case err == nil:
		return 0
	case errors.As(err, &coded):
		return coded.code
	}
	return exitFailed
}

func newSandbox(t *testing.T) *sandbox.Sandbox {
	t.Helper()
	s := sandbox.New()
	if err := s.Provision(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s
}

// feedFile writes one of the awkward feeds to a file.
func feedFile(t *testing.T, name string) string {
	t.Helper()
	for _, f := range feeds.All() {
		if f.Name == name {
			path := filepath.Join(t.TempDir(), name)
			if err := os.WriteFile(path, f.Body, 0o600); err != nil {
				t.Fatal(err)
			}
			return path
		}
	}
	t.Fatalf("there is no feed %s", name)
	return ""
}

func TestTheExitStatusOfALoadTellsSuccessRejectsAndFailure(t *testing.T) {
	s := newSandbox(t)
	good, bad, worse := feedFile(t, "gzip.csv.gz"), feedFile(t, "counts.csv"), feedFile(t, "archive.zip")
	for _, c := range []struct {
		args []string
		code int
		says string // on standard output
		note string // on standard error
	}{
		{[]string{good}, 0, "loaded", ""},
		{[]string{bad}, exitFindings, "16 rows read, 8 written, 0 merged, 8 rejected", `counts.csv:10: count_fraction: the count "12.5"`},
		{[]string{bad, worse, good}, exitFailed, "a zip archive", ""},
		{[]string{"s3://inventory/none.csv"}, exitFailed, "gone", ""},
		{[]string{filepath.Join(t.TempDir(), "none.csv")}, exitUsage, "", ""},
		{[]string{"s3:///x"}, exitUsage, "", ""},
	} {
		out, notes, err := loadByHand(t, s, nil, c.args...)
		if got := code(err); got != c.code || !strings.Contains(out, c.says) || !strings.Contains(notes, c.note) {
			t.Errorf("load %v: exit status %d (%v), output %q, notes %q", c.args, got, err, out, notes)
		}
	}
}

func TestADryRunWritesNothing(t *testing.T) {
	s := newSandbox(t)
	out, _, err := loadByHand(t, s, func(j *loadJob) { j.dry = true }, feedFile(t, "counts.csv"))
	if code(err) != exitFindings || !strings.Contains(out, "16 rows read, 8 would change, 0 are as the table has them, 0 merged, 8 rejected") {
		t.Errorf("exit status %d, output %q", code(err), out)
	}
	w := &world{clients: newClients(s.Config("observer"), AWS{})}
	if rows := w.table(t); len(rows) != 0 {
		t.Errorf("%d rows written", len(rows))
	}
}

func TestStandardInputIsLoaded(t *testing.T) {
	s := newSandbox(t)
	in := strings.NewReader("store,item,count\nA,B,1\n")
	if out, _, err := loadByHand(t, s, func(j *loadJob) { j.in = in }, "-"); err != nil || !strings.Contains(out, "1 rows read, 1 written") {
		t.Errorf("%v, %q", err, out)
	}
}

// TestAPrefixIsLoadedOldestFirst uploads the same key's rows twice; the younger object must win, whatever its name.
func TestAPrefixIsLoadedOldestFirst(t *testing.T) {
	s := newSandbox(t)
	began := time.Now()
	for i, key := range []string{"feeds/z.csv", "feeds/m.csv", "feeds/a.csv", "other.csv"} {
		if _, err := s.Objects.Put(sandbox.Bucket, key, []byte("store,item,count\nA,B,"+string(rune('1'+i))+"\n")); err != nil {
			t.Fatal(err)
		}
		s.Clock.Advance(time.Hour)
	}
	out, notes, err := loadByHand(t, s, nil, "s3://inventory/feeds/")
	if err != nil || !strings.Contains(notes, "3 objects to load, 0 left out") {
		t.Fatalf("%v, %q", err, notes)
	}
	if z, m, a := strings.Index(out, "z.csv"), strings.Index(out, "m.csv"), strings.Index(out, "a.csv"); z < 0 || z > m || m > a {
		t.Errorf("the order is %q", out)
	}
	_, notes, err = loadByHand(t, s, func(j *loadJob) { j.since = began.Add(90 * time.Minute) }, "s3://inventory/feeds/")
	if err != nil || !strings.Contains(notes, "1 objects to load, 2 left out") {
		t.Errorf("with --since: %v, %q", err, notes)
	}
}

// TestAPrefixIsLoadedButForWhatTheLedgerHas lists three objects: one that the table holds, one that was uploaded again since, and one
// that somebody is at.
func TestAPrefixIsLoadedButForWhatTheLedgerHas(t *testing.T) {
	s := newSandbox(t)
	cfg, all := defaults(), newClients(s.Config("daemon"), AWS{})
	if _, err := state.Ensure(t.Context(), all.Tables, cfg.StateTable); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"feeds/held.csv", "feeds/older.csv", "feeds/under-way.csv"} {
		if _, err := s.Objects.Put(sandbox.Bucket, key, []byte("store,item,count\nA,B,1\n")); err != nil {
			t.Fatal(err)
		}
		head, err := all.S3.HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: aws.String(sandbox.Bucket), Key: &key})
		if err != nil {
			t.Fatal(err)
		}
		v := state.Version{ETag: aws.ToString(head.ETag), Modified: aws.ToTime(head.LastModified)}
		mark := state.NewMark(time.Now(), "m", "1")
		if _, err := all.Tables.UpdateItem(t.Context(), state.MarkLoad(cfg.StateTable, cfg.App, sandbox.Bucket, key, mark, time.Now())); err != nil {
			t.Fatal(err)
		}
		done := state.Closing{Bucket: sandbox.Bucket, Key: key, Marks: []string{mark}, Seq: 1, Finished: &v}
		if _, err := all.Tables.UpdateItem(t.Context(), state.CloseLoad(cfg.StateTable, cfg.App, done, time.Now())); err != nil {
			t.Fatal(err)
		}
	}
	s.Clock.Advance(time.Hour)
	if _, err := s.Objects.Put(sandbox.Bucket, "feeds/older.csv", []byte("store,item,count\nA,B,1\n")); err != nil { // the same bytes
		t.Fatal(err)
	}
	if _, err := all.Tables.UpdateItem(t.Context(), state.MarkLoad(cfg.StateTable, cfg.App, sandbox.Bucket, "feeds/under-way.csv", "1#x#1", time.Now())); err != nil {
		t.Fatal(err)
	}
	out, notes, err := loadByHand(t, s, nil, "s3://inventory/feeds/")
	if err != nil || !strings.Contains(notes, "2 objects to load, 0 left out, 1 loaded before") || strings.Contains(out, "held.csv") {
		t.Errorf("%v, %q, %q", err, notes, out)
	}
}

func TestSince(t *testing.T) {
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	for s, want := range map[string]time.Time{
		"36h":                  now.Add(-36 * time.Hour),
		"2026-11-20":           time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC),
		"2026-11-20T10:00:00Z": time.Date(2026, 11, 20, 10, 0, 0, 0, time.UTC),
	} {
		if got, err := sinceWhen(s, now); err != nil || !got.Equal(want) {
			t.Errorf("%q is %v, %v; want %v", s, got, err, want)
		}
	}
	for _, s := range []string{"", "yesterday", "-3h", "3"} {
		if got, err := sinceWhen(s, now); err == nil {
			t.Errorf("%q is taken for %v", s, got)
		}
	}
}

func TestWhatAFeedSaysCannotDriveATerminal(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.csv")
	text := "store,item,count\nA,B\x1b[2J,x\x1b]0;owned\x07\nA,\u009b31m,y\nA,\u202eB,z\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	out, notes, err := loadByHand(t, newSandbox(t), func(j *loadJob) { j.dry = true }, path)
	if i := strings.IndexFunc(out+notes, func(r rune) bool { return r != '\n' && !unicode.IsPrint(r) }); i >= 0 || code(err) != exitFailed {
		t.Errorf("%q, %v", out+notes, err)
	}
	if !strings.Contains(notes, `"A,B\x1b[2J,x\x1b]0;owned\x07"`) {
		t.Errorf("the row is not shown: %q", notes)
	}
}

// A load that goes on shows itself in one line, which gives way to rejects and is gone at the end.
func TestALoadOnATerminalShowsItselfInOneLine(t *testing.T) {
	var out bytes.Buffer
	p := newLoadProgress(&out, true, "berlin.csv")
	p.show(&loader.Load{Size: 1000, Started: time.Now().Add(-time.Minute)})
	p.say("berlin.csv:2: count_empty")
	p.stop()
	const begin, end = "\r\x1b[?7l", "\x1b[K\x1b[?7h"
	want := begin + "berlin.csv: 0 of 1000 bytes, 0 rows read, 0 rows/s, 0 rejected" + end + begin + end + "berlin.csv:2: count_empty\n" + begin + end
	if out.String() != want {
		t.Errorf("%q, not %q", out.String(), want)
	}
}
