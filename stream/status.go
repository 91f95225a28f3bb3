package stream

// This file: what the reader shows of itself.

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

// Status is a snapshot of a reader.
type Status struct {
	Table    string        `json:"table"`
	Stream   string        `json:"stream"`            // ARN of the table's stream; "" before it is known
	Leader   string        `json:"leader,omitempty"`  // the instance that decides who reads what
	Instance string        `json:"instance"`          // this instance's id; "" before it has one
	Start    time.Time     `json:"start,omitzero"`    // records created before are dropped
	Waiting  string        `json:"waiting,omitempty"` // why the table's new stream is not read yet, and until when
	Gaps     []Gap         `json:"gaps,omitempty"`    // while the stream was off
	Shards   []ShardStatus `json:"shards"`            // by age of stream, then id
}

// ShardStatus is a snapshot of a shard.
type ShardStatus struct {
	Stream     string `json:"stream"` // the stream's label
	Shard      string `json:"shard"`
	Parent     string `json:"parent,omitempty"`
	State      State  `json:"state"`
	Owner      string `json:"owner,omitempty"`      // the instance that holds it
	To         string `json:"to,omitempty"`         // the instance that is to have it
	Checkpoint string `json:"checkpoint,omitempty"` // sequence number, or "ended"
	Progress
	Load    float64       `json:"load"`              // records a second over the last minutes
	Age     time.Duration `json:"age"`               // of the oldest record that may be unread; 0 at a known tip; of shards that no other instance reads
	AtTip   bool          `json:"at_tip,omitempty"`  // all of it has been read; of shards read here
	Blocked string        `json:"blocked,omitempty"` // why it is not read
	Gaps    []Gap         `json:"gaps,omitempty"`
}

func (r shardRow) status() ShardStatus {
	checkpoint := r.Checkpoint
	if last, err := r.last(); err == nil && last != "" {
		checkpoint = last
	}
	return ShardStatus{
		Stream: r.Label, Shard: r.ID, Parent: r.Parent, State: r.State, Owner: r.Owner, To: r.To, Load: r.Load, Checkpoint: checkpoint,
		Progress: r.Progress, Gaps: r.Gaps,
	}
}

// view is what is seen of a shard from outside its goroutine.
type view struct {
	mu     sync.Mutex // guards what follows
	status ShardStatus
	fresh  time.Time // when it was read last, or when it first might have been
	unread time.Time // nothing created before is unread, by the service's clock; zero: others know
	atTip  time.Time // until when it counts as read to its tip without another read; zero: it does not
}

// age is that of the oldest record that may be unread.
func (v *view) age(now time.Time) time.Duration {
	if v.unread.IsZero() || time.Now().Before(v.atTip) {
		return 0
	}
	return max(0, now.Sub(v.unread))
}

func (v *view) change(f func()) {
	v.mu.Lock()
	defer v.mu.Unlock()
	f()
}

func (v *view) read()            { v.change(func() { v.fresh = time.Now() }) }
func (v *view) away()            { v.change(func() { v.atTip = time.Time{} }) }
func (v *view) head(t time.Time) { v.change(func() { v.unread, v.atTip = t, time.Time{} }) }
func (v *view) saved(s string)   { v.change(func() { v.status.Checkpoint = s }) }
func (v *view) block(why error)  { v.change(func() { v.status.Blocked = why.Error() }) }
func (v *view) unblock()         { v.change(func() { v.status.Blocked = "" }) }

// tip shows that the shard was read to its tip at an instant, and is read again within that time.
func (v *view) tip(at time.Time, again time.Duration) {
	v.change(func() { v.unread, v.atTip = at, time.Now().Add(again) })
}

// progress shows how far the shard has come and what is handled next, and that nothing blocks the shard any more.
func (v *view) progress(p Progress, head time.Time) {
	v.change(func() { v.status.Progress, v.status.Blocked, v.unread = p, "", head })
}

// tried shows an attempt that failed.
func (v *view) tried(p Progress) { v.change(func() { v.status.Progress = p }) }

// gauges are the values of the reader's gauges.
type gauges struct {
	leader        float64 // 1 or 0
	age, unread   time.Duration
	held, waiting int
}

// board is the views of all shards that are not ended. Safe for concurrent use.
type board struct {
	clock *clock

	mu    sync.Mutex // guards views
	views map[shardKey]*view
	head  Status // without shards
}

// unreadLimit is how long a shard that may be read may be unread before the reader is not ready.
const unreadLimit = 5 * time.Minute

func newBoard(k *clock) *board { return &board{clock: k, views: map[shardKey]*view{}} }

func (b *board) set(f func(*Status)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	f(&b.head)
}

// place makes the shard's view, or changes its row. ready is since when the shard may be read by this instance, zero if
// it may not; nothing of it that was created before unread is unread.
func (b *board) place(row shardRow, ready, unread time.Time) *view {
	b.mu.Lock()
	defer b.mu.Unlock()
	v, ok := b.views[row.key()]
	if !ok {
		v = &view{}
		b.views[row.key()] = v
	}
	v.change(func() {
		told := v.status.Gaps
		v.status = row.status()
		v.status.Gaps = slices.Clone(v.status.Gaps)
		for _, g := range told { // the shard's goroutine does not know that
			if i := g.Number - 1; !g.Pending && i < len(v.status.Gaps) {
				v.status.Gaps[i].Pending = false
			}
		}
		if v.fresh.Before(ready) || ready.IsZero() {
			v.fresh = ready
		}
		v.unread, v.atTip = unread, time.Time{}
	})
	return v
}

// gap shows a gap, or that it is pending no more.
func (b *board) gap(g Gap) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if g.Shard == "" {
		b.head.Gaps = withGap(b.head.Gaps, g)
	} else if v, ok := b.views[shardKey{g.Stream, g.Shard}]; ok {
		v.change(func() { v.status.Gaps = withGap(v.status.Gaps, g) })
	}
}

// withGap is a copy of gaps with g among them.
func withGap(gaps []Gap, g Gap) []Gap {
	gaps = slices.Clone(gaps)
	if i := slices.IndexFunc(gaps, func(old Gap) bool { return old.Number == g.Number }); i >= 0 {
		gaps[i] = g
		return gaps
	}
	return append(gaps, g)
}

func (b *board) instance() (me, leader string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.head.Instance, b.head.Leader
}

func (b *board) waiting() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.head.Waiting
}

func (b *board) drop(k shardKey) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.views, k)
}

// each calls f for each view, under both locks.
func (b *board) each(f func(*view)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, v := range b.views {
		v.change(func() { f(v) })
	}
}

func (b *board) status() Status {
	now := b.clock.now()
	b.mu.Lock()
	s := b.head
	b.mu.Unlock()
	s.Shards = []ShardStatus{}
	b.each(func(v *view) {
		one := v.status
		one.Age, one.AtTip = v.age(now), time.Now().Before(v.atTip)
		s.Shards = append(s.Shards, one)
	})
	slices.SortFunc(s.Shards, func(a, b ShardStatus) int {
		return cmp.Or(cmp.Compare(a.Stream, b.Stream), cmp.Compare(a.Shard, b.Shard))
	})
	return s
}

func (b *board) gauges() gauges {
	var g gauges
	me, leader := b.instance()
	if me != "" && me == leader {
		g.leader = 1
	}
	now := b.clock.now()
	b.each(func(v *view) {
		g.age = max(g.age, v.age(now))
		switch {
		case v.status.State == StateHeld && v.status.Owner == me:
			g.held++
		case v.status.State == StateWaiting:
			g.waiting++
		}
		if !v.fresh.IsZero() && v.status.State != StateEnded {
			g.unread = max(g.unread, time.Since(v.fresh))
		}
	})
	return g
}

// ready is nil unless the table's new stream waits or a shard that may be read has been unread for too long.
func (b *board) ready() error {
	if why := b.waiting(); why != "" {
		return errors.New(why)
	}
	if g := b.gauges(); g.unread > unreadLimit {
		return fmt.Errorf("a shard that may be read has not been for %v", g.unread.Round(time.Second))
	}
	return nil
}

var errNotStarted = errors.New("the stream is not read yet")
