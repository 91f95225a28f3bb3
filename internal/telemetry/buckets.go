package telemetry

// Exponential histograms as values with counts, from which CloudWatch makes percentiles.

import (
	"math"

	"go.opentelemetry.io/otel/sdk/metric/metricdata"
)

// bucket stands for measurements near one value.
type bucket struct{ value, count float64 }

// bucketsOf returns all data points' buckets. For each data point, the least and the greatest value are exact and the
// others are the middles of their buckets, so that count, minimum and maximum are right, and percentiles are off by
// half a bucket at most: 9 % while the measurements lie within a factor of 2^35 (140 buckets, 4 to each doubling).
func bucketsOf(data metricdata.Aggregation) []bucket {
	var all []bucket
	switch d := data.(type) {
	case metricdata.ExponentialHistogram[float64]:
		for _, p := range d.DataPoints {
			all = append(all, middles(p)...)
		}
	case metricdata.ExponentialHistogram[int64]:
		for _, p := range d.DataPoints {
			all = append(all, middles(p)...)
		}
	}
	return all
}

func middles[N int64 | float64](p metricdata.ExponentialHistogramDataPoint[N]) []bucket {
	least, ok := p.Min.Value()
	if !ok || p.Count == 0 {
		return nil
	}
	greatest, _ := p.Max.Value()
	lo, hi := float64(least), float64(greatest)
	if p.Count == 1 {
		return []bucket{{lo, 1}}
	}
	inner := ordered(p)
	inner[0].count-- // the first bucket holds the least measurement, the last the greatest
	inner[len(inner)-1].count--
	all := []bucket{{lo, 1}, {hi, 1}}
	for _, b := range inner {
		if b.count > 0 {
			all = append(all, bucket{min(max(b.value, lo), hi), b.count})
		}
	}
	return all
}

// ordered lists the buckets that hold something, from the least value to the greatest.
func ordered[N int64 | float64](p metricdata.ExponentialHistogramDataPoint[N]) []bucket {
	var all []bucket
	exponent := math.Exp2(-float64(p.Scale)) // the base is 2^exponent
	middle := func(b metricdata.ExponentialBucket, i int) float64 {
		return math.Exp2(exponent * (float64(b.Offset) + float64(i) + 0.5))
	}
	for i := len(p.NegativeBucket.Counts) - 1; i >= 0; i-- {
		if n := p.NegativeBucket.Counts[i]; n > 0 {
			all = append(all, bucket{-middle(p.NegativeBucket, i), float64(n)})
		}
	}
	if p.ZeroCount > 0 {
		all = append(all, bucket{0, float64(p.ZeroCount)})
	}
	for i, n := range p.PositiveBucket.Counts {
		if n > 0 {
			all = append(all, bucket{middle(p.PositiveBucket, i), float64(n)})
		}
	}
	return all
}
