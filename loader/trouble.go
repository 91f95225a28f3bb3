package loader

// Dependencies that are in trouble: they make the loader not ready, and most stop the intake.

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

const (
	troubleShown = 5 * time.Second  // of trouble, before the loader is not ready: a throttle or two is no trouble
	troubleOver  = 60 * time.Second // without news of a trouble it counts as over: nobody has asked that dependency since
	firstPause   = 100 * time.Millisecond
	lastPause    = 5 * time.Second
	deniedPause  = 30 * time.Second
)

// troubles holds what is wrong with each dependency. It is safe for concurrent use.
type troubles struct {
	count atomic.Int64 // of known; lets the frequent good news pass without the lock
	mu    sync.Mutex   // guards known
	known map[string]trouble
}

type trouble struct {
	err         error
	since, last time.Time
	stops       bool // it stops the intake
}

// report tells that a call to the dependency failed. It reports whether that is news.
func (t *troubles) report(dependency string, stops bool, err error) (news bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := time.Now()
	had, ok := t.known[dependency]
	news = !ok || now.Sub(had.last) > troubleOver
	if news {
		had.since = now
	}
	if t.known == nil {
		t.known = map[string]trouble{}
	}
	t.known[dependency] = trouble{err: err, since: had.since, last: now, stops: stops}
	t.count.Store(int64(len(t.known)))
	return news
}

// clear tells that a call to the dependency succeeded. It reports for how long it had not.
func (t *troubles) clear(dependency string) (lasted time.Duration) {
	if t.count.Load() == 0 {
		return 0
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	had, ok := t.known[dependency]
	if !ok {
		return 0
	}
	delete(t.known, dependency)
	t.count.Store(int64(len(t.known)))
	return time.Since(had.since)
}

// stopping reports whether there is a trouble that stops the intake.
func (t *troubles) stopping() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, had := range t.known {
		if had.stops && time.Since(had.last) <= troubleOver {
			return true
		}
	}
	return false
}

// reasons lists the troubles that have lasted.
func (t *troubles) reasons() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	var reasons []string
	for dependency, had := range t.known {
		shown := denied(had.err) || time.Since(had.since) >= troubleShown
		if shown && time.Since(had.last) <= troubleOver {
			reasons = append(reasons, fmt.Sprintf("%s, since %s: %v", dependency, had.since.UTC().Format(time.RFC3339), had.err))
		}
	}
	slices.Sort(reasons)
	return reasons
}

// pause is how long to wait after an error, that being so many failures in a row.
func pause(err error, failures int) time.Duration {
	if denied(err) {
		return deniedPause
	}
	return firstPause + rand.N(min(firstPause<<min(failures, 10), lastPause))
}

// sleep waits for d, or for the end of ctx, whose cause it returns.
func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
