package sleep

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

func TestForWaitsUntilTheTimeIsOverOrTheContextIs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		why := errors.New("why")
		ended, end := context.WithCancelCause(t.Context())
		soon, stop := context.WithTimeoutCause(t.Context(), time.Second, why)
		defer stop()
		end(why)
		for name, c := range map[string]struct {
			ctx  context.Context
			wait time.Duration
			took time.Duration
			want error
		}{
			"it waits":              {t.Context(), 3 * time.Second, 3 * time.Second, nil},
			"the context has ended": {ended, time.Hour, 0, why},
			"no time at all":        {ended, 0, 0, why},
			"the context ends":      {soon, time.Hour, -1, why},
		} {
			began := time.Now()
			err := For(c.ctx, c.wait)
			if took := time.Since(began); !errors.Is(err, c.want) || c.took >= 0 && took != c.took || took > 3*time.Second {
				t.Errorf("%s: %v after %v", name, err, took)
			}
		}
	})
}
