package stream

// This file: the loop that lists all shards every minute and notices when the table gets a new stream.

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams/types"
	"go.uber.org/zap"
)

const (
	listEvery = time.Minute     // ± 20 %
	listSoon  = 5 * time.Second // where something waits for a complete listing
)

// lister is one goroutine. It owns the list of streams and the questions that it was asked.
type lister struct {
	*tenure
	tick      func()
	arn       string          // the table's latest stream
	on        bool            // it is enabled
	labels    map[string]bool // the streams to list: false once the service does not know one any more
	questions []question      // not answered yet
}

func (t *tenure) newLister() *lister {
	return &lister{tenure: t, arn: t.stream.ARN, labels: maps.Clone(t.labels)}
}

// question asks whether a shard exists: a complete listing begun after the question answers it.
type question struct {
	key    shardKey
	answer chan<- bool // nil: no answer is wanted, only a listing soon
}

// run lists until ctx ends or the lease table is lost.
func (l *lister) run(ctx context.Context) error {
	tick, done := l.loop("stream-discovery")
	defer done()
	l.tick = tick
	for {
		l.accept()
		if err := l.round(ctx); err != nil {
			return err
		}
		pause := time.Duration(float64(listEvery) * (0.8 + 0.4*rand.Float64()))
		if len(l.questions) > 0 {
			pause = listSoon
		}
		if err := l.wait(ctx, pause); err != nil {
			return err
		}
	}
}

// wait rests until the next round is due or a question arrives.
func (l *lister) wait(ctx context.Context, pause time.Duration) error {
	for due := time.Now().Add(pause); ; {
		l.tick()
		timer := time.NewTimer(min(tickEvery, time.Until(due)))
		select {
		case <-timer.C:
			if !time.Now().Before(due) {
				return nil
			}
		case <-l.asked.ready:
			timer.Stop()
			if l.accept() {
				return nil
			}
			if soon := time.Now().Add(listSoon); len(l.questions) > 0 && soon.Before(due) {
				due = soon
			}
		case <-ctx.Done():
			timer.Stop()
			return context.Cause(ctx)
		}
	}
}

// accept takes the questions that were asked meanwhile; true means that one of them is worth a listing at once.
func (l *lister) accept() bool {
	l.questions = append(l.questions, l.asked.take()...)
	l.answer(func(q question) (exists, known bool) {
		listed, ok := l.labels[q.key.label]
		return false, ok && !listed
	})
	return slices.ContainsFunc(l.questions, func(q question) bool { return q.answer != nil })
}

// round looks at the table and lists each of its streams once.
func (l *lister) round(ctx context.Context) error {
	if err := l.look(ctx); err != nil {
		return err
	}
	for _, label := range slices.Sorted(maps.Keys(l.labels)) {
		if !l.labels[label] {
			continue
		}
		if err := l.list(ctx, label); err != nil {
			return err
		}
	}
	return nil
}

// look asks which stream the table has now. A new one is recorded, with the gap before it.
func (l *lister) look(ctx context.Context) error {
	const place = "describe the table"
	var latest string
	var readable error
	_, err := l.caller.persist(ctx, place, l.tick, func(ctx context.Context) error {
		if err := l.discovery.limit.Wait(ctx); err != nil {
			return err
		}
		out, err := l.tables.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: &l.store.table})
		if err != nil {
			return fmt.Errorf("describe table %s: %w", l.store.table, err)
		}
		l.clock.hear(serverTime(out.ResultMetadata))
		latest, l.on = deref(out.Table.LatestStreamArn), enabled(out.Table)
		readable = readableStream(out.Table)
		return nil
	})
	if ctx.Err() != nil {
		return err
	}
	switch {
	case err != nil: // the table is not there: its stream can still be read
		l.troubles.report(place, err, true)
	case latest == "" || latest == l.arn:
	case readable != nil:
		l.troubles.report("the table's new stream", readable, true)
	default:
		l.troubles.mend("the table's new stream")
		return l.move(ctx, latest)
	}
	return nil
}

// move goes over to a new stream of the table.
func (l *lister) move(ctx context.Context, latest string) error {
	var row streamRow
	_, err := l.caller.persist(ctx, leasePlace, l.tick, func(ctx context.Context) (err error) {
		now, _, err := l.store.stream(ctx)
		if err != nil || now.ARN == latest {
			row = now
			return err
		}
		gap := Gap{
			Stream: labelOf(latest), Number: len(now.Gaps) + 1, Found: l.clock.now(), Pending: l.config.OnGap != nil,
			Reason: fmt.Sprintf("the table's stream was off between streams %s and %s: what changed meanwhile was never recorded", labelOf(now.ARN), labelOf(latest)),
		}
		row, err = l.store.moveStream(ctx, now.ARN, latest, gap)
		return err
	})
	if err != nil {
		return err
	}
	l.log.Error("the table has a new stream; the old one is read to its end first", zap.String("old", labelOf(l.arn)), zap.String("new", labelOf(latest)))
	l.arn = latest
	l.labels[labelOf(latest)] = true
	l.board.set(func(s *Status) { s.Stream, s.Gaps = latest, row.Gaps })
	if n := len(row.Gaps); n > 0 {
		l.gapFound(row.Gaps[n-1])
	}
	l.events.put(func(c *catalogue) { c.latest = labelOf(latest); c.stream(c.latest) })
	return nil
}

var errRepeated = errors.New("the listing repeats its cursor")

// list lists one stream. Only a listing that reaches its end without a failed page is complete: it alone may prove
// that a shard is absent.
func (l *lister) list(ctx context.Context, label string) error {
	begun, place := time.Now(), "listing of "+label
	ids, cursors := map[string]bool{}, map[string]bool{}
	complete := true
	var from *string
	for {
		page, unharmed, err := l.page(ctx, label, from)
		if ctx.Err() != nil {
			return err
		}
		if classify(err) == absent {
			return l.gone(ctx, label, err)
		}
		if err != nil {
			l.troubles.report(place, err, true)
			return nil
		}
		complete = complete && unharmed
		for _, s := range page.Shards {
			ids[deref(s.ShardId)] = true
		}
		if err := l.discovery.commit(ctx, label, page.Shards, l.tick); err != nil {
			return err
		}
		last := deref(page.LastEvaluatedShardId)
		if last == "" {
			break
		}
		if cursors[last] {
			l.troubles.report(place, fmt.Errorf("%w (%s): it is incomplete", errRepeated, last), false)
			return nil
		}
		cursors[last] = true
		from = &last
	}
	l.troubles.mend(place)
	if complete {
		l.completed(label, begun, ids)
	}
	return nil
}

// page reads one page; unharmed is false where that took more than one attempt.
func (l *lister) page(ctx context.Context, label string, from *string) (page *types.StreamDescription, unharmed bool, err error) {
	l.tick()
	unharmed, err = l.caller.persist(ctx, "describe stream "+label, l.tick, func(ctx context.Context) (err error) {
		if err = l.discovery.limit.Wait(ctx); err == nil {
			page, err = l.discovery.describe(ctx, arnWith(l.arn, label), from, "")
		}
		return err
	})
	return page, unharmed, err
}

// gone is a stream that the service does not know. If the table has another by now, or none for more than a day, its
// unfinished shards are lost; else it is trouble.
func (l *lister) gone(ctx context.Context, label string, err error) error {
	if label == labelOf(l.arn) {
		if err := l.look(ctx); err != nil {
			return err
		}
	}
	if label == labelOf(l.arn) && l.on {
		l.troubles.report("listing of "+label, fmt.Errorf("it is still the table's stream: %w", err), true)
		return nil
	}
	l.troubles.mend("listing of " + label)
	l.labels[label] = false
	l.events.put(func(c *catalogue) { c.stream(label).gone = true })
	l.answer(func(q question) (bool, bool) { return false, q.key.label == label })
	return nil
}

func (l *lister) completed(label string, begun time.Time, ids map[string]bool) {
	l.events.put(func(c *catalogue) { c.complete(label, begun, ids) })
	l.answer(func(q question) (bool, bool) {
		return ids[q.key.id], q.key.label == label || q.answer == nil
	})
}

// answer answers those of the pending questions that can be.
func (l *lister) answer(by func(question) (exists, known bool)) {
	l.questions = slices.DeleteFunc(l.questions, func(q question) bool {
		exists, known := by(q)
		if known && q.answer != nil {
			q.answer <- exists // has room for it
		}
		return known
	})
}
