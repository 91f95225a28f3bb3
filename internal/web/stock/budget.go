package stock

// The budget of read units, which all readings share.

import (
	"context"
	"sync"
	"time"
)

// budget lets readings begin while something is left of it. What a call costs is known only afterwards: then it is taken,
// and the debt is paid off before the next one begins. So the mean holds over any time, up to what can be saved (an
// interval's worth) and the calls under way.
type budget struct {
	mu   sync.Mutex // guards what follows
	rate float64    // units a second
	have float64
	at   time.Time // when have was right
}

func newBudget(rate int) *budget {
	return &budget{rate: float64(rate), have: float64(rate) * Interval.Seconds(), at: time.Now()}
}

func (b *budget) setRate(rate int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.fill()
	b.rate = float64(rate)
}

// fill adds what has come in since.
func (b *budget) fill() {
	now := time.Now()
	b.have = min(b.have+b.rate*now.Sub(b.at).Seconds(), b.rate*Interval.Seconds())
	b.at = now
}

// spend takes what a call has cost.
func (b *budget) spend(units float64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.fill()
	b.have -= units
}

// debt is how long it takes until a call may begin.
func (b *budget) debt() time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.fill()
	if b.have > 0 {
		return 0
	}
	return time.Duration((0.5-b.have)/b.rate*float64(time.Second)) + time.Millisecond
}

// wait returns when a call may begin.
func (b *budget) wait(ctx context.Context) error {
	for {
		d := b.debt()
		if d == 0 {
			return ctx.Err()
		}
		timer := time.NewTimer(d)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		}
	}
}
