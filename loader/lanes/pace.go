package lanes

import (
	"context"
	"sync"
	"time"
)

// Pace is the adaptive rate limiter of one table, shared by all that write to it. It knows no limit until the table
// throttles; then it goes down to what the table has been taking, and up again slowly. The zero Pace is ready.
type Pace struct {
	mu sync.Mutex // guards p; never held over a wait
	p  pace
}

// Take waits until n rows may be written.
func (p *Pace) Take(ctx context.Context, n int) error {
	for {
		p.mu.Lock()
		wait := p.p.take(time.Now(), n)
		p.mu.Unlock()
		if wait <= 0 {
			return ctx.Err()
		}
		if err := sleep(ctx, wait); err != nil {
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
	return p.p.rate
}

// How a pace adapts.
const (
	slowest  = BatchSize              // rows per second
	backTo   = 0.8                    // of what the table took, once it throttles
	settle   = 500 * time.Millisecond // throttles within that long are one
	window   = time.Second            // over which the table's intake is measured
	speedUp  = 1.1                    // per window without a throttle
	unknown  = 1000                   // rows per second taken for granted before there is a measure: one partition's
	shortest = 100 * time.Millisecond // of a window that a measure is taken from
	longest  = 250 * time.Millisecond // of a wait for the rate, which may rise meanwhile

	patience = 4 // failures in a row that are no sign of a table in trouble
)

// pace is the pure core: a token bucket whose rate follows the table.
type pace struct {
	rate   float64 // rows per second; 0: no limit
	tokens float64 // may be below zero: a batch is taken whole
	filled time.Time
	slowed time.Time // when the rate went down last

	began    time.Time // of the present window
	rows     float64   // written in it
	measured float64   // rows per second in the last one

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
	p.tokens = min(p.tokens+now.Sub(p.filled).Seconds()*p.rate, max(BatchSize, p.rate/10))
	p.filled = now
	if p.tokens <= 0 {
		return min(longest, time.Duration((1-p.tokens)/p.rate*float64(time.Second)))
	}
	p.tokens -= float64(n)
	return 0
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
		p.measured = p.rows / elapsed.Seconds()
		p.began, p.rows = now, 0
		if p.rate > 0 && now.Sub(p.slowed) >= window {
			p.rate = max(p.rate*speedUp, p.rate+slowest)
		}
	}
}

func (p *pace) slow(now time.Time) {
	if now.Sub(p.slowed) < settle {
		return
	}
	p.slowed = now
	took := p.measured
	if took == 0 {
		took = unknown
	}
	if elapsed := now.Sub(p.began); !p.began.IsZero() && elapsed >= shortest {
		took = max(took, p.rows/elapsed.Seconds())
	}
	if p.rate == 0 || took < p.rate {
		p.rate = took
	}
	p.rate = max(p.rate*backTo, slowest)
	p.tokens, p.filled = min(p.tokens, 0), now
}

// sleep waits for d or for the end of ctx, whose error it returns.
func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
