package loader

// The heartbeat: messages in hand stay invisible to others for as long as they are worked on.

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"inventoryd/internal/sleep"
)

// longestHold is for how long a message is kept. SQS takes no visibility that ends more than 12 hours after the receipt
// ("ChangeMessageVisibility"); a quarter of an hour is left for the hand-back.
func longestHold(visibility time.Duration) time.Duration {
	return 12*time.Hour - 15*time.Minute - visibility
}

// hold is one message in hand. Its context ends when the message is about to become visible to others: a quarter of the
// visibility is kept for the work to notice, and for clocks.
type hold struct {
	message
	ctx      context.Context
	cancel   context.CancelCauseFunc
	lapse    *time.Timer          // cancels ctx unless it is moved on
	patience time.Duration        // after a renewal, for which the message is surely ours
	beat     atomic.Pointer[beat] // the receipt, and then each good renewal
}

// holds renews the visibility of all messages in hand. It is safe for concurrent use.
type holds struct {
	queue  *queue
	log    *zap.Logger
	missed func() // counts renewals that failed

	mu sync.Mutex // guards in
	in map[string]*hold
}

// take begins to hold a message. ctx bounds the hold.
func (h *holds) take(ctx context.Context, m message) *hold {
	held := &hold{message: m, patience: h.queue.visibility * 3 / 4}
	held.beat.Store(&beat{m.received, m.asleep})
	held.ctx, held.cancel = context.WithCancelCause(ctx)
	held.lapse = time.AfterFunc(held.patience, func() { held.cancel(errLost) })
	h.mu.Lock()
	defer h.mu.Unlock()
	h.in[m.receipt] = held
	return held
}

// release ends a hold. It may be called more than once.
func (h *holds) release(held *hold) {
	h.mu.Lock()
	delete(h.in, held.receipt)
	h.mu.Unlock()
	held.lapse.Stop()
	held.cancel(nil)
}

// count is how many messages are in hand.
func (h *holds) count() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.in)
}

// run renews until ctx ends: all batches that are due at once, so that one call that hangs holds up no other.
func (h *holds) run(ctx context.Context, tick func()) {
	every := min(h.queue.visibility/8, 5*time.Second)
	for sleep.For(ctx, every) == nil {
		tick()
		var calls sync.WaitGroup
		for batch := range slices.Chunk(h.due(time.Now()), queueBatch) {
			calls.Go(func() { h.renew(ctx, batch) })
		}
		calls.Wait()
	}
}

// due returns the holds whose renewal is due, and ends those that are near SQS's limit.
func (h *holds) due(now time.Time) []*hold {
	h.mu.Lock()
	defer h.mu.Unlock()
	var due []*hold
	for _, held := range h.in {
		switch {
		case now.Sub(held.received) > longestHold(h.queue.visibility):
			held.cancel(errTwelve)
		case now.Sub(held.beat.Load().sent) >= h.queue.visibility/2:
			due = append(due, held)
		}
	}
	slices.SortFunc(due, func(a, b *hold) int { return a.beat.Load().sent.Compare(b.beat.Load().sent) })
	return due
}

// renew sends one batch of renewals. What fails is due again at the next round, until the hold lapses: with the usual
// visibility there is time for another try after one that hangs.
func (h *holds) renew(ctx context.Context, batch []*hold) {
	ctx, cancel := context.WithTimeout(ctx, min(h.queue.visibility/4, callTimeout))
	defer cancel()
	messages := make([]message, len(batch))
	for i, held := range batch {
		messages[i] = held.message
	}
	sent := &beat{time.Now(), asleep()}
	failed, err := h.queue.change(ctx, messages, h.queue.visibility)
	if err != nil {
		h.missed()
		h.log.Warn("visibility not renewed", zap.Int("messages", len(batch)), zap.Error(err))
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for i, held := range batch {
		if h.in[held.receipt] == held { // else it has ended meanwhile
			h.renewed(held, sent, failed[i])
		}
	}
}

// renewed notes how a renewal went; h.mu is held.
func (h *holds) renewed(held *hold, sent *beat, err error) {
	if err == nil {
		held.beat.Store(sent)
		if held.lapse.Stop() { // else it has lapsed
			held.lapse.Reset(held.patience - time.Since(sent.sent))
		}
		return
	}
	h.missed()
	h.log.Warn("visibility not renewed", zap.String("message_id", held.id), zap.Error(err))
	if errors.Is(err, errNotHeld) {
		held.cancel(fmt.Errorf("%w: %w", errLost, err))
	}
}
