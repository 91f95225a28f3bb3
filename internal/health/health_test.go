package health

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	sdk "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
)

// watch runs h.Watch until the test's end.
func watch(t *testing.T, h *Health) (stop func()) {
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { defer close(ended); h.Watch(ctx) }()
	return func() { cancel(); <-ended }
}

// part is a fake part whose state the test sets.
type fake struct {
	mu  sync.Mutex
	err error
}

func (f *fake) set(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.err = err
}

func (f *fake) ready() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.err
}

func TestALoopWithoutATickFor90SecondsIsStuck(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := New()
		tick, done := h.Loop("receive")
		_, otherDone := h.Loop("write")
		defer otherDone()
		for range 10 {
			time.Sleep(10 * time.Second)
			tick()
		}
		// "write" has been silent for 100 s.
		if err := h.Live(); err == nil || err.Error() != "stuck: write: no tick for 1m40s" {
			t.Error(err)
		}
		otherDone()
		if err := h.Live(); err != nil {
			t.Error("a loop that has ended is not stuck:", err)
		}
		time.Sleep(89 * time.Second)
		if err := h.Live(); err != nil {
			t.Error(err)
		}
		time.Sleep(time.Second)
		if err := h.Live(); err == nil || err.Error() != "stuck: receive: no tick for 1m30s" {
			t.Error(err)
		}
		tick()
		if err := h.Live(); err != nil {
			t.Error("it turns again:", err)
		}
		done()
	})
}

func TestWhoWaitsForOthersIsNotStuck(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := New()
		tick, rest, done := h.Work("lane")
		tickOther, _, doneOther := h.Work("lane")
		defer doneOther()
		time.Sleep(2 * Stuck)
		if err := h.Live(); err != nil {
			t.Error("nobody has begun to work:", err)
		}
		tick()
		time.Sleep(Stuck)
		if err := h.Live(); err == nil || err.Error() != "stuck: lane: no tick for 1m30s" {
			t.Error(err)
		}
		tickOther()
		if err := h.Live(); err == nil {
			t.Error("one that works hides another one that is stuck")
		}
		rest()
		time.Sleep(Stuck - time.Second)
		if err := h.Live(); err != nil {
			t.Error("one rests, the other works:", err)
		}
		time.Sleep(time.Second)
		if err := h.Live(); err == nil {
			t.Error("one that rests hides another one that is stuck")
		}
		tick()
		done()
	})
}

func TestOneStuckLoopOfSeveralWithOneNameShows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := New()
		h.Loop("shard")
		tick, _ := h.Loop("shard")
		time.Sleep(Stuck)
		tick()
		r := h.Report()
		if r.Live || len(r.Loops) != 1 || r.Loops[0].OK {
			t.Errorf("%+v", r)
		}
	})
}

func TestAPartTellsWhyAndSinceWhenItIsNotReady(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := New()
		begin := time.Now()
		loader, notifier := &fake{}, &fake{}
		h.Part("notifier", notifier.ready)
		h.Part("loader", loader.ready)
		if err := h.Ready(); err == nil || err.Error() != "loader: starting; notifier: starting" {
			t.Error("before the first answer nothing is ready:", err)
		}
		stop := watch(t, h)
		defer stop()
		time.Sleep(10*time.Second + 500*time.Millisecond)
		if err := h.Ready(); err != nil {
			t.Error(err)
		}
		notifier.set(errors.New("SNS: access denied"))
		time.Sleep(time.Second)
		notifier.set(errors.New("SNS: timeout"))
		time.Sleep(time.Minute)
		if d := cmp.Diff([]State{
			{Name: "loader", OK: true, Since: begin},
			{Name: "notifier", OK: false, Since: begin.Add(11 * time.Second), Reason: "SNS: timeout"},
		}, h.Report().Parts); d != "" {
			t.Error(d)
		}
		notifier.set(nil)
		time.Sleep(time.Second)
		if err := h.Ready(); err != nil {
			t.Error(err)
		}
	})
}

// caller is a part as the components are made: a remote call that is out for long makes it not ready, while its loop,
// which waits for the call with a time-out, ticks.
type caller struct {
	mu    sync.Mutex
	since time.Time // when the present call began
}

func (c *caller) ready() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if d := time.Since(c.since); d > 20*time.Second {
		return errors.New("SQS has not answered for " + d.Truncate(time.Second).String())
	}
	return nil
}

func TestARemoteCallThatNeverAnswersShowsInReadinessAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := New()
		reader := sdk.NewManualReader()
		if err := h.Measure(sdk.NewMeterProvider(sdk.WithReader(reader)).Meter("health")); err != nil {
			t.Fatal(err)
		}
		c := &caller{since: time.Now()}
		h.Part("loader", c.ready)
		tick, done := h.Loop("receive")
		defer done()
		stop := watch(t, h)
		defer stop()
		for range 30 { // the loop ticks, the call does not answer
			time.Sleep(time.Second)
			tick()
		}
		if err := h.Ready(); err == nil || !strings.HasPrefix(err.Error(), "loader: SQS has not answered for ") {
			t.Error(err)
		}
		if err := h.Live(); err != nil {
			t.Error(err)
		}
		if n := gauge(t, reader, "parts.unready"); n != 1 {
			t.Errorf("the metric says %d", n)
		}
	})
}

func TestAPartThatDoesNotAnswerIsNotReadyAndHoldsUpNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := New()
		other := &fake{}
		release := make(chan struct{})
		h.Part("hung", func() error { <-release; return nil })
		h.Part("other", other.ready)
		stop := watch(t, h)
		time.Sleep(7*time.Second + time.Millisecond)
		if err := h.Ready(); err == nil || err.Error() != "hung: does not answer since 7s" {
			t.Error(err)
		}
		other.set(errors.New("down"))
		time.Sleep(time.Second)
		if r := h.Report(); r.Parts[1].OK {
			t.Errorf("%+v", r.Parts)
		}
		close(release)
		time.Sleep(2 * time.Second)
		if r := h.Report(); !r.Parts[0].OK {
			t.Errorf("it answers again: %+v", r.Parts)
		}
		stop()
	})
}

func gauge(t *testing.T, reader *sdk.ManualReader, name string) int64 {
	t.Helper()
	var rm metricdata.ResourceMetrics
	if err := reader.Collect(t.Context(), &rm); err != nil {
		t.Fatal(err)
	}
	for _, m := range rm.ScopeMetrics[0].Metrics {
		if m.Name == name {
			return m.Data.(metricdata.Gauge[int64]).DataPoints[0].Value
		}
	}
	t.Fatalf("no %s in %v", name, rm)
	return 0
}

func TestMetricsTellOfHealth(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := New()
		reader := sdk.NewManualReader()
		if err := h.Measure(sdk.NewMeterProvider(sdk.WithReader(reader)).Meter("health")); err != nil {
			t.Fatal(err)
		}
		h.Loop("a")
		h.Part("p", func() error { return nil })
		for name, want := range map[string]int64{"up": 1, "loops.stuck": 0, "parts.unready": 1, "part.ready": 0} {
			if got := gauge(t, reader, name); got != want {
				t.Errorf("%s is %d, not %d", name, got, want)
			}
		}
		stop := watch(t, h)
		time.Sleep(Stuck)
		stop()
		for name, want := range map[string]int64{"up": 1, "loops.stuck": 1, "parts.unready": 0, "part.ready": 1} {
			if got := gauge(t, reader, name); got != want {
				t.Errorf("later, %s is %d, not %d", name, got, want)
			}
		}
	})
}
