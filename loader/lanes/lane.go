package lanes

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"
)

// lane is one goroutine that writes one batch after the other. The owner of Lanes fills the open batch meanwhile;
// a second one may wait in the queue.
type lane struct {
	of    *Lanes
	open  *batch // the owner's
	queue chan *batch
	free  chan *batch // batches to be used again
}

// close queues the open batch and opens another.
func (l *lane) close(ctx context.Context) error {
	select {
	case l.queue <- l.open:
	case <-l.of.ctx.Done():
		return context.Cause(l.of.ctx)
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	select {
	case l.open = <-l.free:
	default:
		l.open = newBatch()
	}
	return nil
}

func (l *lane) run() {
	for b := range l.queue {
		if l.of.dropped.Load() || l.of.ctx.Err() != nil {
			l.of.unwritten.Add(int64(len(b.rows)))
		} else {
			l.write(b.rows)
		}
		b.clear()
		select {
		case l.free <- b:
		default:
		}
	}
}

// How a batch is tried again.
const (
	callTimeout = 10 * time.Second
	firstPause  = 50 * time.Millisecond // doubled with each failure in a row, with full jitter
	lastPause   = 5 * time.Second
)

// write writes rows until each is written or refused; the rest, once the lanes have failed, is unwritten. It reports
// whether the lane may go on.
func (l *lane) write(rows []Row) bool {
	g := l.of
	for failures := 0; len(rows) > 0; {
		left, err := l.put(rows)
		switch {
		case g.ctx.Err() != nil && (err != nil || len(left) > 0):
			g.written.Add(int64(len(rows) - len(left)))
			g.unwritten.Add(int64(len(left)))
			return false
		case err == nil:
			g.cfg.Trouble(nil)
			g.written.Add(int64(len(rows) - len(left)))
			g.cfg.Pace.Done(len(rows) - len(left))
			if len(left) < len(rows) {
				failures = 0
			}
			if rows = left; len(rows) == 0 {
				return true
			}
			g.slow()
		default:
			switch g.cfg.Judge(err) {
			case Refuse:
				return l.bisect(rows, err)
			case Throttle:
				g.slow()
			}
			g.cfg.Pace.Fail()
			g.cfg.Trouble(err)
		}
		_ = sleep(g.ctx, jitter(failures)) // its end is seen by the next put
		failures++
	}
	return true
}

// put makes one call. Of an error, all rows are left.
func (l *lane) put(rows []Row) (left []Row, err error) {
	if err := l.of.cfg.Pace.Take(l.of.ctx, len(rows)); err != nil {
		return rows, err
	}
	ctx, cancel := context.WithTimeout(l.of.ctx, callTimeout)
	defer cancel()
	if left, err = l.of.cfg.Table.Put(ctx, rows); err != nil {
		return rows, err
	}
	return left, nil
}

// bisect finds the rows that the table refuses, and writes the others.
func (l *lane) bisect(rows []Row, refusal error) bool {
	g := l.of
	if len(rows) > 1 {
		half := len(rows) / 2
		if !l.write(rows[:half]) {
			g.unwritten.Add(int64(len(rows) - half))
			return false
		}
		return l.write(rows[half:])
	}
	if g.refusals.Add(1) > RefusedRows {
		g.unwritten.Add(1)
		g.fail(fmt.Errorf("%w (%d and more of this object; does the table have the keys that the configuration names?): %w",
			ErrTableRefuses, RefusedRows, refusal))
		return false
	}
	g.refused.Add(1)
	g.cfg.Refused(rows[0], refusal)
	return true
}

// jitter is a random pause after so many failures in a row.
func jitter(failures int) time.Duration {
	return rand.N(min(firstPause<<min(failures, 10), lastPause)) + 1
}
