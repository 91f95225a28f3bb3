package loader

// What is known of an object's feed while it is loaded, and what is noted of it afterwards.

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"go.uber.org/zap"

	"inventoryd/internal/state"
)

// FeedEvent is what happened to a feed and people should know.
type FeedEvent struct {
	Kind   string // feed_held, feed_late, feed_came or feed_failed
	Feed   string // its name
	ID     string // of what happened: the same one is told once
	Reason string // in words, with line numbers where there are some
	Remedy string // what to do
	At     time.Time
}

// sender is a feed in the eyes of one load; nil: by hand.
type sender struct {
	l        *Loader
	feed     Feed
	row      state.Feed
	released bool // somebody has said that this upload is to be loaded
}

// sender reads what is known of the object's feed.
func (p *pursuit) sender() (*sender, error) {
	if p.turn == nil {
		return nil, nil
	}
	s := &sender{l: p.l, released: p.mark.released != "" && p.mark.released == p.o.is.ETag}
	cfg := p.l.cfg()
	s.feed, _ = cfg.feed(p.o.told.Bucket, p.o.told.Key)
	if !s.guarded() {
		return s, nil
	}
	err := p.l.insist(p.e.read, theState, toState, callTimeout, func(ctx context.Context) (err error) {
		s.row, _, err = state.FeedNamed(ctx, p.l.clients.State, cfg.StateTable, cfg.App, s.feed.Name)
		return err
	})
	return s, err
}

// guarded reports whether an upload is looked at before it is written.
func (s *sender) guarded() bool { return s != nil && s.feed.Gate.closed() }

// last is the feed's last upload that was loaded; nil: none is known.
func (s *sender) last() *state.Brought {
	if s == nil {
		return nil
	}
	return s.row.Good
}

// brought is what the ledger says of the upload that was read last.
func (p *pursuit) brought(a *pass) state.Brought {
	b := state.Brought{Bucket: p.o.told.Bucket, Key: p.o.told.Key, Version: p.o.is, At: time.Now(), Zeroed: a.load.zeroed.Load(), Note: a.note}
	if s := a.survey; s != nil {
		b.Rows, b.Zeros, b.StoreCount = s.rows, s.zeros, int64(len(s.stores))
		for _, name := range s.first {
			b.Stores = append(b.Stores, clip(name, 200))
		}
	}
	return b
}

// loaded notes that an upload was loaded, and the stores in it.
func (s *sender) loaded(ctx context.Context, b state.Brought, stores map[string]*entered) error {
	if err := s.visited(ctx, stores); err != nil {
		return err
	}
	return s.bring(ctx, b, false)
}

// holdBack ends the event of an upload that is held back, if it is still the current one: people are told, and release it or send a
// better one. wrote says that rows of an earlier upload were written since the last load that was finished.
func (p *pursuit) holdBack(a *pass, cause error, wrote bool) (ending, error) {
	seen, err := p.look()
	switch {
	case err != nil:
		p.finish(a.load, err)
		return interrupted(err)
	case seen == changed:
		p.finish(a.load, &failure{of: toRead, fate: changed, err: cause})
		return p.anew()
	}
	p.finish(a.load, cause)
	p.l.chains.setWrote(p.turn, wrote)
	b := p.brought(a)
	var why *heldBack
	errors.As(cause, &why)
	b.Note = why.told()
	if err := a.sender.bring(p.e.write, b, true); err != nil {
		return interrupted(err)
	}
	err = p.l.tell(p.e.write, FeedEvent{
		Kind: "feed_held", Feed: a.sender.feed.Name, ID: p.uploadID(), At: time.Now(),
		Reason: fmt.Sprintf("%v, uploaded at %s: %s", &p.o, p.o.is.Modified.UTC().Format(timeForm), why.told()),
		Remedy: "If it is right as it is: inventoryd release " + p.o.String() + "\nElse upload a better one.",
	})
	if err != nil {
		return interrupted(err)
	}
	return p.end(done, nil, state.Closing{Ended: p.ended(), Void: wrote})
}

// failed tells the feed's people that an upload cannot be loaded.
func (p *pursuit) failed(cause error) error {
	feed, _ := p.l.cfg().feed(p.o.told.Bucket, p.o.told.Key)
	return p.l.tell(p.e.write, FeedEvent{
		Kind: "feed_failed", Feed: feed.Name, ID: p.uploadID(), At: time.Now(),
		Reason: fmt.Sprintf("%v, uploaded at %s: %v", &p.o, p.o.is.Modified.UTC().Format(timeForm), cause),
		Remedy: "Mend what it names and upload the file again.",
	})
}

// uploadID names the upload that was read.
func (p *pursuit) uploadID() string {
	return clip(fmt.Sprintf("%s %s %s", p.o.is.ETag, instantID(p.o.is.Modified), p.o.told.Key), 1000)
}

// bring notes an upload in its feed's row; of one that was overtaken there is nothing to say. A late feed has come with it.
func (s *sender) bring(ctx context.Context, b state.Brought, held bool) error {
	var row state.Feed
	cfg := s.l.cfg()
	err := s.l.insist(ctx, theState, toState, callTimeout, func(ctx context.Context) error {
		out, err := s.l.clients.State.UpdateItem(ctx, state.BringFeed(cfg.StateTable, cfg.App, s.feed.Name, b, held, time.Now()))
		var newer *types.ConditionalCheckFailedException
		switch {
		case errors.As(err, &newer):
			return nil
		case err != nil:
			return fmt.Errorf("note an upload of feed %s in table %s: %w", s.feed.Name, cfg.StateTable, err)
		}
		row, err = state.FeedOf(out.Attributes)
		return err
	})
	if err != nil || row.Late.IsZero() {
		return err
	}
	return s.came(ctx, row.Late, b)
}

// came tells that a feed has come that people were told is late.
func (s *sender) came(ctx context.Context, deadline time.Time, b state.Brought) error {
	err := s.l.tell(ctx, FeedEvent{
		Kind: "feed_came", Feed: s.feed.Name, ID: instantID(deadline), At: b.Version.Modified,
		Reason: fmt.Sprintf("It was expected by %s; s3://%s/%s came at %s.", deadline.UTC().Format(timeForm), b.Bucket, b.Key, b.Version.Modified.UTC().Format(timeForm)),
	})
	if err != nil {
		return err
	}
	cfg := s.l.cfg()
	return s.l.insist(ctx, theState, toState, callTimeout, func(ctx context.Context) error {
		_, err := s.l.clients.State.UpdateItem(ctx, state.FeedCame(cfg.StateTable, cfg.App, s.feed.Name, deadline, time.Now()))
		return unlessNoted(err)
	})
}

// timeForm is how times stand in messages to people.
const timeForm = "2006-01-02 15:04:05 UTC"

// instantID names a deadline.
func instantID(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// unlessNoted is nil for a condition that failed: somebody has noted it.
func unlessNoted(err error) error {
	var noted *types.ConditionalCheckFailedException
	if errors.As(err, &noted) {
		return nil
	}
	return err
}

// tell tells people of a feed, for as long as it takes to write that down.
func (l *Loader) tell(ctx context.Context, e FeedEvent) error {
	tell := l.cfg().Tell
	if tell == nil {
		return nil
	}
	e.Feed = clip(e.Feed, 900) // it is part of a key
	return l.insist(ctx, theState, toState, callTimeout, func(ctx context.Context) error { return tell(ctx, e) })
}

// visits remembers which stores' rows say of today that a feed loads them. It is safe for concurrent use.
type visits struct {
	seed maphash.Seed
	mu   sync.Mutex // guards day and known
	day  string
	is   map[uint64]struct{}
}

// mostVisits is how many are remembered; beyond it rows are written once more.
const mostVisits = 50_000

type visit struct{ feed, store string }

// fresh are those of the stores that have to be written today.
func (v *visits) fresh(feed string, stores map[string]*entered, now time.Time) (list []string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if day := now.UTC().Format(time.DateOnly); day != v.day || len(v.is) > mostVisits {
		v.day, v.is, v.seed = day, map[uint64]struct{}{}, maphash.MakeSeed()
	}
	for store := range stores {
		if _, known := v.is[maphash.Comparable(v.seed, visit{feed, store})]; !known {
			list = append(list, store)
		}
	}
	return list
}

func (v *visits) note(feed string, stores []string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, store := range stores {
		v.is[maphash.Comparable(v.seed, visit{feed, store})] = struct{}{}
	}
}

// visited notes which stores the feed loads: another one that makes absent items 0 must know.
func (s *sender) visited(ctx context.Context, stores map[string]*entered) error {
	const batch = 25 // "BatchWriteItem": up to 25 requests
	cfg, now := s.l.cfg(), time.Now()
	fresh := s.l.visits.fresh(s.feed.Name, stores, now)
	if len(stores) >= mostStores {
		s.l.log.Warn("feed has too many stores to be remembered", zap.String("feed", s.feed.Name), zap.Int("stores", len(stores)))
	}
	for begin := 0; begin < len(fresh); begin += batch {
		some := fresh[begin:min(begin+batch, len(fresh))]
		var left []types.WriteRequest
		for _, store := range some {
			row := state.StoreFeed{Feed: s.feed.Name, At: now}.Attributes(cfg.App, store)
			left = append(left, types.WriteRequest{PutRequest: &types.PutRequest{Item: row}})
		}
		err := s.l.insist(ctx, theState, toState, callTimeout, func(ctx context.Context) error {
			out, err := s.l.clients.State.BatchWriteItem(ctx, &dynamodb.BatchWriteItemInput{RequestItems: map[string][]types.WriteRequest{cfg.StateTable: left}})
			if err != nil {
				return fmt.Errorf("note the stores of feed %s in table %s: %w", s.feed.Name, cfg.StateTable, err)
			}
			if left = out.UnprocessedItems[cfg.StateTable]; len(left) > 0 {
				return &types.ProvisionedThroughputExceededException{Message: ptr("the table left rows unprocessed")}
			}
			return nil
		})
		if err != nil {
			return err
		}
		s.l.visits.note(s.feed.Name, some)
	}
	return nil
}

func ptr[T any](v T) *T { return &v }
