package main

import (
	"cmp"
	"fmt"
	"maps"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"inventoryd/internal/sandbox/fault"
)

// slowWrites has an effect on the daemon's writes of rows until mend; writing tells whether one has begun.
func (w *world) slowWrites(e fault.Effect) (writing func() bool, mend func()) {
	var begun atomic.Bool
	e.Do = func() { begun.Store(true) }
	return begun.Load, w.aws.Fault(fault.Rule{Service: "dynamodb", Client: "daemon", Operation: "BatchWriteItem", Effect: e})
}

func TestSIGTERMDuringALoadExitsZeroAndLosesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	writing, _ := w.slowWrites(fault.Effect{Delay: 2 * time.Second})
	first := w.start(t)
	eventually(t, first, 20*time.Second, func() bool { return ready(first) }, func() string { return "the daemon is not ready" })
	w.upload(t)
	eventually(t, first, 20*time.Second, writing, func() string { return "nothing is written" })

	rows, _ := wanted(t)
	if maps.Equal(w.table(t), rows) {
		t.Fatal("the load is over before the signal")
	}
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
	if code := second.terminate(t, 20*time.Second); code != 0 {
		t.Errorf("second daemon: exit code %d\n%s", code, second.log)
	}
	w.inbox(t, told)
	for alert, times := range told { // an orderly stop repeats nothing
		if times != 1 {
			t.Errorf("%q was told %d times", alert, times)
		}
	}
}

func TestASecondSIGTERMEndsTheProcessAtOnceAndLosesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	writing, mend := w.slowWrites(fault.Effect{Hang: true})
	first := w.start(t)
	eventually(t, first, 20*time.Second, func() bool { return ready(first) }, func() string { return "the daemon is not ready" })
	w.upload(t)
	eventually(t, first, 20*time.Second, writing, func() string { return "nothing is written" })

	ended := make(chan struct{})
	go func() { first.Wait(); close(ended) }()
	eventually(t, first, 5*time.Second, func() bool { // the first signal alone would wait for the write
		_ = first.Process.Signal(syscall.SIGTERM)
		select {
		case <-ended:
			return true
		default:
			return false
		}
	}, func() string { return "the process outlives a second signal" })
	if status := first.ProcessState.Sys().(syscall.WaitStatus); status.Signal() != syscall.SIGTERM {
		t.Errorf("the process ended by %v, exit code %d\n%s", status.Signal(), status.ExitStatus(), first.log)
	}
	mend()
	second := w.start(t)
	w.settles(t, second, map[string]int{})
}

// shutdown_timeout bounds the stop whatever does not answer; inBubble measures it.
func TestAStopTakesNoLongerThanAllowedThoughAServiceHangs(t *testing.T) {
	for _, service := range []string{"s3", "sqs", "sns", "dynamodb", "streams", "cloudwatch", ""} {
		for age, timeout := range map[time.Duration]time.Duration{0: 30 * time.Second, time.Minute: 15 * time.Second} {
			t.Run(fmt.Sprintf("%s, stopped after %s within %s", cmp.Or(service, "all"), age, timeout), func(t *testing.T) {
				inBubble(t, func(c *Config) { c.ShutdownTimeout = timeout }, func(t *testing.T, w *world) {
					time.Sleep(age)
					w.aws.Fault(fault.Rule{Service: service, Client: "daemon", Effect: fault.Effect{Hang: true}})
					w.upload(t)
					time.Sleep(3 * time.Second)
				})
			})
		}
	}
}
