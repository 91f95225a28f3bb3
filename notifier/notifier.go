// Package notifier turns changes of the inventory into messages on an SNS topic: who restocks is told what has run out
// (and, where wished, what came back), once for each time, grouped by store.
//
// It is an outbox. Handle writes what has changed into the items' rows, durably and before the stream goes on
// (detect.go, handle.go). One instance, the teller (teller.go), finds what is due in an index (find.go), verifies it
// against the table (turn.go; machine.go is the one table of states), writes messages down (parts.go, outbox.go),
// publishes them at a bounded rate (gate.go, publish.go), marks the items as told and writes the history (deliver.go).
//
// So nothing waits for SNS, and what is due waits as long as it takes. An alert is never lost; repeated is only what was
// between SNS's answer and its record at a crash or a fence: at most 4 messages, and none on a FIFO topic within SNS's
// 5 minutes of deduplication.
package notifier

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"
	"golang.org/x/time/rate"
)

// Notifier handles batches of changes and tells what they lead to. Make one with New, Start it, then Run it.
type Notifier struct {
	clients Clients
	config  Config // as of New; what Apply may change is in settings
	log     *zap.Logger
	meters  *instruments

	settings atomic.Pointer[settings]
	slots    chan struct{} // one for each row that is being written by Handle
	queue    *queue
	gate     *gate
	clock    clock
	resweep  chan struct{} // the rules have changed
	resynced chan struct{} // a resync may have been asked for
	judged   chan struct{} // the threshold has changed

	unusable, removed, broken, failures, badText, unwritten sampler // lines of the log at most once a minute
	noOldImages                                             sync.Once

	memory memory
}

// Clients are the AWS clients that a Notifier calls.
type Clients struct {
	SNS   Topics // with the SDK's retries
	State Rows   // of the state table; without the SDK's retries
	Table Counts // of the inventory's table; without the SDK's retries
}

// settings is what Apply changes: the rules, the pace and the texts.
type settings struct {
	Rules
	Pace
	texts *texts
	send  bool
}

// New checks the configuration and prepares the templates; it calls nothing.
func New(clients Clients, c Config) (*Notifier, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	if c.Logger == nil {
		c.Logger = zap.NewNop()
	}
	n := &Notifier{
		clients: clients, config: c, log: c.Logger,
		slots: make(chan struct{}, c.InFlight), queue: newQueue(c.Pace), gate: newGate(c.Rate),
		resweep: make(chan struct{}, 1), resynced: make(chan struct{}, 1), judged: make(chan struct{}, 1),
	}
	var err error
	if n.meters, err = newInstruments(c.Meter, n.dueNow); err != nil {
		return nil, err
	}
	return n, n.apply(c)
}

// jitter is a part of a wait, at random.
func (n *Notifier) jitter(wait time.Duration) time.Duration {
	if n.config.jitter != nil {
		return n.config.jitter(wait)
	}
	return rand.N(wait)
}

// Start looks for the topic. It fails only where its name fits several. A topic that does not exist yet, an outage or
// denied access show in Ready; Run looks again, and what is due waits.
func (n *Notifier) Start(ctx context.Context) error {
	_, err := n.resolvedTopic(ctx)
	if ambiguous := (*ambiguousTopic)(nil); errors.As(err, &ambiguous) {
		return err
	}
	if err != nil && ctx.Err() == nil {
		if count, due := n.failures.add(1); due {
			n.log.Warn("messages do not get out, what is due waits", zap.Int("attempts", count), zap.Error(err))
		}
		n.memory.notePublishing(err)
	}
	return ctx.Err()
}

// Apply takes over what may change while running: the rules, the pace, the texts and whether to send. An invalid Config
// changes nothing, and is logged.
func (n *Notifier) Apply(c Config) {
	was := n.settings.Load()
	if err := n.apply(c); err != nil {
		n.log.Error("new settings of the notifier not applied", zap.Error(err))
		return
	}
	if was.Cooldown != c.Cooldown || was.Remind != c.Remind || was.Restocked != c.Restocked {
		signal(n.resweep)
	}
	if was.Threshold != c.Threshold {
		signal(n.judged)
	}
}

func (n *Notifier) apply(c Config) error {
	if err := c.Validate(); err != nil {
		return err
	}
	texts, err := compile(c.Text)
	if err != nil {
		return err
	}
	c.ThresholdAttribute = n.config.ThresholdAttribute
	n.settings.Store(&settings{c.Rules, c.Pace, texts, c.Send})
	n.queue.set(c.Pace)
	n.gate.limiter.SetLimit(rate.Limit(c.Rate))
	return nil
}

// signal wakes who waits on the channel, of one place.
func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// noteBrokenText logs a template that does not work for an alert, at most once a minute.
func (n *Notifier) noteBrokenText(err error) {
	if count, due := n.badText.add(1); due {
		n.log.Error("message told in plain words because a template does not work for it", zap.Int("messages", count), zap.Error(err))
	}
}
