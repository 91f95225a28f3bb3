package stream

import (
	"context"

	"golang.org/x/sync/semaphore"
)

// budget bounds the memory of all pages of the process. A page takes its part when its size is known, before its text
// is read, and gives it back when its records are handled; nobody holds a part while waiting for another.
type budget struct {
	size  int64
	parts *semaphore.Weighted
}

func newBudget(size int64) *budget { return &budget{size, semaphore.NewWeighted(size)} }

// typicalPage is what must be free before a page is asked for.
const typicalPage = 1 << 20

// wait waits until there is room for a page.
func (b *budget) wait(ctx context.Context) error {
	if err := b.parts.Acquire(ctx, typicalPage); err != nil {
		return context.Cause(ctx)
	}
	b.parts.Release(typicalPage)
	return nil
}

// take takes n bytes; it returns what it took, which for a giant page is the whole budget.
func (b *budget) take(ctx context.Context, n int64) (int64, error) {
	n = min(n, b.size)
	if err := b.parts.Acquire(ctx, n); err != nil {
		return 0, err
	}
	return n, nil
}

func (b *budget) release(n int64) {
	if n > 0 {
		b.parts.Release(n)
	}
}
