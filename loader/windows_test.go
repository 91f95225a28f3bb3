package loader

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	"golang.org/x/sync/semaphore"
)

// TestObjectsWaitForTheWindowsOfOthers is about memory.
func TestObjectsWaitForTheWindowsOfOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all := semaphore.NewWeighted(mostWindows)
		rooms := make([]*room, 4)
		asked := make([]chan error, len(rooms))
		for i := range rooms {
			rooms[i] = &room{in: all, ctx: t.Context(), fail: func(err error) { t.Error(i, err) }}
			asked[i] = make(chan error, 1)
		}
		reserve := func(i int, window int64) {
			go func() { asked[i] <- rooms[i].reserve(window) }()
			synctest.Wait()
		}
		has := func(want ...int64) {
			t.Helper()
			for i, r := range rooms {
				if len(asked[i]) > 0 {
					if err := <-asked[i]; err != nil {
						t.Error(i, err)
					}
				}
				if r.has != want[i] {
					t.Errorf("%d has %d, not %d", i, r.has, want[i])
				}
			}
		}
		const MiB = 1 << 20
		reserve(0, 1*MiB)
		reserve(1, 4*MiB)
		reserve(1, 2*MiB) // has it already
		has(1*MiB, 4*MiB, 0, 0)
		reserve(2, 4*MiB)   // no room
		reserve(3, 128*MiB) // alone, and in its turn
		has(1*MiB, 4*MiB, 0, 0)
		reserve(0, 2*MiB) // gives its own back first, and is last now
		has(0, 4*MiB, 4*MiB, 0)
		rooms[1].release()
		rooms[2].release()
		synctest.Wait()
		has(0, 0, 0, mostWindows)
		rooms[3].release()
		synctest.Wait()
		has(2*MiB, 0, 0, 0)
		rooms[0].release()
	})
}

func TestWhoIsStoppedWaitingForAWindowSaysSo(t *testing.T) {
	all := semaphore.NewWeighted(mostWindows)
	if err := all.Acquire(t.Context(), mostWindows); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errStopping)
	var told error
	r := &room{in: all, ctx: ctx, fail: func(err error) { told = err }}
	if err := r.reserve(1 << 20); !errors.Is(err, errStopping) || !errors.Is(told, errStopping) {
		t.Errorf("%v, told %v", err, told)
	}
	r.release()
	all.Release(mostWindows) // panics where more was given back than was taken
}
