package telemetry

import (
	"context"

	"go.opentelemetry.io/otel/metric"
)

// fromZero is a meter whose counters are there from the start, at 0: a counter that appears with its first count shows
// Prometheus no increase.
type fromZero struct{ metric.Meter }

// Int64Counter is metric.Meter's.
func (m fromZero) Int64Counter(name string, options ...metric.Int64CounterOption) (metric.Int64Counter, error) {
	c, err := m.Meter.Int64Counter(name, options...)
	if err == nil {
		c.Add(context.Background(), 0)
	}
	return c, err
}

// Float64Counter is metric.Meter's.
func (m fromZero) Float64Counter(name string, options ...metric.Float64CounterOption) (metric.Float64Counter, error) {
	c, err := m.Meter.Float64Counter(name, options...)
	if err == nil {
		c.Add(context.Background(), 0)
	}
	return c, err
}
