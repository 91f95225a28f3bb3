package loader

// One feed through the pipeline: read, judged, spread over the lanes, written, booked.

import (
	"context"
	"errors"
	"fmt"
	"io"

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

// passes reads the feed once, or twice where one bad row rejects it.
func (p *pass) passes(w work, src source) error {
	if p.cfg.OnBadRow != "reject_object" {
		return p.read(w, src, p.writer(w))
	}
	if src.once {
		return &feed.Unusable{Reason: "loader.on_bad_row: reject_object reads a feed twice, which this source does not allow; save it to a file first"}
	}
	if err := p.read(w, src, nil); err != nil {
		return err
	}
	if err := p.judgeAny(); err != nil || p.load.dry {
		return err
	}
	p.load.again()
	if err := p.read(w, src, p.writer(w)); err != nil {
		return err
	}
	return p.judgeAny()
}

// writer starts the lanes of this feed; none for a dry run.
func (p *pass) writer(w work) *lanes.Lanes {
	if p.load.dry {
		return nil
	}
	var out *lanes.Lanes
	out = lanes.Start(w.write, lanes.Config{
		Lanes: p.cfg.Lanes, Table: p.held.fence(p.l.table), Pace: &p.l.pace,
		Judge: func(err error) lanes.Verdict { return failed(toWrite, err).fate.verdict() },
		Pulse: func() lanes.Pulse { return p.l.cfg().Work("loader.lane") }, Owner: p.pulse,
		Trouble: p.l.tableTrouble, Throttled: func() { p.l.metrics.count(p.l.metrics.throttles, 1) },
		Refused: func(r lanes.Row, err error) { p.book(refusedRow(r, err)) },
		Waiting: func() { p.advance(out) },
	})
	return out
}

// read reads the feed to its end, or to the first error; out, where there are lanes, is ended in any case.
func (p *pass) read(w work, src source, out *lanes.Lanes) error {
	p.load.writing(out)
	err := p.rows(w, src, out)
	if out == nil {
		return err
	}
	whole := err == nil
	if whole {
		_, err = out.Finish(w.write)
	} else {
		out.Abort()
	}
	p.load.written(out)
	p.front.settle(p.reached(out), err != nil)
	switch {
	case errors.Is(err, lanes.ErrTableRefuses):
		return &feed.Unusable{Reason: err.Error()}
	case whole && err == nil:
		return p.judgeWhole() // anew: the table may have refused rows since
	}
	return err
}

// rows hands the feed's rows to the lanes.
func (p *pass) rows(w work, src source, out *lanes.Lanes) error {
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
			err = p.reject(reject)
		} else {
			err = p.add(w.read, out, row)
		}
		if err == nil && read%percentEvery == 0 {
			err = p.judgeShare()
		}
		if err != nil {
			return err
		}
		if out != nil && read%(storeEvery/20) == 0 {
			p.advance(out)
		}
	}
}

// reached is the line up to which nothing is left to do. A row that the table has refused is to be reported again by whoever
// begins again.
func (p *pass) reached(out *lanes.Lanes) int64 {
	if out.Tally().Refused > 0 {
		return 0
	}
	if line, behind := out.Behind(); behind {
		return line - 1
	}
	return p.line
}

func (p *pass) advance(out *lanes.Lanes) {
	if p.front != nil {
		p.front.advance(p.reached(out))
	}
}

// add hands one row to the lanes. Where there are none, or they have failed, it stays unwritten.
func (p *pass) add(ctx context.Context, out *lanes.Lanes, row *feed.Row) error {
	if out == nil {
		p.load.unwritten.Add(1)
		return context.Cause(ctx)
	}
	if p.front.written(row.Line) {
		p.load.resumed.Add(1)
		p.line = row.Line
		return context.Cause(ctx)
	}
	err := out.Add(ctx, lanes.Row{Store: row.Store, Item: row.Item, Count: row.Count, Line: row.Line, Offset: row.Offset})
	if err != nil {
		p.load.unwritten.Add(1)
		return err
	}
	p.line = row.Line
	return nil
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
