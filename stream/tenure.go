package stream

// This file: one life of an instance, from its registration until it stops or another calls it dead.

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

	"inventoryd/internal/lease"
)

// tenure is an instance and what its goroutines share; all of it is set before they start.
type tenure struct {
	*Reader
	stream    streamRow       // as it was when the tenure began
	labels    map[string]bool // the table's streams, then
	before    string          // the instance that this host had before, which is dead; "": none is known
	group     lease.Group
	beat      *lease.Heartbeat
	lives     lives
	left      chan struct{} // closed once the others know that this instance stops
	discovery *discovery
	estate    estate
	mail
	leads     atomic.Bool    // this instance leads, as of the last look
	longest   atomic.Int64   // the largest duration of a lease that is known, in nanoseconds
	listedAt  atomic.Int64   // when the last complete listing ended, or the lead began: nanoseconds since 1970
	readsNote atomic.Int64   // likewise, when the heartbeat was last told that reads work
	shards    sync.WaitGroup // the shards' goroutines; the coordinator waits for them
}

// mail is what a tenure's goroutines tell one another.
type mail struct {
	asked    *mailbox[question]           // read by the lister
	parents  *mailbox[succession]         // read by who asks for children
	pending  *mailbox[Gap]                // read by the reporter of gaps
	orders   *mailbox[order]              // read by who writes owners
	raise    *mailbox[news]               // read by who tells other instances
	events   *mailbox[func(*coordinator)] // read by the coordinator
	readRows bell                         // asks the watch to read the shards' rows
}

func newMail() mail {
	return mail{
		asked: newMailbox[question](), parents: newMailbox[succession](), pending: newMailbox[Gap](), orders: newMailbox[order](),
		raise: newMailbox[news](), events: newMailbox[func(*coordinator)](), readRows: make(bell, 1),
	}
}

// lives are the contexts of a tenure.
type lives struct {
	stop context.Context         // ends reading
	work context.Context         // ends what is in flight, Runtime.Shutdown after stop
	end  context.CancelCauseFunc // of stop
}

// errStopped is the cause of an orderly stop.
var errStopped = errors.New("the reader was stopped")

// newTenure registers a new instance and reads where the reading of the table stands.
func (r *Reader) newTenure(ctx context.Context) (*tenure, error) {
	tick, done := r.loop("stream.start")
	defer done()
	t := &tenure{Reader: r, group: r.store.group(), labels: map[string]bool{}, left: make(chan struct{}), mail: newMail(), before: r.host.before}
	t.beat = lease.New(t.group, lease.Instance{ID: r.config.newID(), Duration: r.config.LeaseDuration}, r.config.slept)
	t.discovery = newDiscovery(r.streams, r.store, r.caller, &r.clock, t.found)
	t.longest.Store(int64(r.config.LeaseDuration))
	r.host.write(t.beat.ID(), r.log)
	var rows []shardRow
	for _, call := range []func(context.Context) error{
		func(ctx context.Context) (err error) { t.stream, _, err = r.store.stream(ctx); return err },
		func(ctx context.Context) (err error) { rows, err = r.store.shards(ctx); return err },
		t.recall,
		t.buryBefore,
		t.beat.Join,
	} {
		if err := r.caller.persist(ctx, leasePlace, tick, call); err != nil {
			return nil, err
		}
	}
	r.host.before = "" // whoever joins anew in this process has nothing more to take over
	t.labels[labelOf(t.stream.ARN)] = true
	for _, row := range rows {
		t.labels[row.Label] = true
		if row.ended() { // others are told by whoever claims the shard
			t.tellPending(row.Gaps)
		}
	}
	t.tellPending(t.stream.Gaps)
	r.board.set(func(s *Status) {
		s.Instance, s.Stream, s.Start, s.Gaps = t.beat.ID(), t.stream.ARN, t.stream.Start, t.stream.Gaps
	})
	r.log.Info("this instance reads the stream", zap.String("instance", t.beat.ID()), zap.String("stream", t.stream.ARN))
	return t, nil
}

// buryBefore marks the instance dead whose process on this host has ended.
func (t *tenure) buryBefore(ctx context.Context) error {
	if t.before == "" {
		return nil
	}
	return t.group.BuryGone(ctx, t.before)
}

// recall adds the streams that the reading has gone over to and that can still be read, also those of which no shard has
// a row yet: an earlier run may have ended before it listed them.
func (t *tenure) recall(ctx context.Context) error {
	if len(t.stream.Gaps) == 0 { // the table never had another stream
		return nil
	}
	labels, err := labelsOf(ctx, t.streams, t.store.table)
	for _, gap := range t.stream.Gaps {
		if slices.Contains(labels, gap.Stream) {
			t.labels[gap.Stream] = true
		}
	}
	return err
}

// run reads until ctx ends (nil, everything released), the instance is called dead (lease.ErrDead) or something fatal
// happens.
func (t *tenure) run(ctx context.Context) error {
	stop, end := context.WithCancelCause(context.WithoutCancel(ctx))
	defer context.AfterFunc(ctx, func() { end(errStopped) })()
	work, abort := context.WithCancelCause(context.WithoutCancel(ctx))
	defer abort(nil)
	defer context.AfterFunc(stop, func() {
		if !errors.Is(context.Cause(stop), errStopped) { // nothing may be written any more
			abort(context.Cause(stop))
			return
		}
		time.AfterFunc(t.config.Shutdown, func() { abort(errors.New("the time to stop is over")) })
	})()
	t.lives = lives{stop, work, end}

	beating, silence := context.WithCancel(context.WithoutCancel(ctx))
	defer silence()
	var heart errgroup.Group
	heart.Go(func() error {
		err := t.beat.Run(beating, lease.Told{Failed: t.beaten, Renewed: t.renewed()})
		if err != nil {
			end(err)
		}
		return err
	})
	err := t.loops(stop)
	silence()
	if dead := heart.Wait(); dead != nil {
		t.metrics.leasesLost.Add(ctx, 1)
		return dead
	}
	return errors.Join(err, t.resign())
}

// beaten is told how a renewal went; it returns how long to wait at least for the next.
func (t *tenure) beaten(err error) time.Duration {
	if err == nil {
		t.troubles.mend("heartbeat")
		return 0
	}
	t.metrics.count(classify(err))
	t.troubles.report("heartbeat", err, !t.beat.Good())
	switch classify(err) {
	case absent:
		t.lives.end(err)
	case denied:
		if !t.beat.Good() {
			return deniedPause
		}
		return t.config.LeaseDuration / 5
	}
	return 0
}

// renewed is told of this instance's row: whose look has moved reads the shards' rows.
func (t *tenure) renewed() func(lease.Instance) {
	var look int64
	return func(row lease.Instance) {
		if row.Look != look {
			look = row.Look
			t.readRows.wake()
		}
	}
}

// readWell notes that a read of the stream has worked; the next renewal tells the others.
func (t *tenure) readWell() {
	now := time.Now().UnixNano()
	if last := t.readsNote.Load(); now-last > int64(time.Second) && t.readsNote.CompareAndSwap(last, now) {
		t.beat.ReadWell(t.clock.now())
	}
}

// loops runs the tenure's goroutines until stop ends and all shards are released; the first to fail stops the others.
func (t *tenure) loops(stop context.Context) error {
	var group errgroup.Group
	run := func(f func(context.Context) error) {
		group.Go(func() error {
			err := f(stop)
			if stop.Err() == nil {
				t.lives.end(err)
			}
			return nil
		})
	}
	var last errgroup.Group // what the shards still need when they stop
	lasting, over := context.WithCancel(context.WithoutCancel(stop))
	defer over()
	last.Go(func() error { return t.raiseLooks(lasting) })
	last.Go(func() error { t.leave(stop); return nil })
	run(newCoordinator(t).run)
	run(t.newWatch().run)
	run(t.newLister().run)
	run(t.succeed)
	run(t.obey)
	run(t.reportGaps)
	group.Wait()
	t.passOn(stop)
	over()
	last.Wait()
	switch cause := context.Cause(stop); {
	case errors.Is(cause, errStopped):
		return nil
	case classify(cause) == absent: // of the lease table: nothing else that is absent gets here
		return fmt.Errorf("%w: %w", errNoLeases, cause)
	default:
		return cause
	}
}

// found tells the coordinator of rows that were written here.
func (t *tenure) found(rows []shardRow) {
	now, service := time.Now(), t.clock.now()
	t.events.put(func(c *coordinator) {
		for _, row := range rows {
			c.catalogue.learn(row, now, service.Sub(row.Ended))
		}
	})
}
