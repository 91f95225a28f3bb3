package main

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"

	"inventoryd/internal/sandbox/fault"
)

// kills is how often the daemon is killed in a test run; TEST_KILLS says otherwise (`make long`: 30).
func kills(t *testing.T) int {
	s := os.Getenv("TEST_KILLS")
	if s == "" {
		return 10
	}
	n, err := strconv.Atoi(s)
	if err != nil {
		t.Fatal("TEST_KILLS: ", err)
	}
	return n
}

// callsOfALoad is how many calls the daemon makes until the sample feeds are loaded and told, at least.
const callsOfALoad = 78

func TestKill9AtAnyMomentLosesNothing(t *testing.T) {
	for i := range kills(t) {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			first := w.start(t)
			eventually(t, first, 20*time.Second, func() bool { return ready(first) }, func() string { return "the first daemon is not ready" })
			// The moment is that of a call, whose effect takes place although nobody is left to hear the answer.
			moment := rand.N(callsOfALoad)
			reached := make(chan struct{})
			w.aws.Fault(fault.Rule{Client: "daemon", Skip: moment, Times: 1, Effect: fault.Effect{Do: func() {
				first.Process.Kill()
				close(reached)
			}}})
			w.upload(t)
			<-reached
			first.Wait()
			rows := len(w.table(t))

			second := w.start(t)
			told := map[string]int{}
			w.settles(t, second, told)
			eventually(t, second, 20*time.Second, func() bool { return ready(second) }, func() string { return "the second daemon is not ready" })
			if code := second.terminate(t, 20*time.Second); code != 0 {
				t.Errorf("exit code %d after SIGTERM\n%s", code, second.log)
			}
			w.inbox(t, told)
			repeated := 0
			for alert, times := range told {
				if repeated += times - 1; times > 2 {
					t.Errorf("one kill, and %q was told %d times", alert, times)
				}
			}
			t.Logf("killed at call %d with %d rows written: %d alerts, %d repeated", moment, rows, len(told), repeated)
		})
	}
}

// settles waits until the table is exact, each zero was alerted, and no message is left; none may be in the DLQ. It
// counts the alerts into told.
func (w *world) settles(t *testing.T, p *process, told map[string]int) {
	t.Helper()
	rows, alerts := wanted(t)
	done := func() bool {
		w.inbox(t, told)
		for a := range alerts {
			if told[a] == 0 {
				return false
			}
		}
		return maps.Equal(w.table(t), rows) && w.waiting(t, "inventory-events") == "0+0"
	}
	eventually(t, p, 30*time.Second, done, func() string {
		return fmt.Sprintf("%d rows of %d, alerts %v, messages %s", len(w.table(t)), len(rows), told, w.waiting(t, "inventory-events"))
	})
	for a := range told {
		if !alerts[a] {
			t.Errorf("alert %q was not due", a)
		}
	}
	if n := w.waiting(t, "inventory-events-dlq"); n != "0+0" {
		t.Errorf("%s messages in the dead-letter queue\n%s", n, p.log)
	}
}
