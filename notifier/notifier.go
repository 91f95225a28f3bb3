// Package notifier turns changes of the inventory into alerts on an SNS topic: who restocks is told when an item runs
// out (and, where wished, when it comes back), once for each time.
//
// A change is judged by its images (detect.go): an alert is due when the new image is out of stock and the old one was
// not, or there was none. An item's alert row in the state table holds the position of the last transition applied
// (rows.go), so a change that comes again is recognised (plan.go). What is due is written as a message (message.go),
// published by batches (publish.go), and marked in the row after SNS has accepted it (deliver.go).
//
// An alert is never lost. It is repeated only for what is in flight at a crash, a fence or a lost response: at most
// 10 × `notifier.in_flight` for each such event, and none on a FIFO topic within SNS's 5 minutes of deduplication.
package notifier

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"inventoryd/internal/inventory"
)

// Notifier handles batches of changes. Make one with New, then Start it. It has no goroutine of its own: those of a
// call of Handle end before it returns.
type Notifier struct {
	clients Clients
	config  Config // as of New; what Apply may change is in settings
	log     *zap.Logger
	meters  *instruments

	settings atomic.Pointer[settings]
	slots    chan struct{} // one for each batch of messages in flight

	unusable, removed, broken sampler // lines of the log at most once a minute
	noOldImages               sync.Once

	receipts receipts
	memory   memory
}

// Clients are the AWS clients that a Notifier calls.
type Clients struct {
	SNS   Topics // with the SDK's retries: a batch that SNS throttles is tried again at once
	State Rows   // of the state table; without the SDK's retries
	Table Counts // of the inventory's table; without the SDK's retries
}

// settings is what Apply changes: the rules and the texts made of them.
type settings struct {
	Rules
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
	if c.wall == nil {
		c.wall = time.Now
	}
	meters, err := newInstruments(c.Meter)
	if err != nil {
		return nil, err
	}
	n := &Notifier{
		clients:  clients,
		config:   c,
		log:      c.Logger,
		meters:   meters,
		slots:    make(chan struct{}, c.InFlight),
		receipts: receipts{limit: maxEntries * c.InFlight, held: map[string]receipt{}},
	}
	return n, n.apply(c)
}

// Start resolves the topic. It fails only where the configuration is wrong: the topic does not exist, or its name fits
// several. While SNS is down or denies access it returns nil after the SDK's attempts: then Ready says why, Run and
// Handle try again, and until they succeed a Handle with something to tell fails as transient.
func (n *Notifier) Start(ctx context.Context) error {
	_, err := n.resolvedTopic(ctx)
	if wrong := (*topicError)(nil); errors.As(err, &wrong) {
		return err
	}
	if err != nil {
		n.memory.noteOutcome(err, n.config.wall())
	}
	return ctx.Err()
}

// Run looks for the topic again every 10 s while Start has not found it, so that an idle daemon becomes ready too. It
// blocks until ctx ends and is called once; its error is one that Start would have returned.
func (n *Notifier) Run(ctx context.Context) error {
	tick, done := func() {}, func() {}
	if n.config.Loop != nil {
		tick, done = n.config.Loop("notifier")
	}
	defer done()
	for {
		select {
		case <-time.After(lookAgain):
		case <-ctx.Done():
			return nil
		}
		tick()
		if err := n.Start(ctx); err != nil && ctx.Err() == nil {
			return err
		}
	}
}

const lookAgain = 10 * time.Second

// Apply takes over what may change while running: the rules, the texts and whether to send. An invalid Config changes
// nothing, and is logged.
func (n *Notifier) Apply(c Config) {
	if err := n.apply(c); err != nil {
		n.log.Error("new settings of the notifier not applied", zap.Error(err))
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
	n.settings.Store(&settings{c.Rules, texts, c.Send})
	return nil
}

// Handle tells of the changes that are transitions, in order for each item, and returns once SNS has accepted the
// alerts and their rows say so. It may be called for several shards at once, and again with a suffix of what was
// handled before. Its error is an *inventory.Failure, which names the first change that is not done; later ones may be.
// A change that SNS refuses for its content is a permanent failure; everything else that can go wrong is transient.
func (n *Notifier) Handle(ctx context.Context, changes []inventory.Change) error {
	s := n.settings.Load()
	found := n.detect(ctx, s.Rules, changes)
	if len(found) == 0 {
		return nil
	}
	err := n.tell(ctx, s, changes, found)
	n.memory.noteOutcome(err, n.config.wall())
	return err
}

// tell applies the transitions that were found.
func (n *Notifier) tell(ctx context.Context, s *settings, changes []inventory.Change, found []candidate) error {
	topic, err := n.resolvedTopic(ctx)
	if err != nil {
		return &inventory.Failure{Index: found[0].index, Err: err}
	}
	p := plan{rules: s.Rules, now: n.config.wall(), changes: changes, found: found}
	p.accepted = n.receipts.among(changes, found, p.now)
	if p.known, err = n.knownRows(ctx, p.keys()); err != nil {
		return &inventory.Failure{Index: found[0].index, Err: fmt.Errorf("read alert rows of %s: %w", n.config.StateTable, err)}
	}
	if p.present, err = n.presentStock(ctx, s.Rules, p.doubtful()); err != nil {
		return &inventory.Failure{Index: found[0].index, Err: fmt.Errorf("read present counts of %s: %w", n.config.Table.Name, err)}
	}
	steps := p.steps()
	n.meters.repeated.add(ctx, len(p.repeated))
	n.receipts.settle(p.repeated...)
	n.write(s.texts, steps, topic.fifo)
	d := delivery{n: n, topic: topic, send: s.send}
	d.run(ctx, cut(steps, topic.fifo))
	return failure(ctx, steps)
}

// write makes the messages of the steps.
func (n *Notifier) write(t *texts, steps []*step, fifo bool) {
	for _, s := range steps {
		if s.alert == nil {
			continue
		}
		subject, body, err := t.write(s.alert)
		if err != nil {
			n.noteBroken(err)
		}
		s.message = newMessage(s.alert, subject, body, fifo)
	}
}

// noteBroken logs a template that does not work for an alert, at most once a minute.
func (n *Notifier) noteBroken(err error) {
	if count, due := n.broken.add(n.config.wall(), 1); due {
		n.log.Error("alert told in plain words because a template does not work for it", zap.Int("alerts", count), zap.Error(err))
	}
}

// noteSent counts and logs what became of an alert that was sent.
func (n *Notifier) noteSent(ctx context.Context, s *step) {
	if s.err != nil {
		n.meters.failed.add(ctx, 1)
		return
	}
	now := n.config.wall()
	n.memory.noteAccepted(s.alert, now)
	n.meters.published.add(ctx, 1)
	n.meters.latency.Record(ctx, max(0, now.Sub(s.alert.Since).Seconds()))
	n.log.Info("alert published", zap.String("event", string(s.alert.Event)), zap.String("store", s.alert.Store), zap.String("item", s.alert.Item),
		zap.String("event_id", s.alert.id), zap.String("message_id", s.messageID))
}

// noteDone counts and logs what was not sent of a step that is done.
func (n *Notifier) noteDone(ctx context.Context, s *step, send bool) {
	n.meters.suppressed.add(ctx, s.fates[cooled])
	n.meters.outdated.add(ctx, s.fates[outdated])
	if s.fates[cooled]+s.fates[outdated] > 0 {
		n.log.Info("alerts withheld", zap.String("store", s.key.Store), zap.String("item", s.key.Item), zap.String("event_id", s.row.EventID),
			zap.Int("cooldown", s.fates[cooled]), zap.Int("outdated", s.fates[outdated]))
	}
	if s.alert != nil && !send {
		n.meters.shadowed.add(ctx, 1)
		n.log.Info("alert not sent because notifier.send is false", zap.String("event", string(s.alert.Event)),
			zap.String("store", s.key.Store), zap.String("item", s.key.Item), zap.String("event_id", s.alert.id))
	}
}
