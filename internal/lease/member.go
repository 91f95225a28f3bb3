package lease

// This file: a program that is a member of a group and asks whether it leads.

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

	"inventoryd/internal/sleep"
)

// Membership is how a Member behaves.
type Membership struct {
	Group    Group
	Parts    []string      // what this program does in the group
	Duration time.Duration // of its lease
	HostLock string        // path of the host's lock file; "": none
	Logger   *zap.Logger
}

// Member is a program in its group, through as many lives as it takes: who was called dead joins anew. It knows which
// parts it leads. Make it with NewMember and Run it once. Safe for concurrent use.
type Member struct {
	of Membership

	mu      sync.Mutex // guards what follows; never held over a call
	beat    *Heartbeat // of the present life; nil before the first
	view    View       // as the last look showed it
	asked   time.Time  // when that look asked; zero: none in this life
	begins  time.Time  // from when on this life may lead what it leads
	trouble error      // why the row could not be renewed or read last
	since   time.Time  // when that began
	changed chan struct{}
}

// DefaultDuration is that of a daemon's lease.
const DefaultDuration = 15 * time.Second

// NewMember makes a member. It makes no call.
func NewMember(of Membership) *Member {
	if of.Logger == nil {
		of.Logger = zap.NewNop()
	}
	return &Member{of: of, changed: make(chan struct{}), since: time.Now(), trouble: errors.New("it has not joined yet")}
}

// Run keeps the program a member until ctx ends. Then it leaves, within 5 s.
func (m *Member) Run(ctx context.Context) error {
	lock, before := m.hold()
	if lock != nil {
		defer lock.Close()
	}
	for {
		err := m.live(ctx, lock, before)
		if ctx.Err() != nil || !errors.Is(err, ErrDead) {
			return nil
		}
		m.of.Logger.Error("this daemon was called dead by another; it joins anew under another name")
		before = ""
	}
}

// hold takes the host's lock, if it may.
func (m *Member) hold() (lock *HostLock, before string) {
	if m.of.HostLock == "" {
		return nil, ""
	}
	lock, before, err := HoldHost(m.of.HostLock)
	if err != nil {
		m.of.Logger.Warn("there is no lock for this host: a restart after a crash waits for the old lease", zap.Error(err))
	}
	return lock, before
}

// live is one life: it ends with ctx or with ErrDead.
func (m *Member) live(ctx context.Context, lock *HostLock, before string) error {
	beat := New(m.of.Group, Instance{ID: NewID(), Duration: m.of.Duration, Parts: m.of.Parts}, nil)
	if lock != nil {
		if err := lock.Write(beat.ID()); err != nil {
			m.of.Logger.Warn("there is no lock for this host: a restart after a crash waits for the old lease", zap.Error(err))
		}
	}
	err := m.persist(ctx, func(ctx context.Context) error {
		if before == "" {
			return nil
		}
		return m.of.Group.BuryGone(ctx, before)
	})
	if err == nil {
		err = m.persist(ctx, beat.Join)
	}
	if err != nil {
		return err
	}
	m.note(func() { m.beat, m.asked = beat, time.Time{} })
	m.of.Logger.Info("this daemon has joined", zap.String("instance", beat.ID()), zap.Int64("number", beat.Self().Joined))

	group, inner := errgroup.WithContext(ctx)
	group.Go(func() error {
		return beat.Run(inner, Told{
			Failed:  func(err error) time.Duration { m.went(err); return 0 },
			Renewed: func(Instance) { m.note(func() {}) },
		})
	})
	group.Go(func() error { return m.watch(inner, NewWatch(m.of.Group, beat.ID(), m.of.Duration, nil)) })
	err = group.Wait()
	m.leave(beat)
	return err
}

// leave tells the others, if it still can.
func (m *Member) leave(beat *Heartbeat) {
	m.note(func() { m.beat = nil })
	ctx, cancel := context.WithTimeout(context.Background(), farewell)
	defer cancel()
	if err := beat.Resign(ctx); err != nil {
		m.of.Logger.Warn("this daemon could not say that it leaves; others will wait for its lease to run out", zap.Error(err))
	}
}

// farewell is for how long a member tries to say that it leaves.
const farewell = 5 * time.Second

// watch looks at the others until ctx ends.
func (m *Member) watch(ctx context.Context, w *Watch) error {
	for {
		var view View
		var asked time.Time
		err := m.persist(ctx, func(ctx context.Context) (err error) {
			asked = time.Now()
			view, err = w.Look(ctx)
			return err
		})
		if err != nil {
			return nil // ctx has ended
		}
		for _, dead := range view.Buried {
			m.of.Logger.Info("another daemon was found dead", zap.String("instance", dead.ID), zap.String("host", dead.Host))
		}
		m.seen(view, asked, w.Longest())
		if err := sleep.For(ctx, w.Pause()); err != nil {
			return nil
		}
	}
}

// seen takes a look's view. The first of a life says from when on this member may lead: others with higher numbers
// that stand there may have taken the lead before our row was there, and hold it until they look again.
func (m *Member) seen(view View, asked time.Time, longest time.Duration) {
	m.note(func() {
		if m.asked.IsZero() {
			m.begins = asked
			for _, other := range view.Instances {
				if m.beat != nil && other.ID != m.beat.ID() && !other.Dead && !view.Dead[other.ID] && lower(m.beat.Self(), other) {
					m.begins = asked.Add(longest)
				}
			}
		}
		m.view, m.asked = view, asked
	})
}

// note changes what is known and wakes who waits for it.
func (m *Member) note(change func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	change()
	close(m.changed)
	m.changed = make(chan struct{})
}

// persist repeats a call until it works or ctx ends.
func (m *Member) persist(ctx context.Context, call func(context.Context) error) error {
	pause := 200 * time.Millisecond
	for {
		limited, cancel := context.WithTimeout(ctx, 10*time.Second)
		err := call(limited)
		cancel()
		m.went(err)
		if err == nil || errors.Is(err, ErrDead) {
			return err
		}
		if sleep.For(ctx, time.Duration((0.5+rand.Float64()/2)*float64(pause))) != nil {
			return ctx.Err()
		}
		pause = min(2*pause, 5*time.Second)
	}
}

// went notes how a call went.
func (m *Member) went(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err != nil && m.trouble == nil {
		m.since = time.Now()
	}
	m.trouble = err
}
