package notifier

import (
	"fmt"
	"sync"
	"time"

	"inventoryd/internal/state"
)

// Status is a snapshot for /status and the page. The sums are since the start.
type Status struct {
	Topic     string     `json:"topic"` // its ARN; the configured text while it is not resolved
	Resolved  bool       `json:"resolved"`
	Sending   bool       `json:"sending"`    // false: shadow mode
	Telling   bool       `json:"telling"`    // this instance tells
	Due       int64      `json:"due"`        // alerts, as far as this instance knows them
	OldestDue float64    `json:"oldest_due"` // its age in seconds
	Published int64      `json:"published"`  // items told
	Messages  int64      `json:"messages"`
	Failed    int64      `json:"failed"` // attempts to publish
	Refused   int64      `json:"refused"`
	Recovered int64      `json:"recovered"`
	Delayed   int64      `json:"delayed"`
	Unusable  int64      `json:"unusable"` // changes
	Problem   string     `json:"problem,omitempty"`
	Last      *LastAlert `json:"last,omitempty"`
	Resync    *Progress  `json:"resync,omitempty"`
}

// LastAlert is the message that was accepted last.
type LastAlert struct {
	At    time.Time `json:"at"` // by this machine's clock
	Store string    `json:"store,omitempty"`
	Feed  string    `json:"feed,omitempty"`
	Items int       `json:"items"`
	Item  string    `json:"item"` // the first
	Event Event     `json:"event"`
}

// Progress is how far a comparison with the table is.
type Progress struct {
	Rows   int64 `json:"rows"` // of the table, read so far
	Found  int64 `json:"found"`
	Closed int64 `json:"closed"`
}

// Status returns the present snapshot.
func (n *Notifier) Status() Status {
	s := Status{
		Topic:     n.config.Topic,
		Sending:   n.settings.Load().send,
		Published: n.meters.published.sum.Load(),
		Messages:  n.meters.messages.sum.Load(),
		Failed:    n.meters.failed.sum.Load(),
		Refused:   n.meters.refused.sum.Load(),
		Recovered: n.meters.recovered.sum.Load(),
		Delayed:   n.meters.delayed.sum.Load(),
		Unusable:  n.meters.unusable.sum.Load(),
	}
	s.Due, s.OldestDue = n.dueNow()
	if err := n.Ready(); err != nil {
		s.Problem = err.Error()
	}
	n.memory.mu.Lock()
	defer n.memory.mu.Unlock()
	s.Last, s.Telling, s.Resync = n.memory.last, n.memory.telling, n.memory.resync
	if n.memory.topic != nil {
		s.Topic, s.Resolved = n.memory.topic.arn, true
	}
	return s
}

// problemKept is how long a failure counts that is neither repeated nor followed by a success: what was tried has gone
// to another instance, or is due no more. It is longer than the longest wait between two attempts.
const problemKept = 6 * time.Minute

// Ready is nil, or says why alerts do not get out: the topic is not known, or what was tried last failed for a reason
// that may pass.
func (n *Notifier) Ready() error {
	m := &n.memory
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, t := range []*trouble{&m.rows, &m.teller, &m.publishing} {
		if t.err != nil && (m.topic == nil || time.Since(t.since) < problemKept) {
			return t.err
		}
	}
	if m.topic == nil {
		return fmt.Errorf("topic %s is not looked up yet", n.config.Topic)
	}
	return nil
}

// trouble is the last failure of one kind of call; nil after a success.
type trouble struct {
	err   error
	since time.Time
}

// memory is what a Notifier remembers between calls.
type memory struct {
	mu      sync.Mutex // guards what follows; never held over a call
	topic   *topic     // nil until it is resolved
	telling bool
	// What goes wrong with the rows that Handle writes, with what the teller reads and writes, and with SNS.
	rows, teller, publishing trouble
	last                     *LastAlert
	resync                   *Progress
}

func (m *memory) note(t *trouble, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	*t = trouble{err, time.Now()}
}

func (m *memory) noteRows(err error) { m.note(&m.rows, err) }

func (m *memory) noteTeller(err error) { m.note(&m.teller, err) }

func (m *memory) notePublishing(err error) { m.note(&m.publishing, err) }

func (m *memory) noteTelling(is bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.telling = is
	if !is {
		m.teller, m.resync = trouble{}, nil
		if m.topic != nil {
			m.publishing = trouble{}
		}
	}
}

func (m *memory) noteResync(p *Progress) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.resync = p
}

func (m *memory) topicIfKnown() *topic {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.topic
}

func (m *memory) noteTopic(t *topic) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.topic, m.publishing = t, trouble{}
}

// noteAccepted remembers the message that was accepted last.
func (m *memory) noteAccepted(o *state.Outgoing) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.publishing = trouble{}
	m.last = &LastAlert{At: time.Now(), Store: o.Store, Feed: o.Attributes[attrFeed], Items: len(o.Subjects), Item: o.Subjects[0].Item, Event: Event(o.Event)}
}
