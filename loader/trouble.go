package loader

// Dependencies that are in trouble: they make the loader not ready, and those that every load needs stop the intake.

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"inventoryd/internal/sleep"
)

const (
	troubleShown = 5 * time.Second  // of trouble, before the loader is not ready: a throttle or two is no trouble
	troubleOver  = 60 * time.Second // after the time for the next try without news, a trouble counts as over
	troubleTold  = time.Minute      // how often a trouble that lasts is logged
	firstPause   = 100 * time.Millisecond
	lastPause    = 5 * time.Second
	shutPause    = 30 * time.Second
)

// scope says whom a dependency stops while it is in trouble: a property of the dependency, not of the call.
type scope int

const (
	stopsNone   scope = iota // but those who need it just now
	stopsBucket              // whoever wants to read of the bucket
	stopsAll                 // everything: no message is received
)

// dependency is what loads depend on.
type dependency struct {
	name  string
	stops scope
}

var (
	theQueue  = dependency{"queue", stopsAll}
	theTable  = dependency{"table", stopsAll}
	theState  = dependency{"state table", stopsAll}
	theReport = dependency{"rejects", stopsNone}
	theDisk   = dependency{"temporary files", stopsNone}
)

func bucketOf(name string) dependency  { return dependency{"bucket " + name, stopsBucket} }
func objectsOf(name string) dependency { return dependency{"objects of bucket " + name, stopsNone} }

// troubles holds what is wrong with each dependency. It is safe for concurrent use.
type troubles struct {
	log *zap.Logger

	count atomic.Int64 // of known; lets the frequent good news pass without the lock
	mu    sync.Mutex   // guards known
	known map[dependency]*trouble
}

type trouble struct {
	err         error
	shut        bool
	since, over time.Time // over: when it counts as over without news
	told        time.Time
	failures    int // since it was told
}

// report tells that a call to the dependency failed, which is tried again after a while.
func (t *troubles) report(d dependency, f *failure, again time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := time.Now()
	is := t.known[d]
	if is == nil || now.After(is.over) {
		is = &trouble{since: now}
		if t.known == nil {
			t.known = map[dependency]*trouble{}
		}
		t.known[d] = is
		t.count.Store(int64(len(t.known)))
	}
	is.err, is.shut, is.over = f.err, f.shut, now.Add(again+troubleOver)
	is.failures++
	switch {
	case is.told.IsZero():
		t.log.Warn("dependency failing", zap.String("dependency", d.name), zap.Error(f.err))
	case now.Sub(is.told) >= troubleTold:
		t.log.Warn("dependency still failing", zap.String("dependency", d.name), zap.Int("failures", is.failures),
			zap.Duration("lasting", now.Sub(is.since).Round(time.Millisecond)), zap.Error(f.err))
	default:
		return
	}
	is.told, is.failures = now, 0
}

// clear tells that the dependency answers.
func (t *troubles) clear(d dependency) {
	if t.count.Load() == 0 {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	is := t.known[d]
	if is == nil {
		return
	}
	delete(t.known, d)
	t.count.Store(int64(len(t.known)))
	if lasted := time.Since(is.since); lasted > troubleShown {
		t.log.Info("dependency recovered", zap.String("dependency", d.name), zap.Duration("after", lasted.Round(time.Millisecond)))
	}
}

// stopping reports whether something that every load needs is in trouble, but for what the caller tries itself.
func (t *troubles) stopping(but ...dependency) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	for d, is := range t.known {
		if d.stops == stopsAll && time.Now().Before(is.over) && !slices.Contains(but, d) {
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
	for d, is := range t.known {
		if shown := is.shut || time.Since(is.since) >= troubleShown; shown && time.Now().Before(is.over) {
			reasons = append(reasons, fmt.Sprintf("%s, since %s: %v", d.name, is.since.UTC().Format(time.RFC3339), is.err))
		}
	}
	slices.Sort(reasons)
	return reasons
}

// pause is how long to wait after a failure, that being so many in a row.
func (f *failure) pause(failures int) time.Duration {
	if f.shut || f.of == toSpill { // a disk is not emptied soon
		return shutPause
	}
	return pause(failures)
}

func pause(failures int) time.Duration {
	return firstPause + rand.N(min(firstPause<<min(failures, 10), lastPause))
}

// insist calls f, which has that long each time, until it succeeds or ctx ends, whose cause it returns: a dependency
// that fails is no message's fault.
func (l *Loader) insist(ctx context.Context, d dependency, of asked, limit time.Duration, f func(context.Context) error) error {
	for failures := 0; ; failures++ {
		call, cancel := context.WithTimeout(ctx, limit)
		err := f(call)
		cancel()
		if ctx.Err() != nil && err != nil {
			return context.Cause(ctx)
		}
		if err == nil {
			l.troubles.clear(d)
			return nil
		}
		problem := failed(of, err)
		again := problem.pause(failures)
		l.troubles.report(d, problem, again)
		if err := sleep.For(ctx, again); err != nil {
			return err
		}
	}
}
