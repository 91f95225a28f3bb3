package loader

// The frontier: how far the rows of an object are in the table, so that a message that comes again does not write them again.
// It holds for one message, upload and way of reading, and only while nobody has set another mark on the object since. Where another
// message's mark was there before, there is none: whoever stands behind it may still overwrite rows with older ones.

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"go.uber.org/zap"

	"inventoryd/internal/state"
	"inventoryd/loader/feed"
)

// storeEvery is after how many lines of progress the frontier is stored; tests do so more often.
var storeEvery int64 = 20_000

// storeLimit is how long that may take. A stop waits for it.
const storeLimit = 2 * time.Second

// frontier is that of one reading. Its methods do nothing for nil, which is a load by hand.
type frontier struct {
	l    *Loader
	o    *object
	mark *mark
	is   state.Frontier // but for its line
	from int64          // up to this line an earlier try has written the rows

	saving sync.WaitGroup // the one that is being stored; settle waits
	stored atomic.Int64   // line
	busy   atomic.Bool
	void   atomic.Bool // somebody else is at it, or has set a mark since ours: nothing is stored any more
}

// frontier takes over what an earlier try has reached, or removes it: before a row is written that it does not know of.
func (p *pursuit) frontier(cfg Config) (*frontier, error) {
	if p.turn == nil {
		return nil, nil
	}
	f := &frontier{l: p.l, o: &p.o, mark: p.mark, is: state.Frontier{
		Message: p.e.id, Version: p.o.is, Seq: p.mark.seq, Parser: feed.Version, Rules: rulesDigest(cfg),
	}}
	f.void.Store(p.mark.strange)
	before := p.mark.frontier
	if before == nil {
		return f, nil
	}
	if !p.mark.strange && f.continues(*before) {
		if err := f.insist(p.e.read, before.Line); err != nil {
			return nil, err
		}
		if !f.void.Load() {
			f.from = before.Line
			return f, nil
		}
	}
	return f, f.drop(p.e.read)
}

// continues tells whether this reading may go on from where another one stopped. A mark was set for it, and no other.
func (f *frontier) continues(before state.Frontier) bool {
	since := f.is.Seq - before.Seq
	same := before
	same.Seq, same.Line, same.Version = f.is.Seq, 0, f.is.Version
	return same == f.is && before.Version.Same(f.is.Version) && (since == 0 || since == 1)
}

// rulesDigest stands for all that decides what a row of an object means, and where it goes.
func rulesDigest(c Config) string {
	return fmt.Sprintf("%x", sha256.Sum256(fmt.Appendf(nil, "%+v %+v", c.rules(), c.Table)))[:32]
}

// store makes one call that stores a line; a mark of somebody else's makes the frontier void.
func (f *frontier) store(ctx context.Context, line int64) error {
	cfg, now := f.l.cfg(), f.is
	now.Line = line
	_, err := f.l.clients.State.UpdateItem(ctx, state.StoreFrontier(cfg.StateTable, cfg.App, f.o.told.Bucket, f.o.told.Key, now, time.Now()))
	var other *types.ConditionalCheckFailedException
	switch {
	case errors.As(err, &other):
		f.void.Store(true)
	case err != nil:
		return fmt.Errorf("store a frontier in table %s: %w", cfg.StateTable, err)
	default:
		f.mark.frontier = &now
		f.stored.Store(line)
	}
	return nil
}

// insist stores a line, however long it takes.
func (f *frontier) insist(ctx context.Context, line int64) error {
	return f.l.insist(ctx, theState, toState, callTimeout, func(ctx context.Context) error { return f.store(ctx, line) })
}

// drop removes what an earlier try has stored.
func (f *frontier) drop(ctx context.Context) error {
	cfg := f.l.cfg()
	err := f.l.insist(ctx, theState, toState, callTimeout, func(ctx context.Context) error {
		_, err := f.l.clients.State.UpdateItem(ctx, state.DropFrontier(cfg.StateTable, cfg.App, f.o.told.Bucket, f.o.told.Key))
		if err != nil {
			return fmt.Errorf("remove a frontier from table %s: %w", cfg.StateTable, err)
		}
		return nil
	})
	if err == nil {
		f.mark.frontier = nil
	}
	return err
}

// written reports whether an earlier try has written the row of a line.
func (f *frontier) written(line int64) bool { return f != nil && line <= f.from }

// advance stores a line once that is worth a call. It waits for nothing: what is not stored costs a repetition at most.
func (f *frontier) advance(line int64) {
	if f != nil && line >= f.stored.Load()+storeEvery {
		f.save(line)
	}
}

func (f *frontier) save(line int64) {
	if line <= f.stored.Load() || f.void.Load() || !f.busy.CompareAndSwap(false, true) {
		return
	}
	f.saving.Go(func() {
		defer f.busy.Store(false)
		ctx, cancel := context.WithTimeout(context.Background(), storeLimit)
		defer cancel()
		if err := f.store(ctx, line); err != nil {
			f.l.log.Debug("frontier not stored", zap.String("bucket", f.o.told.Bucket), zap.String("key", f.o.told.Key), zap.Error(err))
		}
	})
}

// settle ends the reading: it waits for what is being stored, and stores what was reached, where the reading stopped in the
// middle or is long, so that what comes after it, a last look that has to wait for S3 say, does not cost it.
func (f *frontier) settle(line int64, stopped bool) {
	if f == nil {
		return
	}
	f.saving.Wait()
	if stopped || line >= storeEvery {
		f.save(line)
		f.saving.Wait()
	}
}
