package stream

// This file: how any remote call is made: with a time-out, on a goroutine that has the stack for it, and again as its
// error demands.

import (
	"context"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

const (
	callTimeout = 10 * time.Second // for every remote call
	tickEvery   = 5 * time.Second  // a loop that waits shows that often that it is alive
)

// pool runs functions on goroutines that are kept for a while. The SDK's calls need tens of KiB of stack; a shard
// that calls through the pool keeps a small one. It also bounds the calls under way.
type pool struct {
	work  chan func()
	slots chan struct{}  // one taken by each goroutine
	all   sync.WaitGroup // close waits for it
	done  chan struct{}
}

// maxCalls is how many calls are under way at once: at 20 ms each that is 12,800 in a second, more than a machine makes.
const maxCalls = 256

func newPool() *pool {
	return &pool{work: make(chan func()), slots: make(chan struct{}, maxCalls), done: make(chan struct{})}
}

// run runs f and returns when it has returned, or an error if ctx ends before it begins.
func (p *pool) run(ctx context.Context, f func()) error {
	finished := make(chan struct{})
	job := func() { defer close(finished); f() }
	select {
	case p.work <- job: // a goroutine that is there is better than a new one
	default:
		select {
		case p.work <- job:
		case p.slots <- struct{}{}:
			p.all.Go(func() { p.worker(job) })
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	<-finished
	return nil
}

// workerIdle is how long a goroutine without work is kept.
const workerIdle = 2 * time.Second

func (p *pool) worker(job func()) {
	defer func() { <-p.slots }()
	timer := time.NewTimer(workerIdle)
	defer timer.Stop()
	for {
		job()
		timer.Reset(workerIdle)
		select {
		case job = <-p.work:
		case <-timer.C:
			return
		case <-p.done:
			return
		}
	}
}

// close ends the pool's goroutines; nothing runs in it any more.
func (p *pool) close() {
	close(p.done)
	p.all.Wait()
}

// caller makes remote calls.
type caller struct {
	pool     *pool
	troubles *troubles
	errors   func(errorKind)                     // counts
	draw     func(purpose string, n int) float64 // spreads the waits
}

// once makes one attempt.
func (c caller) once(ctx context.Context, f func(context.Context) error) error {
	var err error
	stopped := c.pool.run(ctx, func() {
		limited, cancel := context.WithTimeout(ctx, callTimeout)
		defer cancel()
		err = f(limited)
	})
	if stopped != nil {
		return stopped
	}
	if err != nil && ctx.Err() == nil {
		c.errors(classify(err))
	}
	return err
}

// persist makes a call again and again until it succeeds, its error is one that repeating does not mend, or ctx ends.
// tick, which may be nil, shows meanwhile that the loop is alive.
func (c caller) persist(ctx context.Context, place string, tick func(), f func(context.Context) error) error {
	for n := 0; ; n++ {
		err := c.once(ctx, f)
		if ctx.Err() != nil && err != nil {
			return context.Cause(ctx)
		}
		delay, repeat := classify(err).delay(n, c.draw(place, n))
		if !repeat { // there is an answer, good or bad
			c.troubles.mend(place)
			return err
		}
		c.complain(place, err)
		if err := rest(ctx, delay, tick); err != nil {
			return err
		}
	}
}

// complain reports a call's failure.
func (c caller) complain(place string, err error) {
	kind := classify(err)
	c.troubles.report(place, err, kind == denied || kind == refused)
}

// rest waits for d, or until ctx ends, whose cause it returns.
func rest(ctx context.Context, d time.Duration, tick func()) error {
	for d > 0 {
		part := min(d, tickEvery)
		if tick == nil {
			part = d
		} else {
			tick()
		}
		timer := time.NewTimer(part)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return context.Cause(ctx)
		}
		d -= part
	}
	if tick != nil {
		tick()
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return nil
}

// once, onceStreams and onceQueue keep the SDK from repeating a call: each error has its own remedy here, and a repetition that
// nobody sees would make the budgets of calls and the deadlines of leases wrong. So any client will do.
func once(o *dynamodb.Options) { o.Retryer = aws.NopRetryer{} }

func onceStreams(o *dynamodbstreams.Options) { o.Retryer = aws.NopRetryer{} }

func onceQueue(o *sqs.Options) { o.Retryer = aws.NopRetryer{} }
