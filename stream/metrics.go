package stream

// This file: the instruments. Their names become RecordsProcessed, records_processed_total and so on at the exits.

import (
	"context"
	"errors"

	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/metric/noop"
)

type instruments struct {
	read, processed, early, diverted, returned               metric.Int64Counter // the books: the first is the sum of the others
	gaps, getRecords, errors, leasesLost, checkpointFailures metric.Int64Counter
	moves, remade                                            metric.Int64Counter

	registration metric.Registration
}

// newInstruments makes the instruments; observe gives the values of the gauges.
func newInstruments(meter metric.Meter, observe func() gauges) (instruments, error) {
	if meter == nil {
		meter = noop.NewMeterProvider().Meter("stream")
	}
	var errs []error
	counter := func(name, what string) metric.Int64Counter {
		c, err := meter.Int64Counter(name, metric.WithDescription(what))
		errs = append(errs, err)
		return c
	}
	i := instruments{
		read:               counter("records.read", "Records read: the sum of those processed, before the start, diverted and returned, once they are dealt with."),
		processed:          counter("records.processed", "Records that the handler dealt with."),
		early:              counter("records.before.start", "Records from before the instant at which reading began; they are dropped."),
		diverted:           counter("records.diverted", "Records written to the dead-letter queue."),
		returned:           counter("records.returned", "Records not dealt with when they were read, because the instance stopped or the handler failed for long, and those dealt with before: what is due is read again."),
		gaps:               counter("gaps", "Gaps found: changes that nobody will ever read."),
		getRecords:         counter("get.records.calls", "Calls of GetRecords, which are billed."),
		errors:             counter("stream.errors", "Remote calls of the stream reader that failed."),
		leasesLost:         counter("leases.lost", "Shards and instances' leases lost to another instance or with their row."),
		moves:              counter("shard.moves", "Moves of shards between living instances that this one, as the leader, decided on."),
		remade:             counter("rows.remade", "Rows of shards that somebody had deleted and that were made anew: their shards are read from the oldest record."),
		checkpointFailures: counter("checkpoint.failures", "Checkpoints that could not be written and are tried again."),
	}
	gauge := func(name, unit, what string) metric.Float64ObservableGauge {
		g, err := meter.Float64ObservableGauge(name, metric.WithUnit(unit), metric.WithDescription(what))
		errs = append(errs, err)
		return g
	}
	age := gauge("iterator.age", "s", "Age of the oldest record being handled; 0 when all shards are read to their tip.")
	headroom := gauge("retention.headroom", "s", "Time left before the oldest unread record is deleted.")
	held := gauge("shards.held", "", "Shards that this instance reads.")
	waiting := gauge("shards.waiting", "", "Shards that wait for their parent's end.")
	leader := gauge("leader", "", "1 where this instance leads: it lists the shards and decides who reads which.")
	unread := gauge("oldest.unread.shard.age", "s", "How long some shard that may be read has not been.")
	registration, err := meter.RegisterCallback(func(_ context.Context, o metric.Observer) error {
		now := observe()
		o.ObserveFloat64(age, now.age.Seconds())
		o.ObserveFloat64(headroom, (retention - now.age).Seconds())
		o.ObserveFloat64(held, float64(now.held))
		o.ObserveFloat64(waiting, float64(now.waiting))
		o.ObserveFloat64(unread, now.unread.Seconds())
		o.ObserveFloat64(leader, now.leader)
		return nil
	}, age, headroom, held, waiting, unread, leader)
	i.registration = registration
	return i, errors.Join(append(errs, err)...)
}

func (i instruments) count(errorKind) { i.errors.Add(context.Background(), 1) }

func (i instruments) close() { i.registration.Unregister() }
