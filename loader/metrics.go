package loader

// Instruments of the loader.

import (
	"context"
	"errors"
	"time"

	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/metric/noop"
)

// instruments are the loader's; each name is a name in Prometheus and CloudWatch too (docs/metrics.md).
type instruments struct {
	loaded, failed, ignored, changed, gone                        metric.Int64Counter
	held, zeroed, late                                            metric.Int64Counter
	duplicates, vanished                                          metric.Int64Counter
	tests, notCreations, failedMessages, leftMessages, heartbeats metric.Int64Counter
	rows                                                          bookCounters
	headers, throttles                                            metric.Int64Counter
	units, readUnits                                              metric.Float64Counter
	seconds, latency, messageAge                                  metric.Float64Histogram
}

func newInstruments(m metric.Meter) (*instruments, error) {
	if m == nil {
		m = noop.Meter{}
	}
	i := &instruments{}
	var problems []error
	for _, c := range []struct {
		counter           *metric.Int64Counter
		name, description string
	}{
		{&i.loaded, "files.loaded", "Objects loaded."},
		{&i.failed, "files.failed", "Objects that cannot be loaded."},
		{&i.ignored, "files.ignored", "Objects that the configuration leaves out."},
		{&i.changed, "files.changed", "Objects that were replaced while they were read, and begun again."},
		{&i.duplicates, "files.duplicate", "Events of objects that the table held already."},
		{&i.vanished, "files.vanished", "Objects that could be read no more once they were loaded."},
		{&i.gone, "files.gone", "Objects that were deleted before they were read."},
		{&i.held, "files.held", "Objects that were held back."},
		{&i.zeroed, "rows.zeroed", "Items that a feed does not name any more, and that became 0."},
		{&i.late, "feeds.late", "Feeds that did not come in time."},
		{&i.tests, "events.test", "Test events of S3."},
		{&i.notCreations, "events.ignored", "Events that bring no object."},
		{&i.failedMessages, "messages.failed", "Messages that failed for good."},
		{&i.leftMessages, "messages.left", "Messages left to the queue for something that people may mend."},
		{&i.heartbeats, "heartbeat.failures", "Renewals of a message's visibility that failed."},
		{&i.headers, "headers.repeated", "Headers in the middle of objects, passed over."},
		{&i.throttles, "write.throttles", "Calls that the table throttled."},
	} {
		var err error
		*c.counter, err = m.Int64Counter(c.name, metric.WithDescription(c.description))
		problems = append(problems, err)
	}
	var err error
	i.rows, err = newBookCounters(m)
	problems = append(problems, err)
	i.units, err = m.Float64Counter("consumed.write.units", metric.WithDescription("Write capacity consumed, in units."))
	problems = append(problems, err)
	i.readUnits, err = m.Float64Counter("consumed.read.units", metric.WithDescription("Read capacity consumed, in units."))
	problems = append(problems, err)
	for _, h := range []struct {
		histogram         *metric.Float64Histogram
		name, description string
	}{
		{&i.seconds, "load.seconds", "Time from the first byte of an object to its last row written."},
		{&i.latency, "event.to.loaded.seconds", "Time from the creation of an object to its last row written."},
		{&i.messageAge, "oldest.message.age.seconds", "Age of messages when they are received."},
	} {
		*h.histogram, err = m.Float64Histogram(h.name, metric.WithDescription(h.description), metric.WithUnit("s"),
			metric.WithExplicitBucketBoundaries(0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600, 4*3600, 12*3600))
		problems = append(problems, err)
	}
	return i, errors.Join(problems...)
}

// observe registers what is asked for rather than counted.
func (l *Loader) observe(m metric.Meter) error {
	if m == nil {
		return nil
	}
	inFlight, err := m.Int64ObservableGauge("messages.in.flight", metric.WithDescription("Messages in hand."))
	if err != nil {
		return err
	}
	waiting, err := m.Int64ObservableGauge("messages.waiting", metric.WithDescription("Messages in hand that wait without a slot."))
	if err != nil {
		return err
	}
	silence, err := m.Float64ObservableGauge("seconds.since.last.load", metric.WithUnit("s"),
		metric.WithDescription("Time since an object was loaded, or since the start."))
	if err != nil {
		return err
	}
	observed := append(l.metrics.rows.instruments(), inFlight, waiting, silence)
	_, err = m.RegisterCallback(func(_ context.Context, o metric.Observer) error {
		o.ObserveInt64(inFlight, int64(l.holds.count()))
		o.ObserveInt64(waiting, int64(l.slots.idle()))
		o.ObserveFloat64(silence, time.Since(l.book.last()).Seconds())
		l.metrics.rows.observe(o, l.book.books())
		return nil
	}, observed...)
	return err
}

// count adds to a counter.
func (i *instruments) count(c metric.Int64Counter, n int64) {
	if n != 0 {
		c.Add(context.Background(), n)
	}
}

// age records how old a message is.
func (i *instruments) age(m message) {
	if !m.sent.IsZero() {
		i.messageAge.Record(context.Background(), max(0, time.Since(m.sent).Seconds()))
	}
}

// ended counts a load by its outcome.
func (i *instruments) ended(p Progress, created time.Time) {
	i.count(i.headers, p.Headers)
	i.count(i.zeroed, p.Zeroed)
	switch p.Outcome {
	case "loaded":
		i.count(i.loaded, 1)
		i.seconds.Record(context.Background(), p.Took.Seconds())
		if !created.IsZero() {
			i.latency.Record(context.Background(), max(0, time.Since(created).Seconds()))
		}
	case "held":
		i.count(i.held, 1)
	case "changed":
		i.count(i.changed, 1)
	case "gone":
		i.count(i.gone, 1)
	case "failed":
		i.count(i.failed, 1)
	}
}
