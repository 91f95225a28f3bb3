package notifier

// The teller: one instance of the app looks at what is due, writes messages down, publishes and clears them.

import (
	"context"
	"errors"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

	"inventoryd/internal/sleep"
)

// tellers is how many messages are on their way at once: what a crash may repeat.
const tellers = 4

// grace is how long a message that is on its way has to be finished when the daemon stops.
const grace = 5 * time.Second

// Run tells what is due, as long as this instance is the one that tells. It blocks until ctx ends and is called once;
// it fails only where the topic's name fits several topics.
func (n *Notifier) Run(ctx context.Context) error {
	tick, done := func() {}, func() {}
	if n.config.Loop != nil {
		tick, done = n.config.Loop("notifier")
	}
	defer done()
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return n.lookForTopic(ctx, tick) })
	group.Go(func() error { _ = n.watchThreshold(ctx); return nil }) // it fails only as ctx ends
	group.Go(func() error {
		for ctx.Err() == nil {
			if err := n.lead(ctx); err != nil && ctx.Err() == nil {
				n.log.Warn("this instance stops telling", zap.Error(err))
			}
			_ = sleep.For(ctx, time.Second+n.jitter(time.Second)) // two that both believe that they lead do not chase each other
		}
		return nil
	})
	return group.Wait()
}

// lead tells whenever this instance is to tell, until ctx ends or another has taken over all the same.
func (n *Notifier) lead(ctx context.Context) error {
	tell := func(good context.Context) error { return n.tellFor(ctx, good) }
	if n.config.Lead == nil {
		return tell(ctx)
	}
	return n.config.Lead(ctx, tell)
}

// lookForTopic looks for the topic until it is found; the loop ticks on.
func (n *Notifier) lookForTopic(ctx context.Context, tick func()) error {
	for {
		if n.memory.topicIfKnown() == nil {
			if err := n.Start(ctx); err != nil && ctx.Err() == nil {
				return err
			}
		}
		if sleep.For(ctx, lookAgain) != nil {
			return nil
		}
		tick()
	}
}

const lookAgain = 10 * time.Second

// tellFor is one term: good ends with it, stopped when the daemon stops.
func (n *Notifier) tellFor(stopped, good context.Context) error {
	ctx, cancel := context.WithCancel(good)
	defer cancel()
	t := &term{n: n, id: newID(), cancel: cancel, found: make(chan struct{})}
	publishing, stop := graceful(stopped, good)
	defer stop()
	t.publishing = publishing
	return t.run(ctx)
}

// graceful is a context that outlives the daemon's stop by some seconds, but not the lease.
func graceful(stopped, lease context.Context) (context.Context, context.CancelFunc) {
	longer, cancel := context.WithCancel(context.WithoutCancel(lease))
	unhook := context.AfterFunc(lease, func() {
		if stopped.Err() == nil { // the lease is over, and nobody waits for us
			cancel()
			return
		}
		timer := time.AfterFunc(grace, cancel)
		context.AfterFunc(longer, func() { timer.Stop() })
	})
	return longer, func() { unhook(); cancel() }
}

// run is one term: it ends with ctx, when the lease does, or when another instance has taken over.
func (t *term) run(ctx context.Context) error {
	n := t.n
	n.queue.start()
	defer n.queue.stop()
	if err := t.take(ctx); err != nil {
		return err
	}
	n.memory.noteTelling(true)
	defer n.memory.noteTelling(false)
	n.log.Info("this instance tells what is due", zap.String("teller", t.id))
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return t.find(ctx) })
	group.Go(func() error { return t.resync(ctx) })
	group.Go(func() error {
		var err error
		if t.topic, err = t.awaitTopic(ctx); err != nil {
			return err
		}
		if err := t.finish(ctx); err != nil {
			return err
		}
		select {
		case <-t.found: // so that the first messages are complete
		case <-ctx.Done():
			return ctx.Err()
		}
		for range tellers {
			group.Go(func() error { return t.work(ctx) })
		}
		return nil
	})
	err := group.Wait()
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// awaitTopic waits until the topic is known.
func (t *term) awaitTopic(ctx context.Context) (*topic, error) {
	for {
		if known := t.n.memory.topicIfKnown(); known != nil {
			return known, nil
		}
		if sleep.For(ctx, 100*time.Millisecond) != nil {
			return nil, ctx.Err()
		}
	}
}

// work takes one shelf after the other and tells what is due of it.
func (t *term) work(ctx context.Context) error {
	g := t.n.gate
	for {
		select {
		case <-g.entry:
		case <-ctx.Done():
			return ctx.Err()
		}
		w, err := t.next(ctx)
		if err != nil {
			g.entry <- struct{}{}
			return err
		}
		alone := g.failed() // then nobody else need try
		if !alone {
			g.entry <- struct{}{}
		}
		told, err := t.turn(ctx, w)
		if !w.used {
			g.giveBack()
		}
		t.n.queue.done(w.shelfKey, told)
		if alone {
			g.entry <- struct{}{}
		}
		if err != nil {
			return err
		}
	}
}

// next waits until a message may go, and takes what is most urgent then.
func (t *term) next(ctx context.Context) (*work, error) {
	q, g := t.n.queue, t.n.gate
	if err := g.calm(ctx); err != nil {
		return nil, err
	}
	if err := g.allow(ctx); err != nil {
		return nil, err
	}
	for {
		w, wait, changed := q.take(tellers * t.n.settings.Load().GroupItems)
		if w != nil {
			return w, nil
		}
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-changed:
		case <-ctx.Done():
			timer.Stop()
			g.giveBack()
			return nil, ctx.Err()
		}
		timer.Stop()
	}
}
