package stream

// This file: what must be right before anything is read: the lease table, the table's stream, whose it is, and where
// reading begins.

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	"github.com/aws/smithy-go"
	"go.uber.org/zap"

	"inventoryd/internal/state"
)

// Errors that end a run.
var (
	errNoLeases = errors.New("the lease table is gone; it is not made anew while shards are held")
	// ErrNoStream is the error of Run for a table whose stream is off or carries no new images: somebody has to enable it.
	ErrNoStream = errors.New("the table has no stream with new images")
)

// prepare checks all that, and writes the stream's row if this table was never read before. Its errors are those that
// waiting does not mend.
func (r *Reader) prepare(ctx context.Context) error {
	tick, done := r.loop("stream.start")
	defer done()
	if err := r.ensureLeases(ctx, tick); err != nil {
		return err
	}
	arn, at, err := r.findStream(ctx, tick)
	if err != nil {
		return err
	}
	begin, err := parseStart(r.config.Start)
	if err != nil {
		return err
	}
	if begin.latest {
		begin.instant = at.UTC().Truncate(time.Second)
	}
	var row streamRow
	known := false
	err = r.caller.persist(ctx, leasePlace, tick, func(ctx context.Context) (err error) {
		row, known, err = r.store.stream(ctx)
		return err
	})
	if err == nil && !known {
		row, err = r.begin(ctx, tick, arn, begin)
	}
	if err != nil {
		return err
	}
	if row.App != r.config.App {
		return fmt.Errorf("table %s in lease table %s is read by %q, not by %q: use another lease table (lease_table) or the same name (app)",
			r.store.table, r.store.leases, row.App, r.config.App)
	}
	return nil
}

// begin writes the stream's row of a table that was never read before.
func (r *Reader) begin(ctx context.Context, tick func(), arn string, at start) (row streamRow, err error) {
	if !at.latest {
		if arn, err = r.oldest(ctx, tick, arn); err != nil {
			return row, err
		}
	}
	err = r.caller.persist(ctx, leasePlace, tick, func(ctx context.Context) (err error) {
		row, err = r.store.createStream(ctx, streamRow{App: r.config.App, ARN: arn, Start: at.instant, Since: r.clock.now()})
		return err
	})
	return row, err
}

// oldest returns the oldest of the table's streams that can still be read and carries new images: it may have been enabled
// anew within a day before it is read for the first time. The later ones follow as new streams do.
func (r *Reader) oldest(ctx context.Context, tick func(), latest string) (string, error) {
	const place = "the table's streams"
	var labels []string
	err := r.caller.persist(ctx, place, tick, func(ctx context.Context) (err error) {
		labels, err = labelsOf(ctx, r.streams, r.store.table)
		return err
	})
	if err != nil {
		return "", err
	}
	for _, label := range labels {
		if label >= labelOf(latest) {
			break
		}
		arn := arnWith(latest, label)
		var out *dynamodbstreams.DescribeStreamOutput
		err := r.caller.persist(ctx, place, tick, func(ctx context.Context) (err error) {
			out, err = r.streams.DescribeStream(ctx, &dynamodbstreams.DescribeStreamInput{StreamArn: &arn}, onceStreams)
			return err
		})
		switch {
		case err == nil && r.config.NeedImages.fit(types.StreamViewType(out.StreamDescription.StreamViewType)):
			return arn, nil
		case err != nil && classify(err) != absent:
			return "", fmt.Errorf("describe stream %s: %w", arn, err)
		}
	}
	return latest, nil
}

// ensureLeases makes sure of the lease table; outages, bad credentials, denied reads and a table in the making are waited
// out. Only where it is absent and may not be made somebody has to make it.
func (r *Reader) ensureLeases(ctx context.Context, tick func()) error {
	var final error
	err := r.caller.persist(ctx, leasePlace, tick, func(ctx context.Context) error {
		created, err := state.Ensure(ctx, r.tables, r.store.leases)
		if created {
			r.log.Info("the lease table was created", zap.String("table", r.store.leases))
		}
		var call *smithy.OperationError
		if errors.Is(err, state.ErrUnfit) || errors.As(err, &call) && call.OperationName == "CreateTable" && forbidden(err) {
			final = err
			return nil
		}
		return err
	})
	return errors.Join(err, final)
}

// findStream returns the ARN of the table's latest stream and the service's time.
func (r *Reader) findStream(ctx context.Context, tick func()) (string, time.Time, error) {
	var out *dynamodb.DescribeTableOutput
	err := r.caller.persist(ctx, "describe the table", tick, func(ctx context.Context) (err error) {
		out, err = r.tables.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: &r.store.table}, once)
		return err
	})
	if err != nil {
		return "", time.Time{}, fmt.Errorf("describe table %s: %w", r.store.table, err)
	}
	r.clock.hear(serverTime(out.ResultMetadata))
	arn := deref(out.Table.LatestStreamArn)
	if arn == "" {
		return "", time.Time{}, noStream(out.Table, "has none")
	}
	if enabled(out.Table) {
		return arn, r.clock.now(), r.config.NeedImages.check(out.Table, out.Table.StreamSpecification.StreamViewType)
	}
	view, err := r.disabledStream(ctx, arn, tick)
	switch {
	case classify(err) == absent: // disabled more than a day ago: nothing is left to read
		return "", time.Time{}, noStream(out.Table, "has none")
	case err != nil:
		return "", time.Time{}, err
	}
	return arn, r.clock.now(), r.config.NeedImages.check(out.Table, view)
}

// disabledStream asks for the view type of a stream that is off, which DescribeTable does not tell. It takes two answers
// that say so for the stream to be gone.
func (r *Reader) disabledStream(ctx context.Context, arn string, tick func()) (view types.StreamViewType, err error) {
	const place = "describe the disabled stream"
	describe := func(ctx context.Context) error {
		out, err := r.streams.DescribeStream(ctx, &dynamodbstreams.DescribeStreamInput{StreamArn: &arn}, onceStreams)
		if err == nil {
			view = types.StreamViewType(out.StreamDescription.StreamViewType)
		}
		return err
	}
	if err = r.caller.persist(ctx, place, tick, describe); classify(err) != absent {
		return view, err
	}
	r.troubles.report(place, fmt.Errorf("it is given up if it stays so for %v: %w", goneAfter, err), false)
	defer r.troubles.drop(place)
	if err = rest(ctx, goneAfter, tick); err != nil {
		return view, err
	}
	err = r.caller.persist(ctx, place, tick, describe)
	return view, err
}

// check is nil if the view type is one that carries what handlers need.
func (i Images) check(t *types.TableDescription, view types.StreamViewType) error {
	if i.fit(view) {
		return nil
	}
	if enabled(t) {
		return noStream(t, fmt.Sprintf("has one of view type %s, which cannot be changed: disable it first", view))
	}
	return noStream(t, fmt.Sprintf("has one of view type %s, and it is off", view))
}

func noStream(t *types.TableDescription, what string) error {
	return fmt.Errorf("%w: table %s %s; enable it: aws dynamodb update-table --table-name %s --stream-specification StreamEnabled=true,StreamViewType=NEW_AND_OLD_IMAGES",
		ErrNoStream, deref(t.TableName), what, deref(t.TableName))
}

func enabled(t *types.TableDescription) bool {
	return t.StreamSpecification != nil && t.StreamSpecification.StreamEnabled != nil && *t.StreamSpecification.StreamEnabled
}
