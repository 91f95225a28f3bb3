package stock

// The reader: what is looked at, and whose turn it is.

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"go.uber.org/zap"

	"inventoryd/internal/inventory"
)

// Config is what a Reader works with.
type Config struct {
	Table inventory.Table
	Units int // read units a second that all readings together may consume
	// Threshold is the count at or below which an item is low; nil: 0.
	Threshold func() int64
	// ThresholdAttribute is the attribute of an item that overrides the threshold for it; "": none.
	ThresholdAttribute string
	Logger             *zap.Logger // nil: none
}

// Reader reads the inventory for its lookers. One goroutine, that of Run, reads all subjects in turn.
type Reader struct {
	cfg    Config
	table  *dynamodb.Client
	budget *budget
	direct chan struct{} // a token for each call that a looker makes itself
	wake   chan struct{} // tells Run that there may be something to read

	mu       sync.Mutex // guards what follows and the subjects
	subjects map[string]*subject
	lookers  int
	turns    int64 // calls so far
	spent    float64
}

// subject is a store, or all of them (""), that is or was looked at.
type subject struct {
	store   string
	lookers int       // that are told of each turn
	asked   time.Time // when somebody last asked for it once
	seen    time.Time // when somebody last looked at it
	waited  time.Time // when somebody last waited for it
	began   time.Time // when its last reading began
	retry   time.Time // after a failure: not before
	rest    time.Duration
	served  int64 // number of its last call
	state   State
	turn    chan struct{} // closed when state changes

	// The reading under way; Run's alone.
	reading builder
	from    map[string]types.AttributeValue // where its next page begins
}

// State is what is known of a subject.
type State struct {
	View    *View     // the last one; nil: not read yet
	Trouble string    // why it cannot be read at present; "": it can
	Since   time.Time // since when
}

// ErrTooMany means that MaxLookers look already.
var ErrTooMany = errors.New("too many are being told of changes already")

// New returns a Reader; it reads while Run runs.
func New(table *dynamodb.Client, c Config) *Reader {
	if c.Logger == nil {
		c.Logger = zap.NewNop()
	}
	if c.Threshold == nil {
		c.Threshold = func() int64 { return 0 }
	}
	return &Reader{
		cfg: c, table: table, budget: newBudget(c.Units), direct: make(chan struct{}, 4), wake: make(chan struct{}, 1),
		subjects: map[string]*subject{},
	}
}

// SetUnits changes the budget.
func (r *Reader) SetUnits(n int) { r.budget.setRate(n) }

// Spent is how many read units were consumed so far.
func (r *Reader) Spent() float64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.spent
}

// Lookers is how many are being told of changes.
func (r *Reader) Lookers() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.lookers
}

// Look returns what is known of a store ("": all), at most Interval old where it can be read before ctx ends.
func (r *Reader) Look(ctx context.Context, store string) State {
	now := time.Now()
	fresh := now.Add(-Interval)
	r.mu.Lock()
	s := r.subject(store)
	if s == nil {
		r.mu.Unlock()
		return State{Trouble: "too many stores are asked for at once", Since: now}
	}
	s.asked, s.seen, s.waited = now, now, now
	r.mu.Unlock()
	r.nudge()
	for {
		r.mu.Lock()
		state, turn := s.state, s.turn
		r.mu.Unlock()
		if state.Trouble != "" || state.View.serves(fresh) {
			return state
		}
		select {
		case <-turn:
		case <-ctx.Done():
			return state
		}
	}
}

// Last returns what is known of a store ("": all) and has nothing read.
func (r *Reader) Last(store string) State {
	r.mu.Lock()
	defer r.mu.Unlock()
	if s := r.subjects[store]; s != nil {
		return s.state
	}
	return State{}
}

// Looker is somebody who is told of changes.
type Looker struct {
	r *Reader
	s *subject
}

// Watch has a store ("": all) read every Interval until the Looker is closed.
func (r *Reader) Watch(store string) (*Looker, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.subject(store)
	if s == nil || r.lookers >= MaxLookers {
		return nil, ErrTooMany
	}
	s.lookers++
	r.lookers++
	r.nudge()
	return &Looker{r, s}, nil
}

// State is what is known now; next is closed when there is news, be it that nothing has changed.
func (l *Looker) State() (s State, next <-chan struct{}) {
	l.r.mu.Lock()
	defer l.r.mu.Unlock()
	return l.s.state, l.s.turn
}

// Close ends it. Once only.
func (l *Looker) Close() {
	l.r.mu.Lock()
	defer l.r.mu.Unlock()
	l.s.lookers--
	l.s.seen = time.Now()
	l.r.lookers--
}

// serves tells whether a looker need not wait for a newer view: it is not older than fresh, or of a subject so large that
// waiting would not bring one.
func (v *View) serves(fresh time.Time) bool {
	return v != nil && v.Whole && (!v.AsOf.Before(fresh) || v.Took > patience)
}

// subject returns the subject of a store; nil where there are too many. With mu held.
func (r *Reader) subject(store string) *subject {
	s := r.subjects[store]
	if s == nil {
		if len(r.subjects) >= maxSubjects {
			return nil
		}
		s = &subject{store: store, turn: make(chan struct{})}
		r.subjects[store] = s
	}
	return s
}

func (r *Reader) nudge() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// Run reads until ctx ends.
func (r *Reader) Run(ctx context.Context) {
	for {
		s, paid, rest := r.next(time.Now())
		if s != nil {
			if rest = r.budget.debt(paid); rest == 0 {
				r.step(ctx, s, paid)
				if ctx.Err() != nil {
					return
				}
				continue
			}
		}
		timer := time.NewTimer(rest) // and then, or once somebody comes, it may be another one's turn
		select {
		case <-r.wake:
		case <-timer.C:
		case <-ctx.Done():
		}
		timer.Stop()
		if ctx.Err() != nil {
			return
		}
	}
}

// Ask has a store ("": all) read once, for somebody who does not wait for it.
func (r *Reader) Ask(store string) {
	now := time.Now()
	r.mu.Lock()
	defer r.mu.Unlock()
	if s := r.subject(store); s != nil {
		s.asked, s.seen = now, now
		r.nudge()
	}
}
