package loader

// What fails a feed as a whole: its rejects, or that it has no row.

import (
	"fmt"

	"inventoryd/loader/feed"
)

// judgeAny fails a feed that has a reject.
func (p *pass) judgeAny() error {
	if n := p.load.rejected.Load(); n > 0 {
		return &feed.Unusable{Reason: fmt.Sprintf("%d of %d rows cannot be used, and loader.on_bad_row is reject_object; first: %s",
			n, p.load.read.Load(), p.load.firstReject())}
	}
	return nil
}

// judgeCount fails a feed that has too many rejects.
func (p *pass) judgeCount() error {
	if n := p.load.rejected.Load(); p.cfg.MaxRejects > 0 && n > p.cfg.MaxRejects {
		return &feed.Unusable{Reason: fmt.Sprintf("more than %d rows cannot be used (loader.max_rejects); first: %s", p.cfg.MaxRejects, p.load.firstReject())}
	}
	return nil
}

// judgeShare fails a feed of which too large a part is rejected.
func (p *pass) judgeShare() error {
	read, rejected := p.load.read.Load(), p.load.rejected.Load()
	if limit := p.cfg.MaxRejectsPercent; limit > 0 && float64(rejected)*100 > limit*float64(read) {
		return &feed.Unusable{Reason: fmt.Sprintf("%d of %d rows cannot be used, more than %v %% (loader.max_rejects_percent); first: %s",
			rejected, read, limit, p.load.firstReject())}
	}
	return nil
}

// judgeWhole judges a feed that is read to its end.
func (p *pass) judgeWhole() error {
	b := p.load.books()
	switch {
	case b.Read == 0:
		return &feed.Unusable{Reason: "the object has a header and no rows"}
	case b.Read == b.Rejected+b.Merged: // a row in whose place another one was refused is none that can be used
		return &feed.Unusable{Reason: fmt.Sprintf("none of its %d rows can be used; first: %s", b.Read, p.load.firstReject())}
	}
	if err := p.judgeCount(); err != nil {
		return err
	}
	return p.judgeShare()
}
