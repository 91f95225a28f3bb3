package stream

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"inventoryd/internal/sandbox/fault"
)

// values reads all instruments by name.
func values(t *testing.T, reader *sdkmetric.ManualReader) map[string]float64 {
	t.Helper()
	var all metricdata.ResourceMetrics
	if err := reader.Collect(context.Background(), &all); err != nil {
		t.Fatal(err)
	}
	found := map[string]float64{}
	for _, scope := range all.ScopeMetrics {
		for _, m := range scope.Metrics {
			switch data := m.Data.(type) {
			case metricdata.Sum[int64]:
				found[m.Name] = float64(data.DataPoints[0].Value)
			case metricdata.Gauge[float64]:
				found[m.Name] = data.DataPoints[0].Value
			}
		}
	}
	return found
}

func TestMetricsTellWhatHappens(t *testing.T) {
	t.Parallel()
	scenario(t, 2, func(w *world) {
		reader := sdkmetric.NewManualReader()
		meter := sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader)).Meter("stream")
		r := w.start(func(c *Config) { c.Meter = meter })
		w.spread(10)
		parent := w.open()
		_, err := w.sandbox.Tables.Announce(table, parent, 1)
		w.must(err)
		time.Sleep(2 * time.Minute)
		got := values(t, reader)
		for name, want := range map[string]float64{
			"records.processed": 10, "shards.held": 2, "shards.waiting": 1, "iterator.age": 0, "retention.headroom": 86400,
		} {
			if got[name] != want {
				t.Errorf("%s is %v, want %v", name, got[name], want)
			}
		}
		if calls := got["get.records.calls"]; calls != float64(w.calls("GetRecords")) {
			t.Errorf("get.records.calls is %v, the service saw %d", calls, w.calls("GetRecords"))
		}
		if unread := got["oldest.unread.shard.age"]; unread < 0 || unread > 1 {
			t.Errorf("oldest.unread.shard.age is %v", unread)
		}
		w.behave(func(context.Context, []Record) error { return context.DeadlineExceeded })
		heal := w.fault(fault.Rule{Client: r.name, Match: checkpointing, Effect: fault.Throttle})
		w.spread(10)
		time.Sleep(10 * time.Minute)
		if age := values(t, reader)["iterator.age"]; age < 595 || age > 602 {
			t.Errorf("iterator.age is %v after 10 minutes", age)
		}
		w.behave(nil)
		time.Sleep(time.Minute)
		heal()
		time.Sleep(time.Minute)
		got = values(t, reader)
		if got["checkpoint.failures"] == 0 || got["stream.errors"] == 0 || got["iterator.age"] != 0 || got["records.processed"] != 20 {
			t.Errorf("%+v", got)
		}
		r.stop()
	})
}

// TestBlockedShardAges: also one of which nothing has been handled yet.
func TestBlockedShardAges(t *testing.T) {
	t.Parallel()
	scenario(t, 1, func(w *world) {
		var attempts atomic.Int32
		w.behave(poisoned("item-0", &attempts))
		w.spread(3)
		w.lost = func(written) bool { return true }
		metrics := sdkmetric.NewManualReader()
		r := w.start(func(c *Config) { c.Meter = sdkmetric.NewMeterProvider(sdkmetric.WithReader(metrics)).Meter("stream") })
		for minutes := 1.0; minutes < 10; minutes++ {
			time.Sleep(time.Minute)
			if age := values(t, metrics)["iterator.age"]; age < 60*minutes-2 || age > 60*minutes+2 {
				t.Errorf("iterator.age is %v after %v minutes", age, minutes)
			}
			if s := r.shard(w.open()); s.Blocked == "" {
				t.Errorf("the shard is %+v", s)
			}
		}
		r.stop()
	})
}

func TestShardThatIsNeverReadMakesTheReaderNotReady(t *testing.T) {
	t.Parallel()
	scenario(t, 2, func(w *world) {
		r := w.start()
		time.Sleep(5 * time.Second)
		w.fault(fault.Rule{Operation: "GetRecords", Effect: fault.Effect{Hang: true}})
		time.Sleep(time.Minute)
		r.unready("deadline exceeded")
		time.Sleep(10 * time.Minute)
		r.unready("deadline exceeded")
		if unread := r.board.gauges().unread; unread < 10*time.Minute {
			t.Errorf("unread for %v", unread)
		}
		r.stop()
	})
}
