package notifier

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"inventoryd/internal/inventory"
)

// Status is a snapshot for /status and the page. The sums are since the start.
type Status struct {
	Topic      string     `json:"topic"` // its ARN; the configured text while it is not resolved
	Resolved   bool       `json:"resolved"`
	Sending    bool       `json:"sending"` // false: shadow mode
	Published  int64      `json:"published"`
	Failed     int64      `json:"failed"`
	Suppressed int64      `json:"suppressed"` // by the cooldown
	Outdated   int64      `json:"outdated"`
	Unusable   int64      `json:"unusable"` // changes
	Problem    string     `json:"problem,omitempty"`
	Last       *LastAlert `json:"last,omitempty"`
}

// LastAlert is the alert that was accepted last.
type LastAlert struct {
	At    time.Time `json:"at"` // by this machine's clock
	Store string    `json:"store"`
	Item  string    `json:"item"`
	Event Event     `json:"event"`
}

// Status returns the present snapshot.
func (n *Notifier) Status() Status {
	s := Status{
		Topic:      n.config.Topic,
		Sending:    n.settings.Load().send,
		Published:  n.meters.published.sum.Load(),
		Failed:     n.meters.failed.sum.Load(),
		Suppressed: n.meters.suppressed.sum.Load(),
		Outdated:   n.meters.outdated.sum.Load(),
		Unusable:   n.meters.unusable.sum.Load(),
	}
	if err := n.Ready(); err != nil {
		s.Problem = err.Error()
	}
	n.memory.mu.Lock()
	defer n.memory.mu.Unlock()
	s.Last = n.memory.last
	if n.memory.topic != nil {
		s.Topic, s.Resolved = n.memory.topic.arn, true
	}
	return s
}

// problemKept is how long a failure counts that is neither repeated nor followed by a success: the reader tries again
// every 30 s at least, so after that the shard is another instance's.
const problemKept = 2 * time.Minute

// Ready is nil, or says why alerts do not get out: the topic is not known, or the last call of Handle that had
// something to tell failed for a reason that may pass.
func (n *Notifier) Ready() error {
	m := &n.memory
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case m.problem != nil && (m.topic == nil || n.config.wall().Sub(m.since) < problemKept):
		return m.problem
	case m.topic == nil:
		return fmt.Errorf("topic %s is not looked up yet", n.config.Topic)
	}
	return nil
}

// memory is what a Notifier remembers between calls.
type memory struct {
	mu      sync.Mutex // guards what follows; never held over a call
	topic   *topic     // nil until it is resolved
	problem error      // of the last call that had something to do; nil: none
	since   time.Time  // of problem
	last    *LastAlert
}

// noteOutcome remembers how a call that had something to do ended. A permanent failure is the change's, not ours.
func (m *memory) noteOutcome(err error, now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var f *inventory.Failure
	if err == nil || errors.As(err, &f) && f.Permanent {
		m.problem = nil
		return
	}
	m.problem, m.since = err, now
}

// noteAccepted remembers the alert that was accepted last.
func (m *memory) noteAccepted(a *Alert, now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.last = &LastAlert{now, strings.Clone(a.Store), strings.Clone(a.Item), a.Event} // of a page's memory
}
