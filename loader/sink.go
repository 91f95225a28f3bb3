package loader

// Where the rows of a reading go: to the lanes, or first to be compared with what the table holds. Or nowhere, where the reading
// only judges.

import (
	"context"

	"inventoryd/loader/delta"
	"inventoryd/loader/lanes"
)

// sink takes the rows of one reading. Its methods are called by the reading's goroutine.
type sink struct {
	lanes *lanes.Lanes // nil: nothing is written
	delta *delta.Delta // nil: nothing is compared
}

// add takes a row.
func (s sink) add(ctx context.Context, r lanes.Row) error {
	if s.delta != nil {
		return s.delta.Add(ctx, r)
	}
	return s.lanes.Add(ctx, r)
}

// flush hands on what waits to be compared.
func (s sink) flush(ctx context.Context) error {
	if s.delta == nil {
		return nil
	}
	return s.delta.Flush(ctx)
}

// behind is the line of the first row with which something is left to do; ok is false where there is none.
func (s sink) behind() (line int64, ok bool) {
	if s.lanes != nil {
		if line, ok = s.lanes.Behind(); ok {
			return line, true // what waits to be compared is later
		}
	}
	if s.delta != nil {
		return s.delta.Oldest()
	}
	return 0, false
}

// tally is what became of the rows so far. It may be called by any goroutine.
func (s sink) tally() (t tally) {
	if s.lanes != nil {
		t.lanes = s.lanes.Tally()
	}
	if s.delta != nil {
		t.merged, t.unchanged = s.delta.Tally()
	}
	return t
}

// sink starts what takes the rows of this feed.
func (p *pass) sink(w work) (s sink) {
	switch f := p.load.foretells; {
	case f != nil:
		f.cfg, f.is = &p.cfg, Forecast{}
		s.delta = delta.New(delta.Config{
			Reads: p.reads(), Budget: p.l.table.memory, Told: f.tell,
			Out: func(context.Context, lanes.Row, delta.Known) error { p.load.unwritten.Add(1); return nil },
		})
	case p.load.dry:
	case p.cfg.Mode == "delta":
		s.delta = delta.New(delta.Config{
			Reads: p.reads(), Budget: p.l.table.memory, Forget: lanes.Ahead,
			Out: func(ctx context.Context, r lanes.Row, _ delta.Known) error { return s.lanes.Add(ctx, r) },
		})
		fallthrough
	default:
		s.lanes = p.writer(w, &s)
	}
	return s
}

// writer starts the lanes.
func (p *pass) writer(w work, s *sink) *lanes.Lanes {
	return lanes.Start(w.write, lanes.Config{
		Lanes: p.cfg.Lanes, Table: p.held.fence(p.l.table.writes(&p.cfg)), Pace: &p.l.table.paces.write,
		Judge: judgeTable, Trouble: p.l.tableTrouble,
		Pulse: func() lanes.Pulse { return p.l.cfg().Work("loader.lane") }, Owner: p.pulse,
		Consumed:  func(units float64) { p.load.meter.wrote(units); p.l.metrics.units.Add(context.Background(), units) },
		Throttled: func() { p.l.metrics.count(p.l.metrics.throttles, 1) },
		Refused:   func(r lanes.Row, err error) { p.book(refusedRow(r, err)) },
		Waiting:   func() { p.advance(*s) },
	})
}

// reads is how the table is read.
func (p *pass) reads() delta.Reads {
	from := &delta.Dynamo{Client: p.l.table.client, Table: p.l.table.is, Consumed: func(units float64) {
		p.load.meter.read(units)
		p.l.metrics.readUnits.Add(context.Background(), units)
	}}
	if p.load.foretells != nil {
		from.Whole, from.Threshold = true, p.load.threshold
	}
	return delta.Reads{
		Table: from,
		Pace:  &p.l.table.paces.read, Judge: judgeTable, Trouble: p.l.tableTrouble, Pulse: p.pulse,
	}
}

// judgeTable is what an error of the inventory's table means.
func judgeTable(err error) lanes.Verdict { return failed(toWrite, err).fate.verdict() }
