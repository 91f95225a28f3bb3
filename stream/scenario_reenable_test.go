package stream

// Scenarios about a stream that is disabled, and enabled again.

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"inventoryd/internal/sandbox/fault"
)

// reenable gives the table a new stream, with some time between.
func (w *world) reenable(off time.Duration) {
	w.Helper()
	w.must(w.sandbox.Tables.DisableStream(table))
	time.Sleep(off)
	_, err := w.sandbox.Tables.EnableStream(table, "NEW_AND_OLD_IMAGES")
	w.must(err)
	w.survey()
}

func TestScenario34StreamEnabledAgainWithABacklogOnTheOldOne(t *testing.T) {
	t.Parallel()
	scenario(t, 2, func(w *world) {
		r := w.start()
		w.spread(10)
		time.Sleep(5 * time.Second)
		down := errors.New("down")
		w.behave(func(context.Context, []Record) error { return down })
		w.spread(10)
		w.roll(w.open())
		w.spread(10)
		old := labelOf(r.Status().Stream)
		w.reenable(time.Minute)
		w.spread(10)
		time.Sleep(30 * time.Minute)
		for _, s := range r.Status().Shards {
			if s.Stream > old && s.State != StateWaiting {
				t.Errorf("shard %s of the new stream is %q before the old one is read", s.Shard, s.State)
			}
		}
		w.behave(nil)
		time.Sleep(20 * time.Minute)
		w.spread(10)
		time.Sleep(5 * time.Second)
		r.ready()
		if s := r.Status(); labelOf(s.Stream) == old || len(s.Gaps) != 1 {
			t.Errorf("stream %s, gaps %+v", s.Stream, s.Gaps)
		}
		r.stop()
		if gaps := w.told(); len(gaps) != 1 || gaps[0].Shard != "" {
			t.Errorf("gaps %+v", gaps)
		}
	})
}

func TestScenario34ChildThatShowsLateIsReadBeforeTheNewStream(t *testing.T) {
	t.Parallel()
	scenario(t, 1, func(w *world) {
		r := w.start()
		w.spread(5)
		time.Sleep(5 * time.Second)
		w.must(w.sandbox.Tables.SetListingLag(table, 3*time.Minute))
		w.roll(w.open())
		w.put("late", 3) // in a child that nobody sees yet
		w.reenable(10 * time.Second)
		w.put("late", 3)
		time.Sleep(15 * time.Minute)
		r.stop()
	})
}

func TestScenario34NewStreamIsNoticedSoonAfterTheOldOnesEnd(t *testing.T) {
	t.Parallel()
	scenario(t, 2, func(w *world) {
		r := w.start()
		w.spread(5)
		time.Sleep(70 * time.Second)
		old := r.Status().Stream
		w.reenable(100 * time.Millisecond)
		w.spread(5)
		time.Sleep(10 * time.Second)
		if r.Status().Stream == old {
			t.Error("the new stream is not known 10 s after the old one's end")
		}
		time.Sleep(10 * time.Minute)
		r.ready()
		r.stop()
	})
}

func TestScenario35DisabledStreamIsForgottenDuringAnOutage(t *testing.T) {
	t.Parallel()
	scenario(t, 1, func(w *world) {
		r := w.start(w.calm)
		w.spread(5)
		w.must(w.sandbox.Tables.DisableStream(table))
		time.Sleep(24*time.Hour - 2*time.Minute)
		heal := w.fault(fault.Rule{Operation: "DescribeStream", Effect: fault.InternalServerError})
		time.Sleep(5 * time.Minute)
		r.unready("Internal server error")
		heal()
		time.Sleep(5 * time.Minute)
		r.ready()
		r.stop()
	})
}

func TestScenario35StreamDisabledForGood(t *testing.T) {
	t.Parallel()
	scenario(t, 2, func(w *world) {
		r := w.start(w.calm)
		w.spread(10)
		w.must(w.sandbox.Tables.DisableStream(table))
		time.Sleep(10 * time.Minute)
		for _, s := range r.Status().Shards {
			if s.State != StateEnded {
				t.Errorf("shard %s is %q", s.Shard, s.State)
			}
		}
		r.ready()
		reads := w.calls("GetRecords")
		time.Sleep(time.Hour)
		if w.calls("GetRecords") != reads {
			t.Error("shards are read after their end")
		}
		r.ready()
		time.Sleep(30 * time.Hour) // the service forgets the stream
		r.ready()
		r.stop()
		if len(w.told()) > 0 {
			t.Errorf("gaps %+v", w.told())
		}
	})
}

func TestScenario41OffForOverADayAcrossANewStream(t *testing.T) {
	t.Parallel()
	scenario(t, 2, func(w *world) {
		r := w.start()
		w.spread(10)
		time.Sleep(5 * time.Second)
		w.behave(func(context.Context, []Record) error { return errors.New("down") })
		last := time.Now()
		w.spread(10)
		child := w.roll(w.open())
		w.spread(10)
		time.Sleep(2 * time.Minute)
		if s := r.shard(child); s.State != StateWaiting {
			t.Errorf("the child of an unread shard is %+v", s)
		}
		r.stop()
		w.behave(nil)
		old := map[string]bool{}
		for _, s := range w.shards() {
			old[s.ID] = true
		}
		w.reenable(time.Hour)
		time.Sleep(26 * time.Hour)
		w.spread(10)
		w.lost = func(r written) bool { return old[r.Shard] && !r.At.Before(last) }
		r = w.start()
		time.Sleep(4 * time.Minute)
		for _, s := range r.Status().Shards {
			if old[s.Shard] && (s.State != StateEnded || len(s.Gaps) != 1) {
				t.Errorf("old shard %+v", s)
			}
		}
		r.ready()
		r.stop()
		if got := len(w.told()); got != 6 {
			t.Errorf("%d gaps were told, want one for each of 3 old shards, one for the time without a stream, and one for each of 2 new shards that nobody read for their first day: %+v", got, w.told())
		}
	})
}

// TestScenario51NewStreamWithoutNewImagesIsRefused: whether it is on or already off again, and nothing of it is handed
// over, at a restart neither.
func TestScenario51NewStreamWithoutNewImagesIsRefused(t *testing.T) {
	t.Parallel()
	const remedy = "StreamEnabled=true,StreamViewType=NEW_AND_OLD_IMAGES"
	for name, off := range map[string]bool{"enabled": false, "disabled": true} {
		t.Run(name, func(t *testing.T) {
			scenario(t, 1, func(w *world) {
				r := w.start()
				w.spread(3)
				time.Sleep(10 * time.Second)
				old := r.Status().Stream
				w.must(w.sandbox.Tables.DisableStream(table))
				time.Sleep(time.Minute)
				_, err := w.sandbox.Tables.EnableStream(table, "KEYS_ONLY")
				w.must(err)
				w.lost = func(r written) bool { return r.Value > 3 }
				w.spread(3)
				if off {
					w.must(w.sandbox.Tables.DisableStream(table))
				}
				time.Sleep(10 * time.Minute)
				r.unready("KEYS_ONLY")
				r.unready(remedy)
				if now := r.Status().Stream; now != old {
					t.Errorf("the new stream %s is read", now)
				}
				r.stop()
				w.start().fails("KEYS_ONLY", remedy)
			})
		})
	}
}

// TestScenario56StreamsInBetweenAreReadInTheirTurn: two re-enables while all were off, and a crash before the middle
// stream's shards have rows.
func TestScenario56StreamsInBetweenAreReadInTheirTurn(t *testing.T) {
	t.Parallel()
	for name, crash := range map[string]bool{"": false, "with a crash": true} {
		t.Run(name, func(t *testing.T) {
			scenario(t, 2, func(w *world) {
				r := w.start()
				w.spread(10)
				time.Sleep(10 * time.Second)
				r.stop()
				w.spread(10)
				w.reenable(time.Minute)
				middle := w.open()
				w.spread(10)
				time.Sleep(time.Hour)
				w.reenable(time.Minute)
				w.spread(10)
				time.Sleep(time.Hour)
				if crash {
					w.fault(fault.Rule{Operation: "DescribeStream", Client: "reader-2", Effect: fault.Unavailable, Match: func(c fault.Call) bool {
						return w.log.FilterMessageSnippet("has a new stream").Len() > 0
					}})
					r = w.start()
					time.Sleep(time.Minute)
					r.crash()
					if _, known := w.rows()[middle]; known {
						t.Fatal("the crash comes too late")
					}
				}
				r = w.start()
				time.Sleep(20 * time.Minute)
				if s := r.shard(middle); s.State != StateEnded {
					t.Errorf("the middle stream's shard is %+v", s)
				}
				if got := w.history.delivered(); got != 40 {
					t.Errorf("%d records were delivered, want 40", got)
				}
				r.ready()
				r.stop()
				if gaps := w.told(); len(gaps) != 2 {
					t.Errorf("gaps %+v, want the two times without a stream", gaps)
				}
			})
		})
	}
}

// TestFirstStartReadsTheStreamsOfTheDayBeforeToo: all that DynamoDB still holds, unless reading is to begin at the latest.
func TestFirstStartReadsTheStreamsOfTheDayBeforeToo(t *testing.T) {
	t.Parallel()
	scenario(t, 1, func(w *world) {
		w.spread(3)
		w.reenable(time.Minute)
		w.spread(3)
		time.Sleep(time.Hour)
		r := w.start()
		time.Sleep(2 * time.Minute)
		r.ready()
		if got := w.history.delivered(); got != 6 {
			t.Errorf("%d records were delivered, want 6", got)
		}
		r.stop()
	})
}

// TestNewStreamThatWaitsIsTold: in Ready and Status, until when, and by the age.
func TestNewStreamThatWaitsIsTold(t *testing.T) {
	t.Parallel()
	scenario(t, 1, func(w *world) {
		meter, read := metered(t)
		r := w.start(meter)
		w.spread(3)
		time.Sleep(10 * time.Second)
		w.reenable(time.Second)
		reborn := time.Now()
		w.spread(3)
		time.Sleep(4 * time.Minute)
		until := reborn.Add(settling).UTC().Format("2006-01-02T15:04:")
		r.unready("is not read before " + until)
		if s := r.Status(); !strings.Contains(s.Waiting, until) {
			t.Errorf("Status says %q", s.Waiting)
		}
		if age := read()["iterator.age"]; age < 230 || age > 255 {
			t.Errorf("iterator.age is %v after 4 minutes", age)
		}
		time.Sleep(90 * time.Second)
		r.ready()
		if age := read()["iterator.age"]; age > 20 || r.Status().Waiting != "" {
			t.Errorf("iterator.age is %v, waiting %q", age, r.Status().Waiting)
		}
		time.Sleep(20 * time.Second)
		if age := read()["iterator.age"]; age != 0 {
			t.Errorf("iterator.age is %v at the tip", age)
		}
		r.stop()
	})
}

// TestRestartAfterTheOldStreamIsForgottenWaitsForNothing: that it was read out is known from the new one's having begun.
func TestRestartAfterTheOldStreamIsForgottenWaitsForNothing(t *testing.T) {
	t.Parallel()
	scenario(t, 1, func(w *world) {
		r := w.start(w.calm)
		w.spread(3)
		w.reenable(time.Second)
		w.spread(3)
		time.Sleep(25 * time.Hour)
		r.stop()
		w.spread(3)
		r = w.start(w.calm)
		time.Sleep(30 * time.Second)
		if got := w.history.delivered(); got != 9 {
			t.Errorf("%d records were delivered within 30 s, want 9", got)
		}
		time.Sleep(5 * time.Minute)
		r.ready()
		r.stop()
	})
}
