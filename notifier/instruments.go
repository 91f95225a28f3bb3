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
	transitions, repeated          counter
	unusable, removed              counter
	messages, published, failed    counter
	recovered, delayed, refused    counter
	shadowed, scanTold, scanClosed counter
	latency                        metric.Float64Histogram
}

// newInstruments makes them; due says how many alerts are due and since when the oldest.
func newInstruments(m metric.Meter, due func() (int64, float64)) (*instruments, error) {
	if m == nil {
		m = noop.Meter{}
	}
	var i instruments
	var errs []error
	for _, c := range []struct {
		to                *counter
		name, description string
	}{
		{&i.transitions, "transitions.written", "Items that crossed their threshold and whose rows say so now."},
		{&i.repeated, "changes.repeated", "Transitions that came again and were already done."},
		{&i.unusable, "changes.unusable", "Changes ignored because they have no usable count."},
		{&i.removed, "changes.removed", "Changes that removed an item."},
		{&i.messages, "messages.published", "Messages that SNS has accepted."},
		{&i.published, "alerts.published", "Items told in messages that SNS has accepted."},
		{&i.failed, "alerts.failed", "Attempts to publish a message that failed."},
		{&i.recovered, "alerts.recovered", "Shortages that were over before anybody was told."},
		{&i.delayed, "alerts.delayed", "Alerts put off until the cooldown is over."},
		{&i.refused, "alerts.refused", "Alerts that SNS refuses for their content."},
		{&i.shadowed, "alerts.shadowed", "Alerts not sent because notifier.send is false."},
		{&i.scanTold, "resync.found", "Shortages that a comparison with the table has found."},
		{&i.scanClosed, "resync.closed", "Rows that said out of stock of what is not, closed by a comparison with the table."},
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
	dueAlerts, err2 := m.Int64ObservableGauge("due.alerts", metric.WithDescription("Alerts that are due and not told; 0 where another instance tells."))
	oldest, err3 := m.Float64ObservableGauge("oldest.due", metric.WithUnit("s"), metric.WithDescription("Age of the oldest alert that is due."))
	if err2 == nil && err3 == nil {
		_, err4 := m.RegisterCallback(func(_ context.Context, o metric.Observer) error {
			count, age := due()
			o.ObserveInt64(dueAlerts, count)
			o.ObserveFloat64(oldest, age)
			return nil
		}, dueAlerts, oldest)
		errs = append(errs, err4)
	}
	return &i, errors.Join(append(errs, err, err2, err3)...)
}

// dueNow is what the gauges show.
func (n *Notifier) dueNow() (count int64, age float64) {
	due, oldest, _ := n.queue.backlog()
	if now := n.clock.now(); !oldest.IsZero() && !now.IsZero() {
		age = max(0, now.Sub(oldest).Seconds())
	}
	return int64(due), age
}
