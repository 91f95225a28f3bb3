package lanes

import (
	"context"
	"sync"
	"time"

	"inventoryd/internal/sleep"
)

// Pace is the adaptive rate limiter of one table, shared by all that write to it. It begins at what the table is said to
// take, or without a limit where nobody says; when the table throttles it goes down to what that has been taking, and up
// again slowly. The zero Pace is ready.
type Pace struct {
	// Admits asks what the table takes, in write units per second; it is asked each minute. nil: nobody knows.
	Admits func(context.Context) (units float64, err error)

	mu    sync.Mutex // guards what follows; never held over a wait
	p     pace
	asked time.Time
}

// askEvery and askFor bound how often, and for how long, Admits is asked.
const (
	askEvery = time.Minute
	askFor   = 2 * time.Second
)

// ask asks Admits when it is time, and one caller only. What it does not answer stays as it was.
func (p *Pace) ask(ctx context.Context) {
	p.mu.Lock()
	now := time.Now()
	due := p.Admits != nil && now.Sub(p.asked) >= askEvery
	if due {
		p.asked = now
	}
	p.mu.Unlock()
	if !due {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, askFor)
	defer cancel()
	if units, err := p.Admits(ctx); err == nil {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.p.admit(time.Now(), units)
	}
}

// Take waits until n rows may be written.
func (p *Pace) Take(ctx context.Context, n int) error {
	p.ask(ctx)
	for {
		p.mu.Lock()
		wait := p.p.take(time.Now(), n)
		p.mu.Unlock()
		if wait <= 0 {
			return ctx.Err()
		}
		if err := sleep.For(ctx, wait); err != nil {
			return err
		}
	}
}

// Done tells that n rows were written.
func (p *Pace) Done(n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.p.done(time.Now(), n)
}

// Consumed tells how many write units a call took.
func (p *Pace) Consumed(units float64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.p.units += units
}

// Slow tells that the table throttled, or left rows unprocessed.
func (p *Pace) Slow() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.p.slow(time.Now())
}

// Fail tells that a call to the table failed otherwise. While one after the other fails, one at a time is let through.
func (p *Pace) Fail() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.p.fail(time.Now())
}

// Rate is the present limit in rows per second; 0 is none.
func (p *Pace) Rate() float64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.p.rate / p.p.cost()
}

// How a pace adapts; the others are a store's.
const (
	slowest  = BatchSize              // units per second
	rise     = 1.1                    // per window while nobody knows what is too much
	settle   = 500 * time.Millisecond // throttles within that long are one
	window   = time.Second            // over which the table's intake is measured
	unknown  = 4000                   // units per second, before there is a measure: what a new table on demand takes
	shortest = 100 * time.Millisecond // of a window that a measure is taken from
	longest  = 250 * time.Millisecond // of a wait for the rate, which may rise meanwhile

	patience = 4 // failures in a row that are no sign of a table in trouble
)

// pace is the pure core: a token bucket whose rate follows the table.
type pace struct {
	rate     float64 // units per second; 0: no limit
	admitted float64 // what the table is said to take; 0: nobody knows
	limit    float64 // of units per second that were too much; 0: none was yet
	tokens   float64 // may be below zero: a batch is taken whole
	filled   time.Time
	slowed   time.Time // when the rate went down last
	held     bool      // the rate has held rows up in the present window

	began       time.Time // of the present window
	rows, units float64   // written, consumed in it
	measured    float64   // units per second in the last one
	perRow      float64   // units; 0: no measure yet

	failures int           // in a row
	pause    time.Duration // before the next call; 0: the table is not in trouble
	next     time.Time     // when it may be made
}

// take takes n rows out of the bucket, or says how long to wait before asking again.
func (p *pace) take(now time.Time, n int) (wait time.Duration) {
	if p.pause > 0 {
		if now.Before(p.next) {
			return p.next.Sub(now)
		}
		p.pause = min(2*p.pause, lastPause)
		p.next = now.Add(p.pause)
	}
	if p.rate == 0 {
		return 0
	}
	p.tokens = min(p.tokens+now.Sub(p.filled).Seconds()*p.rate, max(BatchSize, p.rate*burst.Seconds()))
	p.filled = now
	if p.tokens <= 0 {
		p.held = true
		return min(longest, time.Duration((1-p.tokens)/p.rate*float64(time.Second)))
	}
	p.tokens -= float64(n) * p.cost()
	return 0
}

// cost is how many units a row takes.
func (p *pace) cost() float64 {
	if p.perRow == 0 {
		return 1
	}
	return p.perRow
}

// admit notes what the table is said to take.
func (p *pace) admit(now time.Time, units float64) {
	if units == p.admitted {
		return
	}
	p.admitted = units
	if units > 0 {
		p.rate, p.limit, p.filled, p.tokens = nearly*units, 0, now, min(p.tokens, 0) // at all of it partitions would be full by chance
		p.slowed = now
	}
}

// fail notes a failure; take lengthens the pause with each call that it lets through.
func (p *pace) fail(now time.Time) {
	if p.failures++; p.failures > patience && p.pause == 0 {
		p.pause = firstPause
		p.next = now.Add(p.pause)
	}
}

func (p *pace) done(now time.Time, n int) {
	p.failures, p.pause, p.next = 0, 0, time.Time{}
	if p.began.IsZero() {
		p.began = now
	}
	p.rows += float64(n)
	if elapsed := now.Sub(p.began); elapsed >= window {
		if p.units > 0 && p.rows >= BatchSize {
			p.perRow = p.units / p.rows
		}
		p.measured = p.rows * p.cost() / elapsed.Seconds()
		switch limit := max(p.limit, p.admitted); {
		case p.rate == 0 || !p.held || now.Sub(p.slowed) < window:
		case limit == 0:
			p.rate *= rise
		default:
			p.rate = faster(p.rate, limit, now.Sub(p.slowed))
		}
		p.began, p.rows, p.units, p.held = now, 0, 0, false
	}
}

func (p *pace) slow(now time.Time) {
	if now.Sub(p.slowed) < settle {
		return
	}
	p.slowed = now
	took := p.measured
	switch {
	case took > 0:
	case p.admitted > 0: // it may have been used by others until now: stores slow down by themselves
		took = p.admitted
	default:
		took = unknown
	}
	if elapsed := now.Sub(p.began); !p.began.IsZero() && elapsed >= shortest {
		took = max(took, p.rows*p.cost()/elapsed.Seconds())
	}
	if p.rate == 0 || took < p.rate {
		p.rate = took
	}
	if p.admitted > 0 && p.rate > p.admitted { // it was lent, from what the table had saved
		p.rate = p.admitted
	}
	p.limit = p.rate
	p.rate = max(p.rate*cutTo, slowest)
	p.tokens, p.filled = min(p.tokens, 0), now
}
