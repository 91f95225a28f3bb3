package stock

// What looking costs, as metrics.

import (
	"context"
	"errors"

	"go.opentelemetry.io/otel/metric"
)

// Measure makes metrics of what the lookers are and cost.
func (r *Reader) Measure(meter metric.Meter) error {
	units, err1 := meter.Float64ObservableCounter("read.units", metric.WithDescription("Read units of the inventory's table that looking at the page has consumed."))
	lookers, err2 := meter.Int64ObservableGauge("lookers", metric.WithDescription("Visitors of the page that are being told of changes."))
	_, err3 := meter.RegisterCallback(func(_ context.Context, o metric.Observer) error {
		o.ObserveFloat64(units, r.Spent())
		o.ObserveInt64(lookers, int64(r.Lookers()))
		return nil
	}, units, lookers)
	return errors.Join(err1, err2, err3)
}
