package stream

// Scenarios about what has not been read: its age, the tip, and what may have been lost of it.

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	sdkmetric "go.opentelemetry.io/otel/sdk/metric"

	"inventoryd/internal/sandbox/fault"
)

// metered gives a reader instruments that are read by the function.
func metered(t *testing.T) (change func(*Config), read func() map[string]float64) {
	metrics := sdkmetric.NewManualReader()
	return func(c *Config) { c.Meter = sdkmetric.NewMeterProvider(sdkmetric.WithReader(metrics)).Meter("stream") },
		func() map[string]float64 { t.Helper(); return values(t, metrics) }
}

func TestScenario44TwentyEmptyPagesAreNotTheTip(t *testing.T) {
	t.Parallel()
	scenario(t, 1, func(w *world) {
		w.spread(3)
		time.Sleep(time.Minute)
		w.must(w.sandbox.Tables.EmptyPages(table, 20))
		meter, read := metered(t)
		r := w.start(func(c *Config) { c.IdlePoll = time.Minute }, meter)
		time.Sleep(3 * time.Second)
		if age := read()["iterator.age"]; age < 1 || age > 10 {
			t.Errorf("iterator.age is %v before anything is read", age)
		}
		if s := r.shard(w.open()); s.AtTip {
			t.Errorf("empty pages are taken for the tip: %+v", s)
		}
		time.Sleep(7 * time.Second)
		if got := w.history.delivered(); got != 3 {
			t.Errorf("%d records were delivered within 10 s, want 3", got)
		}
		time.Sleep(20 * time.Second)
		if s := r.shard(w.open()); !s.AtTip || s.Age != 0 {
			t.Errorf("the tip is not known after 30 s: %+v", s)
		}
		before := w.calls("GetRecords")
		time.Sleep(10 * time.Minute)
		if got := w.calls("GetRecords") - before; got > 20+60 { // a twentieth of the silence: ever more rarely
			t.Errorf("%d reads in 10 minutes of silence at a known tip", got)
		}
		r.ready()
		r.stop()
	})
}

// TestScenario45WhatWasTrimmedWhileCatchingUpIsAGap: off for 23 hours in which shards rolled over, then the handler down
// for four: what is trimmed in shards that nobody had begun is no less lost than what lay behind a checkpoint.
func TestScenario45WhatWasTrimmedWhileCatchingUpIsAGap(t *testing.T) {
	t.Parallel()
	scenario(t, 1, func(w *world) {
		r := w.start(w.calm)
		w.spread(3)
		time.Sleep(time.Hour)
		r.stop()
		for hour := range 23 {
			w.put(fmt.Sprint("hour-", hour), 1)
			w.roll(w.open())
			time.Sleep(time.Hour)
		}
		time.Sleep(30 * time.Minute) // so that nothing is trimmed just while it is read
		w.behave(func(context.Context, []Record) error { return errors.New("down") })
		r = w.start(w.calm)
		time.Sleep(4 * time.Hour)
		now := time.Now()
		trimmed := map[string]int{} // by shard
		w.lost = func(r written) bool { return now.Sub(r.At) > retention }
		w.history.mu.Lock()
		for _, r := range w.history.written {
			if !w.history.handledOf(r.Shard)[r.Sequence] && w.lost(r) {
				trimmed[r.Shard]++
			}
		}
		w.history.mu.Unlock()
		w.behave(nil)
		time.Sleep(20 * time.Minute)
		r.ready()
		r.stop()
		told := map[string]int{}
		for _, gap := range w.told() {
			told[gap.Shard]++
		}
		if len(trimmed) < 2 {
			t.Fatalf("only %v was trimmed: the scenario is none", trimmed)
		}
		for shard, n := range trimmed {
			if told[shard] == 0 {
				t.Errorf("%d records of shard %s are lost and no gap says so", n, shard)
			}
		}
		for shard, n := range told { // when it was first read, when more was trimmed, when it was deleted
			if now.Sub(bornAt(shard)) < retention || n > 3 {
				t.Errorf("%d gaps of shard %s, born %v ago, of which %d records are lost", n, shard, now.Sub(bornAt(shard)), trimmed[shard])
			}
		}
	})
}

// TestScenario45MoreIsTrimmedWhileTheShardIsReadFromItsOldestRecord: a shard without a checkpoint, and one behind a gap.
func TestScenario45MoreIsTrimmedWhileTheShardIsReadFromItsOldestRecord(t *testing.T) {
	t.Parallel()
	for _, read := range []int{0, 3} {
		t.Run(fmt.Sprint(read, " records were handled before"), func(t *testing.T) {
			scenario(t, 1, func(w *world) {
				start := func() *instance { return w.start(w.calm) }
				r := start()
				w.put("early", read)
				time.Sleep(time.Minute)
				r.stop()
				for hour := range 30 {
					w.put(fmt.Sprint("hour-", hour), 1)
					time.Sleep(time.Hour)
				}
				time.Sleep(30 * time.Minute)
				w.behave(func(context.Context, []Record) error { return errors.New("down") })
				r = start()
				time.Sleep(5 * time.Minute)
				if got := len(w.told()); got != 1 {
					t.Errorf("%d gaps after the start, want 1", got)
				}
				time.Sleep(4 * time.Hour)
				now := time.Now()
				w.lost = func(r written) bool { return r.Item != "early" && now.Sub(r.At) > retention }
				w.behave(nil)
				time.Sleep(10 * time.Minute)
				r.ready()
				r.stop()
				gaps := w.told()
				if got := len(gaps); got < 2 || got > 10 {
					t.Errorf("%d gaps: %+v", got, gaps)
				}
				if last := gaps[len(gaps)-1]; now.Sub(last.Found) > time.Hour {
					t.Errorf("the last gap is of %v, the handler came back at %v", last.Found, now)
				}
			})
		})
	}
}

// TestScenario58NothingCanBeReadForTwentyHours: the ages grow from the last good read, also of a shard that waits.
func TestScenario58NothingCanBeReadForTwentyHours(t *testing.T) {
	t.Parallel()
	scenario(t, 1, func(w *world) {
		meter, read := metered(t)
		r := w.start(w.calm, meter)
		w.spread(3)
		time.Sleep(10 * time.Minute)
		r.ready()
		if age := read()["iterator.age"]; age != 0 {
			t.Errorf("iterator.age is %v at the tip", age)
		}
		heal := w.fault(fault.Rule{Operation: "GetRecords", Effect: fault.AccessDeniedJSON})
		time.Sleep(time.Hour)
		w.roll(w.open())
		w.spread(3)
		time.Sleep(19 * time.Hour)
		got := read()
		if age, room := got["iterator.age"], got["retention.headroom"]; age < 20*3600-60 || age > 20*3600+60 || room < 4*3600-60 || room > 4*3600+60 {
			t.Errorf("iterator.age is %v and retention.headroom %v after 20 h", age, room)
		}
		r.unready("User is not authorized")
		heal()
		time.Sleep(2 * time.Minute)
		r.ready()
		if age := read()["iterator.age"]; age != 0 {
			t.Errorf("iterator.age is %v when all is read", age)
		}
		r.stop()
	})
}

// TestTipOfAnIdleShardIsStoredHourly: a crash of an instance that read all there was makes no false gap.
func TestTipOfAnIdleShardIsStoredHourly(t *testing.T) {
	t.Parallel()
	for name, records := range map[string]int{"without a checkpoint": 0, "with one": 3} {
		t.Run(name, func(t *testing.T) {
			scenario(t, 1, func(w *world) {
				r := w.start(w.calm)
				w.spread(records)
				time.Sleep(time.Minute)
				writes := w.calls("UpdateItem")
				time.Sleep(10 * time.Hour)
				if got := w.calls("UpdateItem") - writes; got < 10 || got > 10+10*30+10*75+10 { // a renewal every two minutes, and the instant of each listing
					t.Errorf("%d writes in 10 hours", got)
				}
				r.crash()
				time.Sleep(22 * time.Hour)
				w.spread(3)
				r = w.start(w.calm)
				time.Sleep(30 * time.Minute)
				r.ready()
				r.stop()
				if gaps := w.told(); len(gaps) > 0 {
					t.Errorf("gaps %+v", gaps)
				}
			})
		})
	}
}

// TestBooksOfTheStreamBalance: what is read is handled, from before the start, diverted, or handed back.
func TestBooksOfTheStreamBalance(t *testing.T) {
	t.Parallel()
	scenario(t, 2, func(w *world) {
		w.spread(10)
		time.Sleep(time.Minute)
		begun := time.Now()
		w.lost = func(r written) bool { return r.At.Before(begun) }
		w.fault(fault.Rule{Operation: "GetShardIterator", Effect: fault.Effect{Error: &fault.Error{Status: 400, Code: "ValidationException"}}, Match: func(c fault.Call) bool {
			return strings.Contains(string(c.Body), "AT_TIMESTAMP")
		}})
		var attempts atomic.Int32
		bad := poisoned("item-5", &attempts)
		w.behave(bad)
		meter, read := metered(t)
		r := w.start(meter, withQueue, func(c *Config) { c.Start = StartAt(begun) })
		w.spread(10)
		time.Sleep(time.Minute)
		balanced := func(want map[string]float64) {
			t.Helper()
			got := read()
			if sum := got["records.processed"] + got["records.before.start"] + got["records.diverted"] + got["records.returned"]; sum != got["records.read"] {
				t.Errorf("%v records read, %v accounted for: %+v", got["records.read"], sum, got)
			}
			for name, n := range want {
				if got[name] != n {
					t.Errorf("%s is %v, want %v", name, got[name], n)
				}
			}
		}
		balanced(map[string]float64{"records.read": 20, "records.before.start": 10, "records.processed": 9, "records.diverted": 1, "records.returned": 0})
		w.behave(func(context.Context, []Record) error { return errors.New("down") })
		w.spread(4)
		time.Sleep(10 * time.Minute) // pages are dropped and read again
		w.behave(nil)
		time.Sleep(time.Minute)
		balanced(map[string]float64{"records.processed": 13, "records.diverted": 1})
		if read()["records.returned"] == 0 {
			t.Error("no records were handed back")
		}
		w.behave(func(context.Context, []Record) error { return errors.New("down") })
		w.spread(4)
		time.Sleep(2 * time.Second) // in hand
		r.cancel()
		w.must(<-r.done)
		w.lost = func(r written) bool { return r.At.Before(begun) || r.Value > 24 }
	})
}
