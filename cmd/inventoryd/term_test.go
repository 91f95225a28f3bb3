package main

import (
	"testing"
	"time"

	"inventoryd/internal/sandbox/fault"
)

func TestSIGTERMDuringALoadExitsZeroAndLosesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.aws.Fault(fault.Rule{Service: "dynamodb", Client: "daemon", Operation: "BatchWriteItem", Effect: fault.Effect{Delay: 300 * time.Millisecond}})
	first := w.start(t)
	eventually(t, first, 20*time.Second, func() bool { return ready(first) }, func() string { return "the daemon is not ready" })
	w.upload(t)
	eventually(t, first, 20*time.Second, func() bool { return w.waiting(t, "inventory-events") != "6+0" }, func() string { return "no message was received" })

	began := time.Now()
	if code := first.terminate(t, 40*time.Second); code != 0 {
		t.Errorf("exit code %d\n%s", code, first.log)
	}
	if took := time.Since(began); took > 30*time.Second {
		t.Errorf("the stop took %s, longer than shutdown_timeout", took)
	}
	second := w.start(t)
	told := map[string]int{}
	w.settles(t, second, told)
	for alert, times := range told { // an orderly stop repeats nothing
		if times != 1 {
			t.Errorf("%q was told %d times", alert, times)
		}
	}
	if code := second.terminate(t, 20*time.Second); code != 0 {
		t.Errorf("second daemon: exit code %d\n%s", code, second.log)
	}
}
