package stream

// This file: asking for the children of shards that have ended.

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams/types"
)

// succession is a shard that has ended and whose children are asked for.
type succession struct {
	key   shardKey
	ended time.Time // when this run learned of that
	mine  bool      // it was read to its end here: its children are this instance's
	tries int
	due   time.Time
}

// childrenFor is how long a shard's children are asked for; listings are said to lag by minutes.
const childrenFor = 15 * time.Minute

// tooMany is how many ends may wait before one listing replaces the questions about each.
const tooMany = 5

// heirs is one goroutine: the ends whose children it has not found yet.
type heirs struct {
	*tenure
	waiting map[shardKey]*succession
}

// succeed asks for children until ctx ends: 50 ms after an end, then ever more rarely, up to once a minute. An empty
// answer is never final, but after a quarter of an hour it is left to the periodic listing.
func (t *tenure) succeed(ctx context.Context) error {
	h := heirs{t, map[shardKey]*succession{}}
	for {
		timer := time.NewTimer(h.pause())
		select {
		case <-t.parents.ready:
			for _, s := range t.parents.take() {
				s.due = time.Now().Add(childPause(0))
				h.waiting[s.key] = &s
			}
		case <-timer.C:
			if err := h.ask(ctx); err != nil {
				return err
			}
		case <-ctx.Done():
		}
		timer.Stop()
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
	}
}

// childPause is the time before question n.
func childPause(n int) time.Duration {
	if n > 8 {
		return grow(5*time.Second, time.Minute, n-9)
	}
	return grow(50*time.Millisecond, time.Second, n)
}

func (h heirs) pause() time.Duration {
	pause := time.Hour
	for _, s := range h.waiting {
		pause = min(pause, time.Until(s.due))
	}
	return max(0, pause)
}

// ask makes one call for the end that is due first, or one listing for all.
func (h heirs) ask(ctx context.Context) error {
	var first *succession
	for key, s := range h.waiting {
		if time.Since(s.ended) > childrenFor {
			delete(h.waiting, key)
		} else if first == nil || s.due.Before(first.due) {
			first = s
		}
	}
	switch {
	case first == nil:
		return nil
	case len(h.waiting) > tooMany:
		return h.list(ctx, first.key.label)
	default:
		return h.children(ctx, first)
	}
}

// again notes that an end was asked about in vain.
func (s *succession) again() {
	s.tries++
	s.due = time.Now().Add(childPause(s.tries))
}

func (h heirs) children(ctx context.Context, s *succession) error {
	page, asked, err := h.describe(ctx, s.key.label, nil, s.key.id)
	if err != nil {
		s.again() // the next question is due soon, and the listing tells of lasting trouble
		return context.Cause(ctx)
	}
	children := childrenOf(page.Shards, s.key.id)
	switch {
	case len(children) > 0:
		delete(h.waiting, s.key)
		return notTooOld(h.discovery.commit(ctx, s.key.label, children, asked, h.makes(s)))
	case off(page.StreamStatus):
		delete(h.waiting, s.key)
		h.asked.put(question{})
	default:
		s.again()
	}
	return nil
}

// makes says for whom the rows of an end's children are made, by whom.
func (h heirs) makes(s *succession) making {
	if s.mine {
		return making{owner: h.beat.ID()}
	}
	return making{}
}

// list lists a whole stream, once for all its ends that wait.
func (h heirs) list(ctx context.Context, label string) error {
	var from *string
	found := map[shardKey]bool{}
	for pages := 0; pages < 1000; pages++ {
		page, asked, err := h.describe(ctx, label, from, "")
		if err != nil {
			break
		}
		byParent := map[string][]types.Shard{}
		for _, s := range page.Shards {
			byParent[deref(s.ParentShardId)] = append(byParent[deref(s.ParentShardId)], s)
		}
		for key, s := range h.waiting {
			if children := byParent[key.id]; key.label == label && len(children) > 0 {
				found[key] = true
				if err := notTooOld(h.discovery.commit(ctx, label, children, asked, h.makes(s))); err != nil {
					return err
				}
			}
		}
		if from = page.LastEvaluatedShardId; deref(from) == "" {
			if off(page.StreamStatus) {
				h.forget(label, found)
			}
			break
		}
	}
	for key, s := range h.waiting {
		if found[key] {
			delete(h.waiting, key)
		} else if key.label == label {
			s.again()
		}
	}
	return context.Cause(ctx)
}

// forget gives up on the ends of a stream that is off: what a listing of it does not show, does not come.
func (h heirs) forget(label string, found map[shardKey]bool) {
	for key := range h.waiting {
		if key.label == label && !found[key] {
			delete(h.waiting, key)
		}
	}
	h.asked.put(question{})
}

// describe makes one attempt at a page.
func (h heirs) describe(ctx context.Context, label string, from *string, parent string) (page *types.StreamDescription, asked time.Time, err error) {
	if err := h.discovery.limit.Wait(ctx); err != nil {
		return nil, asked, err
	}
	asked = time.Now()
	err = h.caller.once(ctx, func(ctx context.Context) (err error) {
		page, err = h.discovery.describe(ctx, arnWith(h.stream.ARN, label), from, parent)
		return err
	})
	return page, asked, err
}
