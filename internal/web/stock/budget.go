package stock

// The budget of read units, which all readings share.

import (
	"context"
	"sync"
	"time"
)

// budget lets readings begin while something is left of it. What a call costs is known only afterwards: then it is taken,
// and the debt is paid off before the next one begins. So the mean holds over any time, up to what can be saved (mostSaved
// and mostHeld) and the calls under way.
//
// A part of what comes in is put by for whoever waits for a view that there is not yet: without it the readings that go on
// for those who look already would leave nothing, and a store would be seen only after its whole cost had come in. They get
// the rest, however many come to wait.
type budget struct {
	mu    sync.Mutex // guards what follows
	rate  float64    // units a second
	have  float64    // for everybody
	saved float64    // for who waits
	at    time.Time  // when both were right
}

const (
	putBy     = 0.2 // of what comes in, until mostSaved is there
	mostSaved = 2.5 // seconds' worth: at 50 units a second, a store of 10,000 items of 100 bytes
	mostHeld  = 0.5
)

// purse is what a call is paid from.
type purse int

const (
	forAll     purse = iota // what is there for everybody
	forWaiters              // what is put by for who waits; where that is empty, what is there for everybody
)

func newBudget(rate int) *budget {
	r := float64(rate)
	return &budget{rate: r, have: mostHeld * r, saved: mostSaved * r, at: time.Now()}
}

func (b *budget) setRate(rate int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.fill()
	b.rate = float64(rate)
}

// fill adds what has come in since. What one share has no room for, the other one gets.
func (b *budget) fill() {
	now := time.Now()
	in := b.rate * now.Sub(b.at).Seconds()
	b.at = now
	mine := min(in*putBy, max(0, mostSaved*b.rate-b.saved))
	rest := min(in-mine, max(0, mostHeld*b.rate-b.have))
	b.have += rest
	b.saved = min(b.saved+in-rest, mostSaved*b.rate)
}

// spend takes what a call has cost from one purse, though it may hold less.
func (b *budget) spend(units float64, from purse) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.fill()
	if from == forWaiters && b.saved > 0 {
		b.saved -= units
	} else {
		b.have -= units
	}
}

// saving tells whether there is something for who waits.
func (b *budget) saving() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.fill()
	return b.saved > 0
}

// debt is how long it takes, at least, until a call may begin.
func (b *budget) debt(from purse) time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.fill()
	if b.have > 0 || from == forWaiters && b.saved > 0 {
		return 0
	}
	return time.Duration((0.5-b.have)/b.rate*float64(time.Second)) + time.Millisecond
}

// wait returns when a call may begin.
func (b *budget) wait(ctx context.Context, from purse) error {
	for {
		d := b.debt(from)
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
