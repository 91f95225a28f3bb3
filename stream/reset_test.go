package stream

// What an operator does to the lease table's rows: Reset.

import (
	"strings"
	"testing"
	"time"
)

// reset sets shards back and says how long that took.
func (w *world) reset(o ResetOptions) (done []string, took time.Duration, err error) {
	w.Helper()
	begun := time.Now()
	done, err = Reset(w.Context(), w.db, leases, table, o)
	return done, time.Since(begun), err
}

func TestResetWaitsForTheLeaseOfADeadInstanceAndNoLonger(t *testing.T) {
	t.Parallel()
	scenario(t, 2, func(w *world) {
		r := w.start()
		w.spread(10)
		time.Sleep(5 * time.Second)
		r.crash()
		told := 0
		done, took, err := w.reset(ResetOptions{Waiting: func(string, time.Duration) { told++ }})
		if err != nil || len(done) != 2 || told != 1 || took < 11*time.Second || took > 19*time.Second {
			t.Errorf("reset %v in %v, told %d times: %v", done, took, told, err)
		}
		r = w.start()
		time.Sleep(10 * time.Second)
		r.ready()
		r.stop()
		if got := w.history.delivered(); got != 10 {
			t.Errorf("%d records were delivered", got)
		}
	})
}

func TestResetRefusesWhatALivingInstanceHolds(t *testing.T) {
	t.Parallel()
	scenario(t, 2, func(w *world) {
		r := w.start()
		w.spread(4)
		time.Sleep(5 * time.Second)
		done, took, err := w.reset(ResetOptions{})
		if err == nil || !strings.Contains(err.Error(), "stop it first") || len(done) > 0 || took > 7*time.Second {
			t.Errorf("reset %v in %v: %v", done, took, err)
		}
		r.ready()
		r.stop()
	})
}

// TestResetOfAllMakesNoFalseGap: also of shards that ended or were read to their tip more than a day ago.
func TestResetOfAllMakesNoFalseGap(t *testing.T) {
	t.Parallel()
	scenario(t, 1, func(w *world) {
		r := w.start(w.calm)
		w.spread(3)
		time.Sleep(time.Minute)
		w.roll(w.open())
		w.spread(3)
		time.Sleep(30 * time.Hour)
		r.stop()
		if done, _, err := w.reset(ResetOptions{}); err != nil || len(done) != 2 {
			t.Errorf("reset %v: %v", done, err)
		}
		r = w.start(w.calm)
		time.Sleep(10 * time.Minute)
		r.stop()
		for _, gap := range w.told() {
			if gap.Reason != "the shard was deleted before it was read to its end" { // which is true: it was to be read again
				t.Errorf("gap %+v", gap)
			}
		}
	})
}

func TestResetToAnInstantDeliversWhatCameAfterIt(t *testing.T) {
	t.Parallel()
	scenario(t, 2, func(w *world) {
		r := w.start()
		w.spread(6)
		time.Sleep(time.Minute)
		instant := time.Now()
		w.spread(6)
		time.Sleep(time.Minute)
		r.stop()
		before := len(w.history.seen())
		if _, _, err := w.reset(ResetOptions{To: instant}); err != nil {
			t.Error(err)
		}
		if _, _, err := w.reset(ResetOptions{To: time.Now().Add(time.Hour)}); err == nil || !strings.Contains(err.Error(), "in the future") {
			t.Errorf("an instant in the future: %v", err)
		}
		r = w.start()
		time.Sleep(time.Minute)
		w.spread(2)
		time.Sleep(time.Minute)
		r.stop()
		again := 0
		for _, d := range w.history.seen()[before:] {
			again += len(d.records)
		}
		if again != 6+2 {
			t.Errorf("%d records were delivered, want the 6 after the instant and 2 new ones", again)
		}
	})
}
