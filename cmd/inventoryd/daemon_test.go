package main

import (
	"context"
	"maps"
	"net/http"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap/zaptest"

	"inventoryd/internal/sandbox"
	"inventoryd/internal/sandbox/fault"
)

// newWorldHere is the stand-ins in this process and bubble.
func newWorldHere(t *testing.T) *world {
	t.Helper()
	w := &world{aws: sandbox.New(), daemon: newPipes(), reload: make(chan Config)}
	if err := w.aws.Provision(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.clients = newClients(w.aws.Config("observer"), AWS{})
	return w
}

// inBubble runs the whole daemon against a sandbox in virtual time, lets the script act, stops the daemon in order and
// fails the test where it does not end well.
func inBubble(t *testing.T, change func(*Config), script func(t *testing.T, w *world)) {
	inPreparedBubble(t, nil, change, script)
}

// seldom has quiet shards asked seldom: that is most of what a daemon does in a test of many quiet minutes.
func seldom(c *Config) { c.Stream.IdlePoll = 5 * time.Second }

// inPreparedBubble is inBubble with something to do before the daemon starts.
func inPreparedBubble(t *testing.T, prepare func(*testing.T, *world), change func(*Config), script func(t *testing.T, w *world)) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorldHere(t)
		if prepare != nil {
			prepare(t, w)
		}
		cfg := defaults()
		if change != nil {
			change(&cfg)
		}
		base := w.aws.Config("daemon")
		if w.stalls != nil {
			base.HTTPClient = &http.Client{Transport: stalling{sandbox.Direct(w.aws), w.stalls}}
		}
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() {
			ended <- run(ctx, cfg, newClients(base, cfg.AWS), host{
				listener: w.daemon, reload: w.reload, log: zaptest.NewLogger(t), started: func() {}, ticked: w.ticked, only: w.only,
			})
		}()
		defer func() { // also where the script gives up
			stop()
			began := time.Now()
			if err := <-ended; err != nil {
				t.Error("run:", err)
			}
			if took := time.Since(began); took > cfg.ShutdownTimeout {
				t.Errorf("the stop took %s of %s", took, cfg.ShutdownTimeout)
			}
		}()
		script(t, w)
	})
}

// exact fails the test where the table or the alerts are not what the sample feeds say; each alert came that often.
func (w *world) exact(t *testing.T, told map[string]int, times int) {
	t.Helper()
	rows, alerts := wanted(t)
	if got := w.table(t); !maps.Equal(got, rows) {
		t.Errorf("table %v, want %v", got, rows)
	}
	w.inbox(t, told)
	for a := range alerts {
		if told[a] != times {
			t.Errorf("%q was told %d times, want %d", a, told[a], times)
		}
	}
	if len(told) != len(alerts) {
		t.Errorf("%d different alerts, want %d: %v", len(told), len(alerts), told)
	}
	for _, queue := range []string{"inventory-events", "inventory-events-dlq"} {
		if n := w.waiting(t, queue); n != "0+0" {
			t.Errorf("queue %s holds %s messages", queue, n)
		}
	}
}

func TestFeedsBecomeRowsAndOneAlertPerZero(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, w *world) {
		told := map[string]int{}
		w.upload(t)
		time.Sleep(time.Minute)
		w.exact(t, told, 1)
		w.upload(t) // the same once more: nothing changes, nobody is told again
		time.Sleep(time.Minute)
		w.exact(t, told, 1)
	})
}

// hour is how long a long outage lasts: longer than any pause, lease and visibility, and with TEST_LONG really an hour.
func hour() time.Duration {
	if os.Getenv("TEST_LONG") != "" {
		return time.Hour
	}
	return 10 * time.Minute
}

func TestAnHourWithoutAServiceLosesNothing(t *testing.T) {
	for _, service := range []string{"s3", "sqs", "sns", "dynamodb", "streams"} {
		t.Run(service, func(t *testing.T) {
			inBubble(t, seldom, func(t *testing.T, w *world) {
				time.Sleep(time.Minute)
				mend := w.aws.Fault(fault.Rule{Service: service, Client: "daemon", Effect: fault.Unavailable})
				w.upload(t)
				time.Sleep(hour())
				mend()
				time.Sleep(6 * time.Minute)
				w.exact(t, map[string]int{}, 1)
			})
		})
	}
}
