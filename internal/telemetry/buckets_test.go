package telemetry

import (
	"math"
	"slices"
	"testing"

	sdk "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"pgregory.net/rapid"
)

func TestBucketsKeepCountLeastGreatestAndPercentiles(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		// From a microsecond to nine hours: within 2^35.
		values := rapid.SliceOfN(rapid.Float64Range(-6, math.Log10(32_000)), 1, 400).Draw(t, "exponents")
		for i, v := range values {
			values[i] = math.Pow(10, v)
		}
		zeros := rapid.IntRange(0, 3).Draw(t, "zeros")
		values = append(values, make([]float64, zeros)...)

		reader := newReader()
		h, err := sdk.NewMeterProvider(sdk.WithReader(reader)).Meter("").Float64Histogram("h")
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range values {
			h.Record(t.Context(), v)
		}
		var rm metricdata.ResourceMetrics
		if err := reader.Collect(t.Context(), &rm); err != nil {
			t.Fatal(err)
		}
		buckets := bucketsOf(rm.ScopeMetrics[0].Metrics[0].Data)
		if len(buckets) > maxValues {
			t.Fatalf("%d values do not fit one datum", len(buckets))
		}
		var spread []float64
		for _, b := range buckets {
			spread = append(spread, slices.Repeat([]float64{b.value}, int(b.count))...)
		}
		slices.Sort(spread)
		slices.Sort(values)
		if len(spread) != len(values) {
			t.Fatalf("%d measurements, not %d", len(spread), len(values))
		}
		if spread[0] != values[0] || spread[len(spread)-1] != values[len(values)-1] {
			t.Errorf("from %v to %v, not from %v to %v", spread[0], spread[len(spread)-1], values[0], values[len(values)-1])
		}
		for i, v := range values {
			if math.Abs(spread[i]-v) > 0.1*v {
				t.Errorf("the measurement of rank %d is %v, not %v", i, spread[i], v)
			}
		}
	})
}

func TestNegativeMeasurementsKeepTheirOrder(t *testing.T) {
	reader := newReader()
	h, err := sdk.NewMeterProvider(sdk.WithReader(reader)).Meter("").Int64Histogram("h")
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range []int64{-8, -8, -1, 0, 3, 5} {
		h.Record(t.Context(), v)
	}
	var rm metricdata.ResourceMetrics
	if err := reader.Collect(t.Context(), &rm); err != nil {
		t.Fatal(err)
	}
	var total float64
	least, greatest := math.Inf(1), math.Inf(-1)
	for _, b := range bucketsOf(rm.ScopeMetrics[0].Metrics[0].Data) {
		total, least, greatest = total+b.count, min(least, b.value), max(greatest, b.value)
	}
	if total != 6 || least != -8 || greatest != 5 {
		t.Error(total, least, greatest)
	}
}
