package notifier

import (
	"context"
	"errors"
	"sync/atomic"

	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/metric/noop"
)

// counter is an instrument whose sum Status shows too.
type counter struct {
	metric.Int64Counter
	sum atomic.Int64
}

func (c *counter) add(ctx context.Context, n int) {
	if n > 0 {
		c.sum.Add(int64(n))
		c.Add(ctx, int64(n))
	}
}

// instruments are what a Notifier measures.
type instruments struct {
	published, failed              counter
	suppressed, outdated, shadowed counter
	unusable, removed, repeated    counter
	latency                        metric.Float64Histogram
}

func newInstruments(m metric.Meter) (*instruments, error) {
	if m == nil {
		m = noop.Meter{}
	}
	var i instruments
	var errs []error
	for _, c := range []struct {
		to                *counter
		name, description string
	}{
		{&i.published, "alerts.published", "Alerts that SNS has accepted."},
		{&i.failed, "alerts.failed", "Alerts that SNS did not accept, counted at each attempt."},
		{&i.suppressed, "alerts.suppressed", "Alerts not sent because the item's last one is within the cooldown."},
		{&i.outdated, "alerts.outdated", "Alerts not sent because they were old and no longer held."},
		{&i.shadowed, "alerts.shadowed", "Alerts not sent because notifier.send is false."},
		{&i.unusable, "changes.unusable", "Changes ignored because they have no usable count."},
		{&i.removed, "changes.removed", "Changes that removed an item."},
		{&i.repeated, "changes.repeated", "Transitions that came again and were already done."},
	} {
		var err error
		c.to.Int64Counter, err = m.Int64Counter(c.name, metric.WithDescription(c.description))
		if errs = append(errs, err); err == nil {
			c.to.Add(context.Background(), 0) // so that it is there from the start
		}
	}
	var err error
	i.latency, err = m.Float64Histogram("alert.latency", metric.WithUnit("s"),
		metric.WithDescription("From the change's record (stamped by DynamoDB, floored to the second) to SNS's acceptance of its alert."))
	return &i, errors.Join(append(errs, err)...)
}
