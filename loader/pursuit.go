package loader

// The pursuit of an object: mark, read it as it is now, write, look once more whether it still is, and only then end the
// event. Whoever has written what is older sees the newer upload before it ends, or its message comes back and finds its mark.

import (
	"context"
	"errors"
	"time"

	"go.uber.org/zap"

	"inventoryd/internal/state"
	"inventoryd/loader/event"
)

// errand is the work on one message.
type errand struct {
	work
	id   string // of the message
	held *hold  // nil: by hand
	slot *slot  // nil: by hand
}

// pursuit is what a message does for an object while it leads that object's chain.
type pursuit struct {
	l      *Loader
	e      errand
	o      object
	turn   *ticket // nil: by hand, without chain and ledger
	hand   Hand
	mark   *mark
	fresh  bool      // the mark was set just now: what its row says holds
	served []*ticket // those that the present reading serves
	tries
	progress Progress // of the last load
}

// tries are those of one pursuit.
type tries struct {
	denials  denials
	failures int  // in a row
	rounds   int  // readings that were begun again
	probe    bool // others wait for how this one goes
}

// settle brings an object that a message tells of to its end, in the turn of its chain.
func (l *Loader) settle(e errand, told event.Object) (ending, error) {
	t := l.chains.join(told.Bucket, told.Key, e.id)
	defer l.chains.leave(t)
	select {
	case <-t.lead:
	default:
		e.slot.yield()
	}
	select {
	case <-t.lead:
	case <-t.ended:
		return t.ending, t.err
	case <-e.read.Done():
		l.chains.leave(t)
		select {
		case <-t.ended:
			return t.ending, t.err
		default:
			return interrupted(context.Cause(e.read))
		}
	}
	p := &pursuit{l: l, e: e, o: object{l: l, told: told, size: -1}, turn: t, mark: l.chains.handed(t)}
	how, err := p.run()
	if p.mark != nil && !l.chains.wrote(t) { // cut short, and nothing is to be feared of us
		ctx, cancel := context.WithTimeout(context.WithoutCancel(e.read), handBack)
		defer cancel()
		_ = l.closeMark(ctx, &p.o, p.mark, state.Closing{}) // it lapses otherwise
	}
	return how, err
}

// run tries until the event ends.
func (p *pursuit) run() (ending, error) {
	for {
		how, err := p.try()
		if p.probe {
			p.l.buckets.abandon(p.o.told.Bucket)
			p.probe = false
		}
		if how != again {
			return how, err
		}
		p.fresh = false
	}
}

// try makes one try: it ends the event, or has waited for what it takes to try again.
func (p *pursuit) try() (how ending, err error) {
	if p.probe, err = p.l.buckets.enter(p.e.read, p.o.told.Bucket, p.e.slot.yield); err != nil {
		return interrupted(err)
	}
	if err := p.e.slot.take(p.e.read); err != nil {
		return interrupted(err)
	}
	if p.turn != nil {
		if p.mark == nil {
			p.e.slot.life().Rest()
			if p.mark, err = p.l.setMark(p.e.read, &p.o, p.e.id); err != nil {
				p.mark = nil
				return interrupted(err)
			}
			p.e.slot.life().Tick()
			p.fresh = true
		}
		p.served = p.l.chains.present(p.turn)
	}
	sent := time.Now()
	reader, err := p.o.current(p.e.read)
	if err != nil {
		return p.unopened(err, sent)
	}
	p.answered()
	p.l.troubles.clear(objectsOf(p.o.told.Bucket))
	p.denials = denials{}
	if p.known() {
		reader.Close()
		p.l.log.Info("object already loaded", zap.String("bucket", p.o.told.Bucket), zap.String("key", p.o.told.Key))
		p.l.metrics.count(p.l.metrics.duplicates, 1)
		return p.end(done, nil, state.Closing{})
	}
	return p.load(reader)
}

// answered notes that S3 answers for the bucket.
func (p *pursuit) answered() {
	p.probe = false
	p.l.well(p.o.told.Bucket)
}

// well notes that S3 answers for a bucket.
func (l *Loader) well(bucket string) {
	l.buckets.well(bucket)
	l.troubles.clear(bucketOf(bucket))
}

// known reports whether the table holds this very upload already, and nobody can have written anything else since.
func (p *pursuit) known() bool {
	return p.fresh && !p.mark.others && p.mark.finished != nil && p.mark.finished.Same(p.o.is) && !p.l.chains.wrote(p.turn)
}

// unopened decides what becomes of an event whose object could not be opened.
func (p *pursuit) unopened(err error, sent time.Time) (ending, error) {
	var f *failure
	if !errors.As(err, &f) {
		return interrupted(err)
	}
	if f.fate != bucketWaits {
		p.answered()
	}
	if f.fate == denied {
		var sure bool
		if f, sure = p.forbidden(f, sent); !sure {
			return p.rest(deniedPause)
		}
	}
	switch f.fate {
	case gone, mendable, bad:
		p.finish(p.begin(), f)
		return p.conclude(f.fate, f)
	}
	return p.wait(f)
}

// load reads and writes the object that was opened.
func (p *pursuit) load(first *objectReader) (ending, error) {
	before := p.turn != nil && p.l.chains.wrote(p.turn)
	if p.turn != nil {
		p.l.chains.setWrote(p.turn, true)
	}
	load := p.begin()
	a := newPass(p.l, load, p.e)
	defer func() { a.report.discard() }()
	var err error
	if a.sender, err = p.sender(); err == nil {
		a.front, err = p.frontier(a.cfg)
	}
	if err != nil {
		first.Close()
		p.finish(load, err)
		return interrupted(err)
	}
	err = a.run(p.e.work, p.o.source(first))
	first.Close()
	p.e.slot.yield()
	f, judged := fateIn(err)
	if err == nil || f == bad || f == held {
		if problem := p.l.publish(p.e.write, a.report, err); problem != nil {
			p.finish(load, problem)
			return interrupted(problem)
		}
	}
	switch {
	case !judged && err != nil:
		p.finish(load, err)
		return interrupted(err)
	case f == bad:
		return p.unusable(load, err)
	case f == held:
		return p.holdBack(a, err, before)
	}
	p.finish(load, err)
	switch f {
	case "":
		return p.whole(a)
	case gone:
		return p.conclude(gone, err)
	}
	var problem *failure
	errors.As(err, &problem)
	return p.wait(problem)
}

// begin enters a load of the object.
func (p *pursuit) begin() *Load {
	load := p.l.begin(p.o.told.Bucket, p.o.told.Key, p.o.size)
	p.hand.begin(load)
	return load
}

func (p *pursuit) finish(load *Load, err error) { p.progress = p.l.finish(load, err, p.o.is.Modified) }
