package loader

import (
	"context"
	"errors"
	"testing"
	"time"

	"inventoryd/loader/lanes"
)

type countingTable struct{ puts int }

func (c *countingTable) Put(context.Context, []lanes.Row) ([]lanes.Row, float64, error) {
	c.puts++
	return nil, 0, nil
}

// TestAProcessThatWasStoppedPastTheVisibilityWritesNothing moves the last sign of life back, as a stop does, or the sleep of
// the machine forward.
func TestAProcessThatWasStoppedPastTheVisibilityWritesNothing(t *testing.T) {
	for name, c := range map[string]struct {
		ago, slept time.Duration
		writes     bool
	}{
		"in time":            {0, 0, true},
		"just in time":       {80 * time.Second, 0, true},
		"stopped":            {91 * time.Second, 0, false},
		"asleep":             {0, 2 * time.Minute, false},
		"a little of either": {60 * time.Second, 40 * time.Second, false},
	} {
		t.Run(name, func(t *testing.T) {
			held := &hold{patience: 90 * time.Second}
			held.ctx, held.cancel = context.WithCancelCause(t.Context())
			held.beat.Store(&beat{time.Now().Add(-c.ago), asleep() - c.slept})
			table := &countingTable{}
			_, _, err := held.fence(table).Put(t.Context(), make([]lanes.Row, 3))
			if wrote := table.puts == 1; wrote != c.writes || wrote != (err == nil) {
				t.Errorf("%d writes, %v", table.puts, err)
			}
			if !c.writes && !errors.Is(context.Cause(held.ctx), errLost) {
				t.Errorf("the hold has %v", context.Cause(held.ctx))
			}
		})
	}
}
