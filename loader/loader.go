// Package loader brings the rows of files that arrive in S3 into the inventory's table: it consumes the bucket's
// events from an SQS queue, reads each object once as a stream, judges its rows and writes them by the batch, the
// last row of a key last. A message is deleted when every object that it tells of is in the table.
//
// An event is a hint: its object is loaded as it is when its turn comes, under marks in the ledger (pursuit.go, look.go, ledger.go),
// and the messages of one instance that tell of one object take turns (chain.go). The intake (intake.go, hold.go, message.go)
// takes messages and decides how they end; they hold slots (slot.go) only while an object is read and written. The pipeline
// (load.go, source.go, judge.go, report.go) loads one object and knows no messages. What is pure lives in packages of its own:
// event (what a message says), feed (what a file says); lanes writes.
//
// What an error means is one table (fate.go), and whom it stops is a property of the dependency in trouble (trouble.go): the
// message, its bucket (bucket.go), or, of what every load needs, everything.
package loader

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sync/semaphore"

	"inventoryd/loader/lanes"
)

// Loader loads objects. Make it by New.
type Loader struct {
	clients Clients
	config  atomic.Pointer[Config]
	log     *zap.Logger
	metrics *instruments

	queue    *queue
	holds    *holds
	table    table
	slots    *slots
	windows  *semaphore.Weighted // of mostWindows
	chains   chains
	troubles troubles
	seen
}

// seen is what the loader has learned while it runs.
type seen struct {
	book     logbook
	buckets  buckets
	resolved atomic.Bool // the queue is found
	visits   visits
}

// New makes a loader; it does not call any service.
func New(clients Clients, cfg Config) (*Loader, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if cfg.Logger == nil {
		cfg.Logger = zap.NewNop()
	}
	if cfg.Loop == nil {
		cfg.Loop = func(string) (tick, done func()) { return func() {}, func() {} }
	}
	if cfg.Work == nil {
		cfg.Work = func(string) lanes.Pulse { return lanes.Pulse{} }
	}
	l := &Loader{clients: clients, log: cfg.Logger, slots: newSlots(cfg.Workers), windows: semaphore.NewWeighted(mostWindows), troubles: troubles{log: cfg.Logger}}
	l.config.Store(&cfg)
	l.book.loading, l.book.latest = map[*Load]struct{}{}, time.Now()
	var err error
	if l.metrics, err = newInstruments(cfg.Meter); err != nil {
		return nil, err
	}
	l.queue = &queue{sqs: clients.SQS, name: cfg.Queue, visibility: cfg.Visibility}
	l.holds = &holds{
		queue: l.queue, log: l.log, in: map[string]*hold{},
		missed: func() { l.metrics.count(l.metrics.heartbeats, 1) },
	}
	l.table = newTable(clients, &cfg)
	l.table.paces.write.Admits, l.table.paces.read.Admits = l.admits(l.table.Admits), l.admits(l.table.admitsReads)
	return l, l.observe(cfg.Meter)
}

// Run loads what the queue tells of until ctx ends. Then it stops reading, gives the lanes 5 s to finish what they
// write, hands messages back, and returns nil. It fails where the queue does not exist, or reports cannot be written.
func (l *Loader) Run(ctx context.Context) error {
	cfg := l.cfg()
	if err := cfg.probe(); err != nil {
		return err
	}
	if l.clients.Wire != nil {
		defer l.clients.Wire.Close()
	}
	tick, over := cfg.Loop("loader.intake")
	defer over()
	if err := l.resolve(ctx, tick); err != nil || ctx.Err() != nil {
		return err
	}
	beat, stopBeat := context.WithCancel(context.WithoutCancel(ctx)) // outlives the intake's workers
	var beating sync.WaitGroup
	beating.Go(func() {
		tick, over := cfg.Loop("loader.heartbeat")
		defer over()
		l.holds.run(beat, tick)
	})
	watched, stopWatch := context.WithCancel(ctx)
	beating.Go(func() { l.watchFeeds(watched) })
	err := l.intake(ctx, tick)
	stopBeat()
	stopWatch()
	beating.Wait()
	return err
}

// resolve finds the queue, waiting for a service that does not answer.
func (l *Loader) resolve(ctx context.Context, tick func()) error {
	for failures := 0; ctx.Err() == nil; {
		err := l.queue.resolve(ctx)
		if err == nil {
			l.troubles.clear(theQueue)
			l.resolved.Store(true)
			return nil
		}
		if errors.Is(err, ErrNoQueue) {
			return err
		}
		if ctx.Err() != nil {
			return nil
		}
		failures = l.restFrom(ctx, fmt.Errorf("find %w", err), failures, tick)
	}
	return nil
}

// Apply takes the keys of cfg that take effect without a restart; objects being loaded keep the old ones.
func (l *Loader) Apply(cfg Config) {
	next := l.cfg().adopt(cfg)
	if err := next.probe(); err != nil {
		l.log.Error("reports of rejected rows go where they went", zap.Error(err))
		next.Rejects = l.cfg().Rejects
	}
	l.config.Store(&next)
}

func (l *Loader) cfg() *Config { return l.config.Load() }

// tableTrouble notes how the table answers.
func (l *Loader) tableTrouble(err error) {
	if err == nil {
		l.troubles.clear(theTable)
		return
	}
	l.troubles.report(theTable, failed(toWrite, err), lastPause)
}
