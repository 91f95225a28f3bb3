package loader_test

import (
	"context"
	"testing"
	"time"

	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
)

// TestTheCountersOfRowsMoveWhileALoadRuns collects in the middle of loads that are read once, read twice, and begun again.
func TestTheCountersOfRowsMoveWhileALoadRuns(t *testing.T) {
	for _, onBadRow := range []string{"continue", "reject_object"} {
		t.Run(onBadRow, func(t *testing.T) {
			inWorld(t, func(w *world) {
				reader := metric.NewManualReader()
				w.config.Meter = metric.NewMeterProvider(metric.WithReader(reader)).Meter("loader")
				w.config.OnBadRow = onBadRow
				w.Fault(slow)
				body, _ := feedOf(cutRows, "Berlin", "Oslo")
				w.put("feed.csv", body)
				i := w.start("a")
				last, moved := map[string]int64{}, 0
				for range 100 {
					now := counters(t, reader)
					for name, rows := range last {
						if now[name] < rows {
							t.Fatalf("%s goes from %d to %d", name, rows, now[name])
						}
					}
					if w := now["rows.written"]; w > last["rows.written"] && w < cutRows-10 {
						moved++
					}
					last = now
					time.Sleep(100 * time.Millisecond)
				}
				w.quiet(time.Hour)
				end := counters(t, reader)
				b := i.Status().Total.Books
				if moved < 3 || end["rows.read"] != cutRows || end["rows.written"] != b.Written || end["rows.merged"] != b.Merged {
					t.Errorf("moved %d times; in the end %v, %+v", moved, end, b)
				}
			})
		})
	}
}

func counters(t *testing.T, reader metric.Reader) map[string]int64 {
	t.Helper()
	var all metricdata.ResourceMetrics
	if err := reader.Collect(context.Background(), &all); err != nil {
		t.Fatal(err)
	}
	found := map[string]int64{}
	for _, scope := range all.ScopeMetrics {
		for _, m := range scope.Metrics {
			if sum, ok := m.Data.(metricdata.Sum[int64]); ok && len(sum.DataPoints) > 0 {
				found[m.Name] = sum.DataPoints[0].Value
			}
		}
	}
	return found
}
