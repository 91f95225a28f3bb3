package main

// What is measured of the daemon as a whole: this machine's clock against the services', and whether the last reload worked.

import (
	"context"
	"errors"
	"sync"
	"time"

	"go.opentelemetry.io/otel/metric"
)

// clock compares this machine's clock with the Date of the services' answers, which has whole seconds and is as old as the
// answer was under way: so of the last minutes' answers the one that differs the most to the front is the nearest to the truth.
type clock struct {
	mu       sync.Mutex // guards what follows
	windows  [2]window  // the present one and the one before
	measured bool
}

// window is the answers of some time.
type window struct {
	began time.Time
	skew  time.Duration
}

// clockWindow is how long one window lasts.
const clockWindow = time.Minute

// observe takes an answer's Date, and when it came by this machine's clock.
func (c *clock) observe(date, came time.Time) {
	skew := date.Round(0).Sub(came.Round(0)) // without the monotonic clock
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case !c.measured:
		c.windows = [2]window{{came, skew}, {came, skew}}
		c.measured = true
	case came.Sub(c.windows[0].began) >= clockWindow:
		c.windows = [2]window{{came, skew}, c.windows[0]}
	default:
		c.windows[0].skew = max(c.windows[0].skew, skew)
	}
}

// Skew is by how much the services' clocks are ahead of this machine's; within about a second. false: no service has answered.
func (c *clock) Skew() (time.Duration, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return max(c.windows[0].skew, c.windows[1].skew), c.measured
}

// reloads remembers how the last reload of the configuration went.
type reloads struct {
	mu   sync.Mutex // guards last
	last *reloadStatus
}

// reloadStatus is what /status tells of it.
type reloadStatus struct {
	OK    bool      `json:"ok"`
	At    time.Time `json:"at"`
	Error string    `json:"error,omitempty"`
}

func (r *reloads) note(err error) {
	s := reloadStatus{OK: err == nil, At: time.Now().UTC()}
	if err != nil {
		s.Error = err.Error()
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.last = &s
}

// Last is nil before the first reload.
func (r *reloads) Last() *reloadStatus {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.last
}

// measure makes metrics of both.
func measure(meter metric.Meter, c *clock, r *reloads) error {
	skew, err1 := meter.Float64ObservableGauge("clock.skew.seconds", metric.WithDescription("By how much the services' clocks are ahead of this machine's."))
	failed, err2 := meter.Int64ObservableGauge("reload.failed", metric.WithDescription("1 where the last reload of the configuration failed."))
	_, err3 := meter.RegisterCallback(func(_ context.Context, o metric.Observer) error {
		if s, measured := c.Skew(); measured {
			o.ObserveFloat64(skew, s.Seconds())
		}
		var n int64
		if last := r.Last(); last != nil && !last.OK {
			n = 1
		}
		o.ObserveInt64(failed, n)
		return nil
	}, skew, failed)
	return errors.Join(err1, err2, err3)
}
