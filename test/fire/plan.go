package fire

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
)

// kind is what a step does.
type kind string

// The kinds.
const (
	upload     kind = "upload"     // a store's feed; What says in which shape
	write      kind = "write"      // somebody else changes rows of the table
	kill       kind = "kill"       // kill -9 of a daemon; it is started again
	stop       kind = "stop"       // SIGTERM of a daemon; it is started again after For, with the settings What
	pause      kind = "pause"      // SIGSTOP, and SIGCONT after For
	broken     kind = "broken"     // calls fail for a while as What says
	silence    kind = "silence"    // SNS is down for long
	reenable   kind = "reenable"   // the stream is disabled, and enabled again after For
	leap       kind = "leap"       // the services' clocks are moved by For
	unwritable kind = "unwritable" // the directory of reject reports cannot be written for a while
	roll       kind = "roll"       // all shards of the stream roll over
	release    kind = "release"    // somebody has what is held back of a store loaded all the same
	overdue    kind = "overdue"    // every other feed whose deadline has passed comes
)

// Shapes of what is uploaded.
const (
	fresh     = "fresh"     // new counts
	again     = "again"     // the same bytes once more
	truncated = "truncated" // the first part of new counts
	gzipped   = "gzipped"
	rejects   = "rejects" // some rows cannot be used
	headless  = "headless"
	hostile   = "hostile" // an object of its own that is no feed
	foreign   = "foreign" // another store's rows
	sold      = "sold"    // nothing is left of anything
)

// step is one thing that happens.
type step struct {
	At   time.Duration
	Kind kind
	Who  int // store or daemon
	What string
	For  time.Duration
	Seed uint64
}

func (s step) String() string {
	text := fmt.Sprintf("%8.3fs %-10s %d", s.At.Seconds(), s.Kind, s.Who)
	if s.What != "" {
		text += " " + s.What
	}
	if s.For > 0 {
		text += " for " + s.For.Round(time.Millisecond).String()
	}
	return text
}

// town sizes of a plan.
const (
	stores  = 200
	kiosks  = 10 // stores without feeds, whose rows somebody else writes
	daemons = 3
)

// plan is what happens within length; the same for the same seed.
func plan(seed uint64, length time.Duration) []step {
	d := &dice{rand.New(rand.NewPCG(seed, 0x66697265)), length}
	var steps []step
	often := func(every time.Duration, make func(at time.Duration) step) {
		for at := d.within(2 * every); at < length; at += d.within(2 * every) {
			s := make(at)
			s.At, s.Seed = at, d.Uint64()
			steps = append(steps, s)
		}
	}
	often(250*time.Millisecond, func(time.Duration) step {
		return step{Kind: upload, Who: d.IntN(stores), What: d.shape()}
	})
	often(150*time.Millisecond, func(time.Duration) step { return step{Kind: write, Who: d.IntN(kiosks)} })
	often(20*time.Second, func(time.Duration) step { return step{Kind: kill, Who: d.IntN(daemons)} })
	often(40*time.Second, func(time.Duration) step {
		return step{Kind: stop, Who: d.IntN(daemons), What: d.pick(settings...), For: d.within(8 * time.Second)}
	})
	often(40*time.Second, func(time.Duration) step {
		return step{Kind: pause, Who: d.IntN(daemons), For: time.Second + d.within(9*time.Second)}
	})
	often(6*time.Second, func(time.Duration) step {
		return step{Kind: broken, What: d.pick(blowNames()...), For: time.Second + d.within(10*time.Second)}
	})
	often(time.Minute, func(time.Duration) step { return step{Kind: unwritable, For: time.Second + d.within(8*time.Second)} })
	often(time.Minute, func(time.Duration) step { return step{Kind: roll} })
	often(time.Minute, func(time.Duration) step { return step{Kind: leap, For: d.within(time.Hour)} })
	for _, s := range []step{
		{Kind: silence, At: d.within(length * 3 / 4), For: length / 8}, // of the day: three
		{Kind: reenable, At: length/4 + d.within(length/2), For: time.Second + d.within(length/30)},
	} {
		s.Seed = d.Uint64()
		steps = append(steps, s)
	}
	often(time.Second, func(time.Duration) step {
		return step{Kind: upload, Who: whole.from + d.IntN(whole.count), What: d.pick(fresh, fresh, fresh, again, truncated, sold, foreign, headless)}
	})
	often(2*time.Second, func(time.Duration) step {
		return step{Kind: upload, Who: timed.from + d.IntN(timed.count), What: fresh}
	})
	for n := range released.count {
		at := d.within(length / 2)
		steps = append(steps,
			step{Kind: upload, Who: released.from + n, What: truncated, At: at, Seed: d.Uint64()},
			step{Kind: release, Who: released.from + n, At: at + time.Second, Seed: d.Uint64()})
	}
	steps = append(steps, step{Kind: leap, At: length / 3, For: time.Hour, Seed: d.Uint64()}, step{Kind: overdue, At: length * 9 / 10, Seed: d.Uint64()})
	slices.SortStableFunc(steps, func(a, b step) int { return cmp.Compare(a.At, b.At) })
	return steps
}

// settings are what a daemon that was stopped is started with, over what all have.
var settings = []string{
	"", "stream.lease_duration=5s stream.idle_poll=250ms", "loader.workers=1", "loader.workers=9 loader.lanes=7",
	"notifier.in_flight=2", "stream.memory=4MiB", "loader.visibility=2s",
}

// dice are the chances of a plan.
type dice struct {
	*rand.Rand
	length time.Duration
}

// within is a time below d, in whole milliseconds.
func (d *dice) within(most time.Duration) time.Duration {
	return time.Duration(1+d.Int64N(max(1, most.Milliseconds()))) * time.Millisecond
}

func (d *dice) pick(from ...string) string { return from[d.IntN(len(from))] }

func (d *dice) shape() string {
	switch n := d.IntN(100); {
	case n < 55:
		return fresh
	case n < 65:
		return again
	case n < 75:
		return truncated
	case n < 83:
		return gzipped
	case n < 92:
		return rejects
	case n < 96:
		return headless
	}
	return hostile
}

// script is the plan as it is printed: what is frequent is only counted.
func script(steps []step) string {
	var b strings.Builder
	counts := map[kind]int{}
	for _, s := range steps {
		counts[s.Kind]++
		if s.Kind != upload && s.Kind != write && s.Kind != release {
			fmt.Fprintln(&b, s)
		}
	}
	fmt.Fprintf(&b, "%d uploads, %d writes of others\n", counts[upload], counts[write])
	return b.String()
}
