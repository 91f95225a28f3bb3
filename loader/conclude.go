package loader

// How the pursuit of an object ends: whether it is still the current one, what the ledger says of it, whose events end with it.

import (
	"fmt"

	"inventoryd/internal/state"
)

// whole ends the event of an object that was written whole, if it is still the current one.
func (p *pursuit) whole(a *pass) (ending, error) {
	if p.hand.Dry {
		return done, nil
	}
	seen, err := p.look()
	switch {
	case err != nil:
		return interrupted(err)
	case seen == changed:
		return p.onward()
	}
	if a.sender != nil { // before the end is noted, after which nobody does this again
		if err := a.sender.loaded(p.e.write, p.brought(a), a.survey.stores); err != nil {
			return interrupted(err)
		}
	}
	if seen == same {
		return p.end(done, nil, state.Closing{Ended: p.ended(), Finished: &p.o.is})
	}
	p.l.metrics.count(p.l.metrics.vanished, 1)
	return p.end(done, nil, state.Closing{Ended: p.ended(), Void: true})
}

// unusable ends the event of an object that cannot be loaded, if it is still the current one.
func (p *pursuit) unusable(load *Load, cause error) (ending, error) {
	if p.hand.Dry {
		p.finish(load, cause)
		return permanent, cause
	}
	seen, err := p.look()
	switch {
	case err != nil:
		p.finish(load, err)
		return interrupted(err)
	case seen == changed:
		p.finish(load, &failure{of: toRead, fate: changed, err: cause})
		return p.anew()
	}
	p.finish(load, cause)
	if p.turn != nil {
		if err := p.failed(cause); err != nil {
			return interrupted(err)
		}
	}
	return p.conclude(bad, cause)
}

// conclude ends the event of an object that is not there or cannot be loaded.
func (p *pursuit) conclude(f fate, cause error) (ending, error) {
	c := state.Closing{Ended: p.ended(), Void: p.turn != nil && p.l.chains.wrote(p.turn)}
	how := permanent
	switch {
	case f == gone && p.turn != nil && p.l.cfg().OnMissing == "ack":
		return p.end(done, nil, c)
	case f == gone, f == mendable:
		how = leave
	}
	return p.end(how, fmt.Errorf("%s/%s: %w", p.o.told.Bucket, p.o.told.Key, cause), c)
}

// end takes the mark away and ends the events that the last reading has served.
func (p *pursuit) end(how ending, err error, c state.Closing) (ending, error) {
	if p.turn == nil {
		return how, err
	}
	if problem := p.l.closeMark(p.e.write, &p.o, p.mark, c); problem != nil {
		return interrupted(problem)
	}
	p.mark = nil
	if c.Finished != nil {
		p.l.chains.setWrote(p.turn, false) // whoever comes next finds it in the ledger
	}
	p.l.chains.serve(p.turn, nil, p.served, how, err)
	return how, err
}

// onward goes on after a whole reading of what was replaced meanwhile: the newest message of the chain does, and its mark
// is set before ours goes; the others have been served.
func (p *pursuit) onward() (ending, error) {
	if p.turn == nil {
		return p.anew()
	}
	next := p.l.chains.newest(p.turn)
	if next == nil {
		return p.anew()
	}
	m, err := p.l.setMark(p.e.write, &p.o, next.id)
	if err != nil {
		return interrupted(err)
	}
	p.l.chains.hand(next, m)
	if err := p.l.closeMark(p.e.write, &p.o, p.mark, state.Closing{Void: true}); err != nil {
		return interrupted(err)
	}
	p.mark = nil
	p.l.chains.serve(p.turn, next, p.served, done, nil)
	return done, nil
}

// ended is what the ledger says of the last load.
func (p *pursuit) ended() *state.Ended {
	e := &state.Ended{
		Status: p.progress.Outcome, At: p.progress.Started.Add(p.progress.Took), Took: p.progress.Took, Size: p.o.size, Version: p.o.is,
		Books: map[string]int64{}, Instance: p.l.cfg().Instance, Error: clip(p.progress.Error, 2000),
	}
	p.progress.Books.Each(func(column string, rows int64) { e.Books[column] = rows })
	if n := p.progress.Zeroed; n > 0 {
		e.Books["zeroed"] = n
	}
	return e
}
