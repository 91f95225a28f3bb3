// Package sleep has the one way in which the daemon's parts wait.
package sleep

import (
	"context"
	"time"
)

// For waits for d, or for the end of ctx, whose cause it returns; also where ctx ends at the same time.
func For(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
	return context.Cause(ctx)
}
