// Package metrics stands in for CloudWatch: PutMetricData with the service's limits, what lists it, and a Go API to read what
// arrived.
package metrics

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
)

// Datum is one metric datum as it arrived.
type Datum struct {
	Namespace  string
	Name       string
	Dimensions map[string]string
	Timestamp  time.Time
	Unit       string
	Values     []float64 // ascending
	Counts     []float64 // of Values
}

// Call is one accepted call of PutMetricData.
type Call struct {
	Client     string // the access key id that signed it
	Compressed bool   // its body was compressed by gzip
	Data       int    // how many data it had
}

// Service is CloudWatch as far as the daemon uses it. Its zero value is ready to use; it is safe for concurrent use.
type Service struct {
	// Now is the service's clock; nil: time.Now. Data without a timestamp get it, and data too far from it are refused.
	Now func() time.Time

	mu    sync.Mutex // guards what follows
	data  []Datum
	calls []Call
}

func (s *Service) now() time.Time {
	if s.Now == nil {
		return time.Now()
	}
	return s.Now()
}

// Data returns what arrived for a metric, oldest first; of all metrics if name is empty.
func (s *Service) Data(name string) []Datum {
	s.mu.Lock()
	defer s.mu.Unlock()
	var found []Datum
	for _, d := range s.data {
		if name == "" || d.Name == name {
			found = append(found, d)
		}
	}
	slices.SortStableFunc(found, func(a, b Datum) int { return a.Timestamp.Compare(b.Timestamp) })
	return found
}

// Calls returns the accepted calls in their order.
func (s *Service) Calls() []Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.calls)
}

// Series returns each combination of namespace, name and dimensions that has data, as text, in order.
func (s *Service) Series() []string {
	names := map[string]bool{}
	for _, d := range s.Data("") {
		parts := []string{d.Namespace, d.Name}
		for _, k := range slices.Sorted(maps.Keys(d.Dimensions)) {
			parts = append(parts, k+"="+d.Dimensions[k])
		}
		names[strings.Join(parts, " ")] = true
	}
	return slices.Sorted(maps.Keys(names))
}

// Statistics are what CloudWatch shows of a metric.
type Statistics struct {
	Count, Sum, Min, Max float64

	values, counts []float64 // ascending
}

// Statistics summarises all that arrived for a metric.
func (s *Service) Statistics(name string) Statistics { return summarise(s.Data(name)) }

func summarise(data []Datum) Statistics {
	merged := map[float64]float64{}
	for _, d := range data {
		for i, v := range d.Values {
			merged[v] += d.Counts[i]
		}
	}
	var t Statistics
	for _, v := range slices.SortedFunc(maps.Keys(merged), cmp.Compare[float64]) {
		t.values = append(t.values, v)
		t.counts = append(t.counts, merged[v])
		t.Count += merged[v]
		t.Sum += v * merged[v]
	}
	if n := len(t.values); n > 0 {
		t.Min, t.Max = t.values[0], t.values[n-1]
	}
	return t
}

// Percentile is the value at or below which p percent of the measurements lie (nearest rank).
func (t Statistics) Percentile(p float64) float64 {
	rank := p / 100 * t.Count
	var seen float64
	for i, v := range t.values {
		if seen += t.counts[i]; seen >= rank {
			return v
		}
	}
	return t.Max
}
