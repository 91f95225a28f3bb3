package stream

// This file: the loop that lists all shards every minute and notices when the table gets a new stream.

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams/types"
)

const (
	listEvery = time.Minute     // ± 20 %
	listSoon  = 5 * time.Second // where something waits for a complete listing
)

// lister is one goroutine. It owns the list of streams and the questions that it was asked.
type lister struct {
	*tenure
	tick      func()
	arn       string                 // the table's latest stream
	on        bool                   // it is enabled
	labels    map[string]bool        // the streams to list: false once the service does not know one any more
	missing   map[string]time.Time   // when the service first said that it does not know a stream, and has not shown it since
	questions []question             // not answered yet
	listed    time.Time              // as the stream's row has it: shards born later may have no row yet
	withheld  map[shardKey]time.Time // since when a shard without a row is not given one, for its holder may read on
}

func (t *tenure) newLister() *lister {
	return &lister{tenure: t, arn: t.stream.ARN, labels: maps.Clone(t.labels), missing: map[string]time.Time{}, listed: t.stream.Listed, withheld: map[shardKey]time.Time{}}
}

// question asks whether a shard exists: a complete listing begun after the question answers it.
type question struct {
	key    shardKey
	answer chan<- bool // nil: no answer is wanted, only a listing soon
	now    bool        // a listing is wanted at once: this instance leads since just now
}

// run lists, where this instance leads or is asked, until ctx ends or the lease table is lost.
func (l *lister) run(ctx context.Context) error {
	tick, done := l.loop("stream.discovery")
	defer done()
	l.tick = tick
	for rounds, pause := 0, time.Hour; ; { // nobody leads before the instances are known
		if err := l.wait(ctx, pause); err != nil {
			return err
		}
		l.accept()
		l.questions = slices.DeleteFunc(l.questions, func(q question) bool { return q.answer == nil && (q.now || !l.leads.Load()) })
		if pause = proveEvery; l.leads.Load() || len(l.questions) > 0 {
			if err := l.round(ctx); err != nil {
				return err
			}
			rounds++
			pause = time.Duration(float64(listEvery) * (0.8 + 0.4*l.config.draw("listing", rounds)))
		}
		l.prove(ctx)
		if len(l.questions) > 0 {
			pause = listSoon
		} else if l.readsNote.Load() == 0 {
			pause = min(pause, proveEvery)
		}
	}
}

// proveEvery is how often an instance that holds no shard proves that it can read.
const proveEvery = 20 * time.Second

// prove describes the stream, where no other read has worked for a while, so that the others know whom to give shards.
func (l *lister) prove(ctx context.Context) {
	if time.Since(time.Unix(0, l.readsNote.Load())) < proveEvery || l.estate.alone() {
		return
	}
	err := l.caller.once(ctx, func(ctx context.Context) error {
		if err := l.discovery.limit.Wait(ctx); err != nil {
			return err
		}
		_, err := l.discovery.describe(ctx, l.arn, nil, "")
		return err
	})
	if err == nil {
		l.readWell()
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
	return slices.ContainsFunc(l.questions, func(q question) bool { return q.answer != nil || q.now })
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

var errRepeated = errors.New("the listing repeats its cursor")

// list lists one stream. A listing that reaches its end is complete, also where pages were asked for again and then
// answered: it alone may prove that a shard is absent.
func (l *lister) list(ctx context.Context, label string) error {
	place, cursors := "listing of "+label, map[string]bool{}
	all := listing{begun: time.Now(), at: l.clock.now(), ids: map[string]bool{}}
	var from *string
	for {
		page, asked, err := l.page(ctx, label, from)
		switch {
		case ctx.Err() != nil:
			return err
		case classify(err) == absent && from == nil:
			return l.missed(ctx, label, err)
		case err != nil: // that a later page is not found says nothing of the stream
			l.troubles.report(place, err, true)
			return nil
		}
		delete(l.missing, label)
		for _, s := range page.Shards {
			all.ids[deref(s.ShardId)] = true
		}
		shards, err := l.withhold(label, page.Shards)
		if err == nil {
			err = l.discovery.commit(ctx, label, shards, asked, making{tick: l.tick})
		}
		if errors.Is(err, errOldPage) {
			l.troubles.report(place, err, false)
			return nil
		}
		if err != nil {
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
	return l.completed(ctx, label, all)
}

// withhold leaves out shards whose row somebody may have deleted while an instance holds them, idle: all are told to
// look, and the row is made after two of the longest durations known. A shard that was born after the last complete listing
// has had none.
func (l *lister) withhold(label string, shards []types.Shard) ([]types.Shard, error) {
	if l.estate.alone() || l.listed.IsZero() {
		return shards, nil
	}
	var may []types.Shard
	for _, s := range shards {
		key := shardKey{label, deref(s.ShardId)}
		if l.discovery.knows(key) || bornAt(key.id).After(l.listed) {
			may = append(may, s)
			continue
		}
		since, ok := l.withheld[key]
		if !ok {
			l.withheld[key] = time.Now()
			l.events.put(func(c *coordinator) { c.lookAll() })
		} else if time.Since(since) >= 2*time.Duration(l.longest.Load()) {
			delete(l.withheld, key)
			may = append(may, s)
			continue
		}
		l.questions = append(l.questions, question{})
	}
	return may, nil
}

// page reads one page, however many attempts that takes, and tells when the one that worked began.
func (l *lister) page(ctx context.Context, label string, from *string) (page *types.StreamDescription, asked time.Time, err error) {
	l.tick()
	err = l.caller.persist(ctx, "describe stream "+label, l.tick, func(ctx context.Context) (err error) {
		if err = l.discovery.limit.Wait(ctx); err == nil {
			asked = time.Now()
			page, err = l.discovery.describe(ctx, arnWith(l.arn, label), from, "")
		}
		return err
	})
	return page, asked, err
}

func (l *lister) completed(ctx context.Context, label string, all listing) error {
	l.events.put(func(c *coordinator) { c.catalogue.complete(label, all) })
	if l.leads.Load() && label == labelOf(l.arn) && len(l.withheld) == 0 {
		l.listedAt.Store(time.Now().UnixNano())
		l.listed = all.at
		if err := l.caller.persist(ctx, leasePlace, l.tick, func(ctx context.Context) error { return l.store.listed(ctx, all.at) }); err != nil {
			return err
		}
	}
	l.answer(func(q question) (bool, bool) {
		return all.ids[q.key.id], q.key.label == label && q.answer != nil || q.answer == nil && len(l.withheld) == 0
	})
	return nil
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
