package health

// What the metrics tell of health.

import (
	"context"
	"errors"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
)

// Measure makes the meter, that of no part (scope ""), show health: the daemon is up, how many loops are stuck, how
// many parts are not ready and which.
func (h *Health) Measure(meter metric.Meter) error {
	up, err1 := meter.Int64ObservableGauge("up", metric.WithDescription("1 while the daemon runs."))
	stuck, err2 := meter.Int64ObservableGauge("loops.stuck", metric.WithDescription("Loops without a tick for 90 s."))
	unready, err3 := meter.Int64ObservableGauge("parts.unready", metric.WithDescription("Parts that cannot do their work."))
	ready, err4 := meter.Int64ObservableGauge("part.ready", metric.WithDescription("1 while the part can do its work."))
	if err := errors.Join(err1, err2, err3, err4); err != nil {
		return err
	}
	_, err := meter.RegisterCallback(func(_ context.Context, o metric.Observer) error {
		o.ObserveInt64(up, 1)
		o.ObserveInt64(stuck, count(h.loopStates()))
		states := h.partStates()
		o.ObserveInt64(unready, count(states))
		for _, s := range states {
			o.ObserveInt64(ready, one(s.OK), metric.WithAttributes(attribute.String("part", s.Name)))
		}
		return nil
	}, up, stuck, unready, ready)
	return err
}

// count counts the states that are not OK.
func count(states []State) (n int64) {
	for _, s := range states {
		n += one(!s.OK)
	}
	return n
}

func one(b bool) int64 {
	if b {
		return 1
	}
	return 0
}
