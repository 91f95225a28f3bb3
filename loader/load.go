package loader

// One feed through the pipeline: read, judged, spread over the lanes, written, booked.

import (
	"context"
	"errors"
	"fmt"
	"io"

	"inventoryd/internal/inventory"
	"inventoryd/loader/feed"
	"inventoryd/loader/lanes"
)

// percentEvery is after how many rows the share of rejected ones is looked at.
const percentEvery = 10_000

// pass is one loading of a feed: it is read once, or twice, in one state.
type pass struct {
	l      *Loader
	cfg    Config
	load   *Load
	held   *hold // of the message; nil: by hand
	pulse  lanes.Pulse
	report *report
	front  *frontier // nil: by hand
	line   int64     // of the last row that was read

	sender *sender         // nil: by hand
	survey *survey         // of the last reading
	absent []inventory.Key // that become 0
	note   string          // what the ledger says of the upload beside its figures
}

func newPass(l *Loader, load *Load, e errand) *pass {
	p := &pass{l: l, load: load, held: e.held, pulse: e.slot.life()}
	p.cfg, _ = l.cfg().of(load.Bucket, load.Key)
	p.report = newReport(p.cfg.Rejects, load)
	return p
}

// run loads the feed. Its error is nil, an *feed.Unusable (no retry helps), a *failure, or the cause of an ended context. The
// books are in load in any case, the rejects in the report.
func (p *pass) run(w work, src source) error {
	err := p.passes(w, src)
	if problem := p.load.books().check(); problem != nil {
		return errors.Join(err, problem)
	}
	return err
}

// passes reads the feed once, or twice where it is to be judged before a row is written.
func (p *pass) passes(w work, src source) error {
	strict := p.cfg.OnBadRow == "reject_object"
	if strict || p.sender.guarded() {
		if src.once {
			return &feed.Unusable{Reason: "loader.on_bad_row: reject_object reads a feed twice, which this source does not allow; save it to a file first"}
		}
		if err := p.first(w, src); err != nil || p.load.dry && p.load.foretells == nil {
			return err
		}
		p.load.again()
		p.report.discard()
		p.report = newReport(p.cfg.Rejects, p.load)
	}
	if err := p.read(w, src, p.sink(w)); err != nil {
		return err
	}
	if strict {
		if err := p.judgeAny(); err != nil {
			return err
		}
	}
	return p.zero(w)
}

// first reads the feed without writing, and judges it.
func (p *pass) first(w work, src source) error {
	err := p.read(w, src, sink{})
	s := p.sender
	if _, judged := fateIn(err); err != nil && !(s.guarded() && judged && p.empty()) {
		return err
	}
	if p.cfg.OnBadRow == "reject_object" && err == nil {
		if err := p.judgeAny(); err != nil {
			return err
		}
	}
	if !s.guarded() {
		return nil
	}
	if held := s.feed.Gate.judge(s.row.Good, p.survey.found); held != nil && !s.released {
		return held
	}
	if err != nil { // it was released, and there is nothing in it
		return err
	}
	return p.lookForAbsent(w.read)
}

// empty reports whether the reading has found a header and nothing else.
func (p *pass) empty() bool { return p.survey != nil && p.load.read.Load() == 0 }

// read reads the feed to its end, or to the first error; what takes the rows is ended in any case.
func (p *pass) read(w work, src source, to sink) error {
	p.load.writing(to)
	err := p.rows(w, src, to)
	whole := err == nil
	if to.delta != nil {
		defer to.delta.Close()
		if whole {
			err = to.flush(w.read)
		}
	}
	if to.lanes != nil {
		if err == nil {
			_, err = to.lanes.Finish(w.write)
		} else {
			to.lanes.Abort()
		}
	}
	p.load.written(to)
	p.front.settle(p.reached(to), err != nil)
	switch {
	case errors.Is(err, lanes.ErrTableRefuses):
		return &feed.Unusable{Reason: err.Error()}
	case whole && err == nil:
		return p.judgeWhole() // anew: the table may have refused rows since
	}
	return err
}

// rows hands the feed's rows to the lanes.
func (p *pass) rows(w work, src source, to sink) error {
	body, err := src.open(w.read)
	if err != nil {
		return err
	}
	defer body.Close()
	in := &remembering{r: body, load: p.load, pulse: p.pulse}
	rules, room := p.cfg.rules(), &room{in: p.l.windows, ctx: w.read, pulse: p.pulse, fail: func(err error) { in.err = err }}
	defer room.release()
	rules.Caps.Reserve = room.reserve
	rows, err := feed.Open(in, rules)
	if err != nil {
		return in.judge(err)
	}
	defer rows.Close()
	p.survey = newSurvey(p.sender.last(), to == sink{} && p.sender.guarded() && p.sender.feed.zeroes())
	defer func() { p.load.headers.Store(rows.Headers()) }()
	for {
		row, reject, err := rows.Next()
		if err == io.EOF {
			return p.judgeWhole()
		}
		if err != nil {
			return in.judge(err)
		}
		read := p.load.read.Add(1)
		if reject != nil {
			p.survey.reject(reject, rows)
			err = p.reject(reject)
		} else {
			p.survey.row(row)
			err = p.add(w.read, to, row)
		}
		if err == nil && read%percentEvery == 0 {
			err = p.judgeShare()
		}
		if err != nil {
			return err
		}
		if read%(storeEvery/20) == 0 {
			p.advance(to)
		}
	}
}

// reached is the line up to which nothing is left to do. A row that the table has refused is to be reported again by whoever
// begins again.
func (p *pass) reached(to sink) int64 {
	if to.lanes == nil || to.lanes.Tally().Refused > 0 {
		return 0
	}
	if line, behind := to.behind(); behind {
		return line - 1
	}
	return p.line
}

func (p *pass) advance(to sink) {
	if p.front != nil && to.lanes != nil {
		p.front.advance(p.reached(to))
	}
}

// add hands one row on. Where nobody takes rows, or can take any more, it stays unwritten.
func (p *pass) add(ctx context.Context, to sink, row *feed.Row) error {
	var err error
	switch {
	case to == sink{}:
		p.load.unwritten.Add(1)
		return context.Cause(ctx)
	case p.front.written(row.Line):
		p.load.resumed.Add(1)
		err = context.Cause(ctx)
	default:
		err = to.add(ctx, lanes.Row{Store: row.Store, Item: row.Item, Count: row.Count, Line: row.Line, Offset: row.Offset})
		if err != nil {
			p.load.unwritten.Add(1)
		}
	}
	if err == nil {
		p.line = row.Line
	}
	return err
}

// reject books a reject that the reader found, and fails a feed that has too many.
func (p *pass) reject(r *feed.Reject) error {
	p.book(r)
	if err := p.judgeCount(); err != nil {
		return err
	}
	return p.report.relieve()
}

// book books a reject. Lanes call it too, several at once.
func (p *pass) book(r *feed.Reject) {
	p.load.first.CompareAndSwap(nil, r)
	p.load.rejected.Add(1) // who sees a reject counted finds the first one
	p.report.add(r)
	if p.load.rejects != nil {
		p.load.rejects(r)
	}
}

// remembering is the body of a feed. It keeps its own error, which tells a body that breaks from one that cannot be
// decoded.
type remembering struct {
	r     io.Reader
	load  *Load
	pulse lanes.Pulse
	err   error
}

func (r *remembering) Read(p []byte) (int, error) {
	n, err := r.r.Read(p)
	r.load.bytes.Add(int64(n))
	r.pulse.Tick()
	if err != nil && err != io.EOF {
		r.err = err
	}
	return n, err
}

// judge returns the body's own error; without one, the body is whole, and err is about what it holds.
func (r *remembering) judge(err error) error {
	if r.err != nil {
		return r.err
	}
	if f, judged := fateIn(err); judged && f == bad {
		return err
	}
	return &feed.Unusable{Reason: fmt.Sprintf("the object is whole and cannot be decoded: %v", err)}
}

// refusedRow is the reject of a row that the table refuses.
func refusedRow(r lanes.Row, err error) *feed.Reject {
	return &feed.Reject{
		Line: r.Line, Offset: r.Offset, Code: feed.TableRefused, Message: "DynamoDB refuses the row: " + err.Error(),
		Raw: clip(fmt.Sprintf("%s,%s,%d", r.Store, r.Item, r.Count), feed.RawLimit),
	}
}
