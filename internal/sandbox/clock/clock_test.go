package clock_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"inventoryd/internal/sandbox/clock"
)

func TestWaitEndsByWhateverComesFirst(t *testing.T) {
	type scene struct {
		c      *clock.Clock
		wake   chan struct{}
		cancel context.CancelFunc
	}
	for name, c := range map[string]struct {
		after time.Duration // when it happens
		event func(scene)
		want  time.Duration
		err   error
	}{
		"time passes":             {time.Hour, func(scene) {}, time.Minute, nil},
		"the clock is moved":      {20 * time.Second, func(s scene) { s.c.Advance(time.Minute) }, 20 * time.Second, nil},
		"the clock moves in part": {20 * time.Second, func(s scene) { s.c.Advance(10 * time.Second) }, 50 * time.Second, nil},
		"it is woken":             {5 * time.Second, func(s scene) { close(s.wake) }, 5 * time.Second, nil},
		"its context ends":        {6 * time.Second, func(s scene) { s.cancel() }, 6 * time.Second, context.Canceled},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(context.Background())
				defer cancel()
				s := scene{&clock.Clock{}, make(chan struct{}), cancel}
				begin := time.Now()
				stop := time.AfterFunc(c.after, func() { c.event(s) })
				defer stop.Stop()
				err := s.c.Wait(ctx, s.c.Now().Add(time.Minute), s.wake)
				if waited := time.Since(begin); waited != c.want || !errors.Is(err, c.err) {
					t.Errorf("waited %v, %v; want %v, %v", waited, err, c.want, c.err)
				}
			})
		})
	}
}
