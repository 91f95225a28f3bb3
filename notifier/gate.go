package notifier

// The gate: when the next message may go, how many a second, and how long to wait while SNS does not take any.

import (
	"context"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"inventoryd/internal/sleep"
)

// burst is how many messages may go at once.
const burst = 5

// While nothing can be published, the teller tries again after
const (
	firstHold = 10 * time.Second // doubled each time, up to
	mostHold  = 5 * time.Minute
	// yieldAfter is how long publishing fails before another instance is asked to tell.
	yieldAfter = 2 * time.Minute
)

// gate lets one worker at a time wait for what is most urgent, so that each message is chosen when it may go.
type gate struct {
	entry   chan struct{} // holds one token: who has it waits for the next work
	limiter *rate.Limiter

	mu      sync.Mutex // guards what follows
	spare   int        // messages that were allowed and not sent
	hold    time.Duration
	until   time.Time // no attempt before; on the monotonic clock
	failing time.Time // since when publishing fails; zero: it does not
	yielded time.Time
}

func newGate(r float64) *gate {
	g := &gate{entry: make(chan struct{}, 1), limiter: rate.NewLimiter(rate.Limit(r), burst)}
	g.entry <- struct{}{}
	return g
}

// allow waits until one message may go.
func (g *gate) allow(ctx context.Context) error {
	g.mu.Lock()
	if g.spare > 0 {
		g.spare--
		g.mu.Unlock()
		return nil
	}
	g.mu.Unlock()
	return g.limiter.Wait(ctx)
}

// allowNext is allow for a message of a turn, of which the first is allowed already.
func (g *gate) allowNext(ctx context.Context, w *work) error {
	if !w.used {
		w.used = true
		return nil
	}
	return g.allow(ctx)
}

// giveBack returns what was allowed and not used.
func (g *gate) giveBack() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.spare < burst {
		g.spare++
	}
}

// calm waits until the next attempt may be made.
func (g *gate) calm(ctx context.Context) error {
	for {
		g.mu.Lock()
		left := time.Until(g.until)
		g.mu.Unlock()
		if left <= 0 {
			return ctx.Err()
		}
		if sleep.For(ctx, left) != nil {
			return ctx.Err()
		}
	}
}

// failed reports whether publishing fails, so that one attempt at a time is enough.
func (g *gate) failed() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return !g.failing.IsZero()
}

// fail notes an attempt that failed, and reports whether another instance is to be asked to tell.
func (g *gate) fail() (yield bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := time.Now()
	if g.failing.IsZero() {
		g.failing, g.yielded = now, now
	}
	if !now.Before(g.until) { // else one that began together with the last
		g.hold = min(max(2*g.hold, firstHold), mostHold)
		g.until = now.Add(g.hold)
	}
	if now.Sub(g.yielded) >= yieldAfter {
		g.yielded = now
		return true
	}
	return false
}

// succeed notes that SNS takes messages.
func (g *gate) succeed() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.hold, g.until, g.failing = 0, time.Time{}, time.Time{}
}
