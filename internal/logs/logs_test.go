package logs

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/zap"
)

// lines collects what is written.
type lines struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(b)
}

// decoded returns the lines as JSON objects.
func (l *lines) decoded(t *testing.T) []map[string]any {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	var all []map[string]any
	d := json.NewDecoder(bytes.NewReader(l.buf.Bytes()))
	for d.More() {
		var m map[string]any
		if err := d.Decode(&m); err != nil {
			t.Fatal(err)
		}
		all = append(all, m)
	}
	return all
}

func TestALineHasStableKeys(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out lines
		time.Sleep(1234567 * time.Microsecond)
		logger := New(DefaultConfig(), &out, false).Logger.Named("loader").With(zap.String("bucket", "b"))
		logger.Info("object loaded", zap.Int("rows", 3), zap.Duration("took", 1500*time.Millisecond), zap.Error(errors.New("no")))
		if d := cmp.Diff([]map[string]any{{
			"ts": "2000-01-01T00:00:01.234Z", "level": "info", "logger": "loader", "msg": "object loaded",
			"bucket": "b", "rows": 3.0, "took": 1.5, "err": "no",
		}}, out.decoded(t)); d != "" {
			t.Error(d)
		}
	})
}

func TestPeopleGetColumns(t *testing.T) {
	for _, c := range []struct {
		format   string
		terminal bool
		json     bool
	}{{"auto", true, false}, {"auto", false, true}, {"json", true, true}, {"console", false, false}} {
		var out lines
		New(Config{Level: "info", Format: c.format}, &out, c.terminal).Logger.Info("object loaded", zap.Int("rows", 3))
		if got := out.buf.String(); strings.HasPrefix(got, "{") != c.json || !strings.Contains(got, "object loaded") {
			t.Errorf("%+v: %s", c, got)
		}
	}
}

func TestTheLevelChangesInPlace(t *testing.T) {
	var out lines
	logs := New(Config{Level: "warn", Format: "json"}, &out, false)
	named := logs.Logger.Named("early")
	named.Info("one")
	logs.Apply(Config{Level: "debug"})
	named.Debug("two")
	logs.Apply(Config{Level: "error"})
	named.Warn("three")
	if got := out.decoded(t); len(got) != 1 || got[0]["msg"] != "two" {
		t.Error(got)
	}
}

func TestRowsShowOnlyInDebugOrWhenAskedFor(t *testing.T) {
	var out lines
	logs := New(Config{Level: "debug", Format: "json"}, &out, false)
	row := zap.String("row", "Berlin,Echo,3")
	logs.Logger.Info("hidden", row)
	logs.Logger.With(row).Warn("hidden")
	logs.Logger.Debug("shown", row)
	logs.Apply(Config{Level: "debug", Rows: true})
	logs.Logger.Info("shown", row)
	logs.Logger.With(row).Warn("shown")
	for _, m := range out.decoded(t) {
		if _, has := m["row"]; has != (m["msg"] == "shown") {
			t.Error(m)
		}
	}
}

func TestARepeatedFaultIsSampledAndCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out lines
		logs := New(Config{Level: "info", Format: "json"}, &out, false)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { defer close(ended); logs.Run(ctx) }()
		for range 1000 { // 100 s
			logs.Logger.Named("stream").Warn("read failed", zap.Error(errors.New("timeout")))
			logs.Logger.Info("object loaded")
			time.Sleep(100 * time.Millisecond)
		}
		time.Sleep(2 * time.Minute)
		var written, suppressed, infos int
		for _, m := range out.decoded(t) {
			if m["msg"] == "object loaded" {
				infos++
				continue
			}
			written++
			if n, ok := m["suppressed"].(float64); ok {
				suppressed += int(n)
			}
		}
		if written > 25 || written+suppressed != 1000 {
			t.Errorf("%d written, %d counted", written, suppressed)
		}
		if infos != 1000 {
			t.Errorf("summaries are not sampled: %d", infos)
		}
		for range 15 {
			logs.Logger.Error("write failed")
		}
		cancel()
		<-ended
		all := out.decoded(t)
		if last := all[len(all)-1]; last["msg"] != "write failed" || last["suppressed"] != 4.0 {
			t.Errorf("the stop tells what was not told yet: %v", last)
		}
	})
}

func TestDifferentObjectsAreNoRepetition(t *testing.T) {
	var out lines
	logger := New(Config{Level: "info", Format: "json"}, &out, false).Logger
	for i := range 50 {
		logger.Warn("object failed", zap.String("key", strings.Repeat("x", i)+".csv"))
		logger.With(zap.String("key", strings.Repeat("y", i)+".csv")).Warn("object failed")
	}
	if n := len(out.decoded(t)); n != 100 {
		t.Error(n)
	}
}

func TestFaultsOfManyObjectsAreBounded(t *testing.T) {
	var out lines
	logs := New(Config{Level: "info", Format: "json"}, &out, false)
	for i := range 3 * maxObjects {
		logs.Logger.Warn("object failed", zap.String("key", time.Duration(i).String()))
	}
	if n := len(logs.sampler.records); n > maxObjects+1 {
		t.Errorf("%d faults are remembered", n)
	}
}
