package stream

// This file: the streams that the table has had: a new one is gone over to, one that the service has forgotten is given
// up.

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	"go.uber.org/zap"
)

// look asks which stream the table has now, and goes over to those that are new.
func (l *lister) look(ctx context.Context) error {
	const place = "describe the table"
	var now *types.TableDescription
	err := l.caller.persist(ctx, place, l.tick, func(ctx context.Context) error {
		if err := l.discovery.limit.Wait(ctx); err != nil {
			return err
		}
		out, err := l.tables.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: &l.store.table}, once)
		if err != nil {
			return fmt.Errorf("describe table %s: %w", l.store.table, err)
		}
		l.clock.hear(serverTime(out.ResultMetadata))
		now = out.Table
		return nil
	})
	if ctx.Err() != nil {
		return err
	}
	if err != nil { // the table is not there: its stream can still be read
		l.troubles.report(place, err, true)
		return nil
	}
	l.on = enabled(now)
	if latest := deref(now.LatestStreamArn); latest != "" && latest != l.arn {
		return l.follow(ctx, now)
	}
	return nil
}

// follow goes over to the streams that the table has got since, in their order. Nothing happens as long as the latest
// carries no new images: what it lacks, it will always lack.
func (l *lister) follow(ctx context.Context, table *types.TableDescription) error {
	const place = "the table's new stream"
	latest := deref(table.LatestStreamArn)
	view, err := l.viewOf(ctx, latest)
	if err == nil {
		err = l.config.NeedImages.check(table, view)
	}
	var between []string
	if err == nil || classify(err) == absent { // off for more than a day: what it held is lost, and recorded as that
		between, err = l.between(ctx, l.arn, latest)
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err != nil {
		l.troubles.report(place, err, true)
		return nil
	}
	l.troubles.mend(place)
	for _, arn := range append(between, latest) {
		if err := l.move(ctx, arn); err != nil {
			return err
		}
	}
	return nil
}

// viewOf asks for a stream's view type; DescribeTable tells only that of one that is enabled.
func (l *lister) viewOf(ctx context.Context, arn string) (types.StreamViewType, error) {
	var view types.StreamViewType
	err := l.caller.once(ctx, func(ctx context.Context) error {
		if err := l.discovery.limit.Wait(ctx); err != nil {
			return err
		}
		answer, err := l.discovery.describe(ctx, arn, nil, "")
		if err == nil {
			view = types.StreamViewType(answer.StreamViewType)
		}
		return err
	})
	return view, err
}

// between are the streams that came after one and before another and can still be read. One without new images is left
// out: what it held is part of the gap.
func (l *lister) between(ctx context.Context, after, before string) ([]string, error) {
	var labels []string
	err := l.caller.once(ctx, func(ctx context.Context) (err error) {
		if err := l.discovery.limit.Wait(ctx); err != nil {
			return err
		}
		labels, err = labelsOf(ctx, l.streams, l.store.table)
		return err
	})
	var arns []string
	for _, label := range labels {
		if label <= labelOf(after) || label >= labelOf(before) {
			continue
		}
		arn := arnWith(before, label)
		view, err := l.viewOf(ctx, arn)
		switch {
		case err == nil && l.config.NeedImages.fit(view):
			arns = append(arns, arn)
		case err != nil && classify(err) != absent:
			return nil, err
		}
	}
	return arns, err
}

// labelsOf are the labels of all streams of the table that can still be read, in the order of their age.
func labelsOf(ctx context.Context, streams Streams, table string) ([]string, error) {
	var labels []string
	in := &dynamodbstreams.ListStreamsInput{TableName: &table}
	for {
		out, err := streams.ListStreams(ctx, in, onceStreams)
		if err != nil {
			return nil, fmt.Errorf("list the streams of table %s: %w", table, err)
		}
		for _, s := range out.Streams {
			if deref(s.TableName) == table { // some stand-ins list those of all tables
				labels = append(labels, labelOf(deref(s.StreamArn)))
			}
		}
		if deref(out.LastEvaluatedStreamArn) == "" {
			slices.Sort(labels)
			return labels, nil
		}
		in.ExclusiveStartStreamArn = out.LastEvaluatedStreamArn
	}
}

// move goes over to the next stream of the table.
func (l *lister) move(ctx context.Context, next string) error {
	var row streamRow
	err := l.caller.persist(ctx, leasePlace, l.tick, func(ctx context.Context) (err error) {
		now, _, err := l.store.stream(ctx)
		if err != nil || labelOf(now.ARN) >= labelOf(next) {
			row = now
			return err
		}
		gap := Gap{
			Stream: labelOf(next), Number: len(now.Gaps) + 1, Found: l.clock.now(), Pending: l.config.OnGap != nil,
			Reason: fmt.Sprintf("the table had no stream with new images between %s and %s: what changed meanwhile cannot be read", labelOf(now.ARN), labelOf(next)),
		}
		row, err = l.store.moveStream(ctx, now.ARN, next, gap)
		return err
	})
	if err != nil {
		return err
	}
	l.log.Error("the table has a new stream; the old one is read to its end first", zap.String("old", labelOf(l.arn)), zap.String("new", labelOf(next)))
	l.arn = next
	l.labels[labelOf(next)] = true
	l.board.set(func(s *Status) { s.Stream, s.Gaps = next, row.Gaps })
	for _, gap := range row.Gaps {
		if gap.Stream == labelOf(next) {
			l.gapFound(gap)
		}
	}
	l.events.put(func(c *coordinator) { c.catalogue.latest = labelOf(next); c.catalogue.stream(c.catalogue.latest) })
	return nil
}

// goneAfter is how far apart two answers must be that say that a stream does not exist: one may go astray.
const goneAfter = 2 * time.Minute

// missed is a stream whose first page is not found. Where the table has another by now, or none, and the answer is the
// same after a while, what was not read of it is lost; else it is trouble.
func (l *lister) missed(ctx context.Context, label string, err error) error {
	place := "listing of " + label
	if label == labelOf(l.arn) {
		if err := l.look(ctx); err != nil {
			return err
		}
	}
	if label == labelOf(l.arn) && l.on {
		l.troubles.report(place, fmt.Errorf("it is still the table's stream: %w", err), true)
		return nil
	}
	since, again := l.missing[label]
	if !again {
		since = time.Now()
		l.missing[label] = since
	}
	if time.Since(since) < goneAfter {
		l.troubles.report(place, fmt.Errorf("it is given up if it stays so for %v: %w", goneAfter, err), false)
		return nil
	}
	l.troubles.drop(place)
	l.labels[label] = false
	l.events.put(func(c *coordinator) { c.catalogue.stream(label).gone, c.catalogue.sweep = true, true })
	l.answer(func(q question) (bool, bool) { return false, q.key.label == label })
	return nil
}
