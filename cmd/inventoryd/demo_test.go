package main

import (
	"context"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"inventoryd/internal/sandbox"
	"inventoryd/internal/sandbox/fault"
)

func TestTheDemoShowsEveryRowAndAlertAndEndsWell(t *testing.T) {
	t.Parallel()
	var out lockedBuffer
	if err := demo(t.Context(), &out, true); err != nil {
		t.Fatalf("%v\n%s", err, &out)
	}
	text := out.String()
	if n := strings.Count(text, "\nloaded    "); n != 6 {
		t.Errorf("%d files loaded", n)
	}
	if !strings.HasSuffix(text, "\n36 rows, 6 alerts\n") || !strings.Contains(text, "\nalert     Zürich is out of stock of Water Bottle\n") || strings.Contains(text, "warn ") {
		t.Error(text)
	}
}

func TestTheDemoStaysUntilCtrlC(t *testing.T) {
	t.Parallel()
	p := &process{Cmd: exec.Command(os.Args[0], "demo"), log: &lockedBuffer{}}
	p.Env = []string{asDaemon + "=1"}
	p.Stdout, p.Stderr = p.log, p.log
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Process.Kill(); _ = p.Wait() })
	told := func() bool { return strings.Count(p.log.String(), "\nalert     ") == 6 }
	eventually(t, p, 30*time.Second, told, func() string { return "not every alert was shown" })
	if err := p.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	if err := p.Wait(); err != nil || !strings.Contains(p.log.String(), "\nCtrl-C ends it.") {
		t.Errorf("%v\n%s", err, p.log)
	}
}

// The verdict on what arrives: all of it, a part, too much, and nothing that can be seen.
func TestTheDemoFailsAfter30sWhereSomethingIsMissing(t *testing.T) {
	for _, tt := range []struct {
		name     string
		rows     bool // in the table
		alerts   int64
		event    bool // left in the queue
		blind    bool // the table cannot be read
		says     string
		fails    string // how the error begins; "": there is none
		patience time.Duration
	}{
		{"all is there", true, 6, false, false, "36 rows, 6 alerts", "", 0},
		{"an alert is missing", true, 5, false, false, "36 rows, 5 alerts", "expected 36 rows and 6 alerts", demoPatience},
		{"an alert too many", true, 7, false, false, "36 rows, 7 alerts", "expected 36 rows and 6 alerts", 0},
		{"nothing is there", false, 0, false, false, "0 rows, 0 alerts", "expected 36 rows and 6 alerts", demoPatience},
		{"an event is left", true, 6, true, false, "36 rows, 6 alerts", "all has arrived, but messages are left in the queue", demoPatience},
		{"the table cannot be read", true, 6, false, true, "0 rows, 6 alerts", "expected 36 rows and 6 alerts; not all could be counted: ", demoPatience},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorldHere(t)
				if !tt.event {
					w.aws.Queues.Drain(sandbox.EventQueue) // S3's test event
				}
				if tt.rows {
					rows, _ := wanted(t)
					w.putRows(t, rows)
				}
				if tt.blind {
					w.aws.Fault(fault.Rule{Operation: "Scan", Effect: fault.Unavailable})
				}
				var out strings.Builder
				d := demonstration{cfg: defaults(), clients: w.clients, out: &out}
				d.alerts.Store(tt.alerts)
				began := time.Now()
				err := d.verdict(t.Context())
				if took := time.Since(began); took < tt.patience || took > tt.patience+time.Second {
					t.Errorf("the verdict took %s, want %s", took, tt.patience)
				}
				if got := strings.TrimSpace(out.String()); got != tt.says {
					t.Errorf("it says %q, want %q", got, tt.says)
				}
				if tt.fails == "" && err != nil || tt.fails != "" && (err == nil || !strings.HasPrefix(err.Error(), tt.fails)) {
					t.Errorf("error %v, want %q", err, tt.fails)
				}
			})
		})
	}
}

func TestTheDemoThatIsInterruptedSaysSo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorldHere(t)
		ctx, stop := context.WithTimeout(t.Context(), time.Second)
		defer stop()
		var out strings.Builder
		d := demonstration{cfg: defaults(), clients: w.clients, out: &out}
		if err := d.verdict(ctx); err == nil || err.Error() != "interrupted" || out.String() != "" {
			t.Errorf("error %v, output %q", err, &out)
		}
	})
}
