package loader

// The heartbeat: messages in hand stay invisible to others for as long as they are worked on.

import (
	"context"
	"slices"
	"sync"
	"time"

	"go.uber.org/zap"
)

const (
	longestHold = 12*time.Hour - 15*time.Minute // SQS takes no visibility beyond 12 hours from the receipt
)

// hold is one message in hand. Its context ends when the message is about to become visible to others.
type hold struct {
	message
	ctx     context.Context
	cancel  context.CancelCauseFunc
	lapse   *time.Timer // cancels ctx unless it is moved on
	renewed time.Time   // when the last good renewal was sent; guarded by holds.mu
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
	held := &hold{message: m, renewed: m.received}
	held.ctx, held.cancel = context.WithCancelCause(ctx)
	held.lapse = time.AfterFunc(h.margin(m.received, m.received), func() { held.cancel(errLost) })
	h.mu.Lock()
	defer h.mu.Unlock()
	h.in[m.receipt] = held
	return held
}

// margin is how long after a renewal sent at that time work must stop: a quarter of the visibility is kept for the
// work to notice, and for clocks.
func (h *holds) margin(renewed, now time.Time) time.Duration {
	return renewed.Add(h.queue.visibility * 3 / 4).Sub(now)
}

// release ends a hold.
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

// run renews until ctx ends.
func (h *holds) run(ctx context.Context, tick func()) {
	every := min(h.queue.visibility/8, 5*time.Second)
	for sleep(ctx, every) == nil {
		tick()
		due := h.due(time.Now())
		for batch := range slices.Chunk(due, queueBatch) {
			h.renew(ctx, batch)
		}
	}
}

// due returns the holds whose renewal is due, and ends those that are near SQS's limit.
func (h *holds) due(now time.Time) []*hold {
	h.mu.Lock()
	defer h.mu.Unlock()
	var due []*hold
	for _, held := range h.in {
		switch {
		case now.Sub(held.received) > longestHold:
			held.cancel(errTwelve)
		case now.Sub(held.renewed) >= h.queue.visibility/2:
			due = append(due, held)
		}
	}
	slices.SortFunc(due, func(a, b *hold) int { return a.renewed.Compare(b.renewed) })
	return due
}

// renew sends one batch of renewals. What fails is due again at the next round, until the hold lapses.
func (h *holds) renew(ctx context.Context, batch []*hold) {
	ctx, cancel := context.WithTimeout(ctx, h.queue.visibility/4)
	defer cancel()
	messages := make([]message, len(batch))
	for i, held := range batch {
		messages[i] = held.message
	}
	sent := time.Now()
	failed, err := h.queue.change(ctx, messages, h.queue.visibility)
	if err != nil {
		h.missed()
		h.log.Warn("visibility not renewed", zap.Int("messages", len(batch)), zap.Error(err))
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, held := range batch {
		if err := failed[held.id]; err != nil {
			h.missed()
			h.log.Warn("visibility not renewed", zap.String("message_id", held.id), zap.Error(err))
			continue
		}
		held.renewed = sent
		if held.lapse.Stop() { // else it has lapsed
			held.lapse.Reset(h.margin(sent, time.Now()))
		}
	}
}
