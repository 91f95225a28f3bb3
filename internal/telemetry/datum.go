package telemetry

// From what the reader collected to what CloudWatch takes: pure functions.

import (
	"maps"
	"math"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
)

// maxValues is how many different values one datum may hold ("PutMetricData": 150).
const maxValues = 150

// sample is one metric's values in one interval, each with its count.
type sample map[float64]float64

// samples reduces what was collected to one sample for each metric that is pushed. Counters of the given scopes are
// there also where nothing was counted.
func samples(rm *metricdata.ResourceMetrics, scopes map[string]bool) map[*push]sample {
	found := map[*push]sample{}
	for _, scope := range rm.ScopeMetrics {
		for _, m := range scope.Metrics {
			p := pushOf(m.Name)
			if p == nil {
				continue
			}
			if s := p.reduce(m.Data); s != nil {
				found[p] = s
			}
		}
	}
	for i := range pushes {
		p := &pushes[i]
		if _, ok := found[p]; !ok && p.kind == counter && scopes[p.scope] {
			found[p] = sample{0: 1}
		}
	}
	return found
}

// reduce makes one sample of all data points; nil if there are none.
func (p *push) reduce(data metricdata.Aggregation) sample {
	if p.kind == histogram {
		s := sample{}
		for _, b := range bucketsOf(data) {
			s[b.value*p.factor] += b.count
		}
		if len(s) == 0 {
			return nil
		}
		return s
	}
	points := numbers(data)
	if len(points) == 0 {
		return nil
	}
	var v float64
	switch p.kind {
	case highest:
		v = slices.Max(points)
	case lowest:
		v = slices.Min(points)
	default:
		for _, point := range points {
			v += point
		}
	}
	if math.IsNaN(v) || math.IsInf(v, 0) { // CloudWatch refuses the whole call
		return nil
	}
	return sample{v * p.factor: 1}
}

// numbers are the values of gauges and sums.
func numbers(data metricdata.Aggregation) []float64 {
	switch d := data.(type) {
	case metricdata.Sum[int64]:
		return valuesOf(d.DataPoints)
	case metricdata.Sum[float64]:
		return valuesOf(d.DataPoints)
	case metricdata.Gauge[int64]:
		return valuesOf(d.DataPoints)
	case metricdata.Gauge[float64]:
		return valuesOf(d.DataPoints)
	}
	return nil
}

func valuesOf[N int64 | float64](points []metricdata.DataPoint[N]) []float64 {
	values := make([]float64, len(points))
	for i, p := range points {
		values[i] = float64(p.Value)
	}
	return values
}

// data writes the samples as CloudWatch takes them, in the order of pushes. A histogram of more than 150 values
// becomes several data.
func data(found map[*push]sample, at time.Time, dimensions []types.Dimension) []types.MetricDatum {
	var all []types.MetricDatum
	for i := range pushes {
		p := &pushes[i]
		s := found[p]
		for values := range slices.Chunk(slices.Sorted(maps.Keys(s)), maxValues) {
			counts := make([]float64, len(values))
			for i, v := range values {
				counts[i] = s[v]
			}
			all = append(all, types.MetricDatum{
				MetricName: aws.String(p.name),
				Dimensions: dimensions,
				Timestamp:  aws.Time(at),
				Unit:       p.unit,
				Values:     values,
				Counts:     counts,
			})
		}
	}
	return all
}
