package lanes

import (
	"fmt"
	"math/rand/v2"
	"time"

	"inventoryd/internal/sleep"
)

// lane is one goroutine that writes one batch after the other.
type lane struct {
	of    *Lanes
	batch []*entry
	rows  []Row
	since time.Duration // the batch has its first row; the deck's time
	pulse Pulse         // rests while it waits for its turn, for rows, or for the pace
}

func (l *lane) run() {
	defer l.pulse.Done()
	for failures := 0; l.next(); {
		l.rows = l.rows[:0]
		for _, e := range l.batch {
			l.rows = append(l.rows, e.row())
		}
		left, verdict, err := l.put(l.rows)
		switch {
		case err == nil || verdict == Throttle:
			failures = 0
			l.settle(left, true)
			continue
		case verdict == Refuse:
			left = l.bisect(left, err)
			fallthrough
		default:
			l.settle(left, false)
		}
		if len(left) > 0 {
			_ = sleep.For(l.of.ctx, Jitter(failures)) // its end is seen by next
			failures++
		}
	}
}

// next waits for its turn and for a batch; false: there is none any more.
func (l *lane) next() bool {
	g := l.of
	l.pulse.Rest()
	select {
	case g.turn <- struct{}{}:
	case <-g.ctx.Done():
		return false
	}
	defer func() { <-g.turn }()
	l.pulse.Tick()
	l.batch = l.batch[:0]
	for {
		ready, over, wait := l.deal()
		if over {
			return false
		}
		if ready {
			break
		}
		l.pulse.Rest()
		g.await(wait)
		l.pulse.Tick()
	}
	if l.paced(len(l.batch)) != nil {
		g.mu.Lock()
		defer g.mu.Unlock()
		g.deck.backAll(l.batch)
		return false
	}
	return true
}

// paced waits until the pace lets so many rows through.
func (l *lane) paced(rows int) error {
	l.pulse.Rest()
	defer l.pulse.Tick()
	return l.of.cfg.Pace.Take(l.of.ctx, rows)
}

// A batch that is not full, because the stores' paces hold their rows back, is gathered for a while rather than sent by a
// call that might have taken more.
const (
	gather = 5 * time.Millisecond // at most
	glean  = time.Millisecond     // before the deck is looked at again
)

// deal adds to the batch what there is. It is ready when it is full, or when waiting brings nothing; where it is not,
// wait is as for the deck.
func (l *lane) deal() (ready, over bool, wait time.Duration) {
	g := l.of
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.idle || g.ctx.Err() != nil {
		g.deck.backAll(l.batch)
		return false, true, 0
	}
	var merged int64
	now, empty := g.now(), len(l.batch) == 0
	l.batch, merged, wait = g.deck.deal(now, l.batch)
	g.merged.Add(merged)
	if empty {
		l.since = now
	}
	d := g.deck
	switch {
	case len(l.batch) == BatchSize:
		ready = true
	case !g.closed && d.room():
		g.hungry = true
	case len(l.batch) > 0 && wait > 0 && now+max(wait, glean)-l.since <= gather: // stores are held back for a moment
		wait = max(wait, glean)
	default: // nothing more can be read: what there is goes out, and what is held back has its time
		ready = len(l.batch) > 0
		over = g.closed && !ready && d.queued == 0 && d.under == 0
	}
	if g.hungry || d.queued < BatchSize*g.cfg.Lanes {
		signal(g.more)
	}
	return ready, over, wait
}

// await waits for a change, for at most that long; 0: for however long it takes.
func (g *Lanes) await(wait time.Duration) {
	var timer <-chan time.Time
	if wait > 0 {
		t := time.NewTimer(wait)
		defer t.Stop()
		timer = t.C
	}
	select {
	case <-g.wake:
	case <-timer:
	case <-g.ctx.Done():
	}
}

// How a batch is tried again.
const (
	firstPause = 50 * time.Millisecond // doubled with each failure in a row, with full jitter
	lastPause  = 5 * time.Second
)

// put makes one call. Of an error, all rows are left.
func (l *lane) put(rows []Row) (left []Row, verdict Verdict, err error) {
	g := l.of
	left, units, err := g.cfg.Table.Put(g.ctx, rows)
	if units > 0 {
		g.cfg.Pace.Consumed(units)
		if g.cfg.Consumed != nil {
			g.cfg.Consumed(units)
		}
	}
	switch {
	case err == nil:
		g.cfg.Trouble(nil)
		g.cfg.Pace.Done(len(rows) - len(left))
		if len(left) > 0 {
			g.cfg.Throttled()
		}
		return left, Retry, nil
	case g.ctx.Err() != nil:
		return rows, Retry, err
	}
	switch verdict = g.cfg.Judge(err); verdict {
	case Retry:
		g.cfg.Pace.Fail()
		g.cfg.Trouble(err)
	case Throttle:
		g.cfg.Throttled()
		g.cfg.Trouble(err)
	}
	return rows, verdict, err
}

// settle takes the batch out of the deck, but for the rows that are left: these return to their queues, and where the
// table has left them their stores slow down.
func (l *lane) settle(left []Row, full bool) {
	g := l.of
	for i := range left {
		left[i].of.fate = isLeft
	}
	if g.book(l.batch, full) && len(left) > 0 {
		g.cfg.Pace.Slow()
	}
}

// book books what became of a batch; wide is the deck's.
func (g *Lanes) book(batch []*entry, full bool) (wide bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	now, written := g.now(), int64(0)
	for _, e := range batch {
		switch e.fate {
		case isWritten:
			written++
			g.deck.done(e, now)
		case isRefused:
			g.deck.done(e, now)
		case isLeft:
			e.fate = isWritten
			if g.deck.back(e); full {
				g.deck.full(e, now, Jitter(e.queue.failures))
			}
		}
	}
	g.written.Add(written)
	signal(g.wake)
	return full && g.deck.wide()
}

// bisect finds the rows that the table refuses, and writes the others. What it returns is left when the lanes end or
// fail before.
func (l *lane) bisect(rows []Row, refusal error) (left []Row) {
	g := l.of
	if len(rows) > 1 {
		half := len(rows) / 2
		left = append(left, l.insist(rows[:half])...)
		return append(left, l.insist(rows[half:])...)
	}
	if g.ctx.Err() != nil {
		return rows
	}
	if g.refusals.Add(1) > RefusedRows {
		g.fail(fmt.Errorf("%w (%d and more of this object; does the table have the keys that the configuration names?): %w",
			ErrTableRefuses, RefusedRows, refusal))
		return rows
	}
	rows[0].of.fate = isRefused
	g.refused.Add(1)
	g.cfg.Refused(rows[0], refusal)
	return nil
}

// insist writes rows until each is written or refused, or the lanes end.
func (l *lane) insist(rows []Row) (left []Row) {
	g := l.of
	for failures := 0; len(rows) > 0; failures++ {
		if l.paced(len(rows)) != nil {
			return rows
		}
		left, verdict, err := l.put(rows)
		if err != nil && verdict == Refuse {
			return l.bisect(left, err)
		}
		if rows = left; len(rows) > 0 && sleep.For(g.ctx, Jitter(failures)) != nil {
			return rows
		}
	}
	return nil
}

// Jitter is a random pause after so many failures in a row.
func Jitter(failures int) time.Duration {
	return rand.N(min(firstPause<<min(failures, 10), lastPause)) + 1
}
