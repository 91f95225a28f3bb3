package loader

// The intake: it receives no more messages than there are free slots, and none while something that all need is in trouble.

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"go.uber.org/zap"

	"inventoryd/internal/sleep"
)

const (
	tickEvery    = 5 * time.Second
	receiveGrace = 2 * time.Second // for which a receive under way is awaited when the loader is stopped
	stopGrace    = 5 * time.Second // in which the lanes finish their batches then
	handBack     = 5 * time.Second // in which messages are handed back then
	lookTrouble  = time.Second     // how often the intake looks whether a trouble is over
)

// received is the outcome of one receive.
type received struct {
	messages []message
	err      error
}

// intake receives messages until ctx ends and has each handled by a worker. It returns when all are done; its error
// is that of a queue that does not exist, which ends their work as the end of ctx does.
func (l *Loader) intake(ctx context.Context, tick func()) error {
	var workers sync.WaitGroup
	defer workers.Wait()
	ctx, end := context.WithCancel(ctx)
	defer end()
	failures := 0
	ticker := time.NewTicker(tickEvery)
	defer ticker.Stop()
	var receiving chan received // nil: no receive is under way
	for {
		open := l.slots.open()
		var mine []dependency
		if failures > 0 { // it has waited for the queue, and nobody else will find that it is well again
			mine = []dependency{theQueue}
		}
		if receiving == nil && open > 0 && ctx.Err() == nil && !l.troubles.stopping(mine...) {
			receiving = l.startReceive(ctx, open, patience(failures))
		}
		var retry <-chan time.Time
		if receiving == nil && open > 0 {
			retry = time.After(lookTrouble)
		}
		stopped := ctx.Done()
		if receiving != nil {
			stopped = nil // a receive under way is awaited for a moment: what it brings is in our hands
		}
		select {
		case <-stopped:
			return nil
		case <-l.slots.changed:
		case <-ticker.C:
		case <-retry:
		case r := <-receiving:
			receiving = nil
			if ctx.Err() != nil {
				l.handBack(ctx, r.messages)
				return nil
			}
			if r.err == nil {
				failures = 0
				l.troubles.clear(theQueue)
				for _, m := range r.messages {
					m.slot = l.slots.want(len(m.body), l.cfg().Work("loader.worker"))
					workers.Go(func() { l.handle(ctx, m) })
				}
				break
			}
			if errors.Is(r.err, ErrNoQueue) {
				return r.err
			}
			failures = l.restFrom(ctx, r.err, failures, tick)
		}
		tick()
	}
}

// startReceive receives in a goroutine of its own, which ends with the answer, or soon after ctx: a long poll of an
// empty queue would hold up the stop for 20 s. What SQS hands out in the very moment in which the call is cut is not
// lost: it becomes visible again when its visibility lapses.
func (l *Loader) startReceive(ctx context.Context, limit int, wait time.Duration) chan received {
	answer := make(chan received, 1)
	outer := ctx
	ctx, cancel := context.WithCancel(context.WithoutCancel(outer))
	keep := context.AfterFunc(outer, func() { time.AfterFunc(receiveGrace, cancel) })
	go func() {
		defer cancel()
		defer keep()
		messages, err := l.queue.receive(ctx, limit, wait)
		answer <- received{messages, err}
	}()
	return answer
}

// patience is how long a receive waits for a message. After a failure it is short: on an empty queue a long poll would tell
// only after 20 s that all is well again.
func patience(failures int) time.Duration {
	if failures > 0 {
		return shortPoll
	}
	return longPoll
}

// restFrom waits after an error of the queue, that being so many failures in a row, and counts on.
func (l *Loader) restFrom(ctx context.Context, err error, failures int, tick func()) int {
	f := failed(toQueue, err)
	again := f.pause(failures)
	l.troubles.report(theQueue, f, again)
	l.rest(ctx, again, tick)
	return failures + 1
}

// rest waits for d, ticking, or for the end of ctx.
func (l *Loader) rest(ctx context.Context, d time.Duration, tick func()) {
	for end := time.Now().Add(d); ctx.Err() == nil && time.Now().Before(end); tick() {
		_ = sleep.For(ctx, min(tickEvery, time.Until(end)))
	}
}

// handBack makes messages visible to others at once.
func (l *Loader) handBack(ctx context.Context, messages []message) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), handBack)
	defer cancel()
	for batch := range slices.Chunk(messages, queueBatch) {
		l.show(ctx, batch, 0)
	}
}

// show sets when messages become visible to others, trying entries that fail again while ctx lasts. A message that
// stays as it is becomes visible when its visibility lapses.
func (l *Loader) show(ctx context.Context, batch []message, in time.Duration) {
	for failures := 0; len(batch) > 0; failures++ {
		failed, err := l.queue.change(ctx, batch, in)
		if err == nil {
			var rest []message
			for i, m := range batch {
				if failed[i] != nil && !errors.Is(failed[i], errNotHeld) {
					rest = append(rest, m)
				}
			}
			batch = rest
		}
		if len(batch) == 0 {
			return
		}
		if sleep.For(ctx, pause(failures)) != nil {
			l.log.Warn("message not handed back", zap.Int("messages", len(batch)), zap.Error(err))
			return
		}
	}
}
