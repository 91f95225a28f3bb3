package main

// Several daemons as processes on one sandbox: who reads what, and how soon others take over from one that is killed,
// told to stop, paused, or started again.

import (
	"fmt"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"inventoryd/internal/inventory"
	"inventoryd/internal/sandbox"
	"inventoryd/stream"
)

const (
	severalLease  = 2 * time.Second
	severalShards = 12
	patience      = 40 * time.Second // a busy machine's
)

// fleet is daemons that share a stream of several shards, and the changes that they are given.
type fleet struct {
	*testing.T
	*world
	daemons map[string]*process
	told    map[string]int
	due     map[string]bool
	written int
}

func newFleet(t *testing.T) *fleet {
	w := newWorld(t, func(s *sandbox.Sandbox) {
		s.Tables.SetShards(severalShards)
		s.Tables.SetRollover(0)
	})
	w.settings = append(w.settings, "notifier: {rate: 1000, group_wait: 0s, group_interval: 0s}") // what takes time is to be the taking over
	return &fleet{T: t, world: w, daemons: map[string]*process{}, told: map[string]int{}, due: map[string]bool{}}
}

// start starts a daemon and waits until it is ready.
func (f *fleet) start(name string, environ ...string) {
	f.Helper()
	p := f.world.start(f.T, environ...)
	f.daemons[name] = p
	eventually(f.T, p, patience, func() bool { return ready(p) }, func() string {
		_, why := p.get("/readyz")
		return name + " is not ready: " + why
	})
}

// sell has so many items run out, each for the first time, on all shards.
func (f *fleet) sell(n int) {
	f.Helper()
	rows := map[inventory.Key]int64{}
	for range n {
		f.written++
		key := inventory.Key{Store: fmt.Sprint("Store ", f.written), Item: "Item"}
		rows[key] = 0
		f.due[fmt.Sprintf("%s is out of stock of %s", key.Store, key.Item)] = true
	}
	f.putRows(f.T, rows)
}

// all waits until each item that ran out was told, and returns how long that took.
func (f *fleet) all(by string) time.Duration {
	f.Helper()
	begun := time.Now()
	eventually(f.T, f.daemons[by], patience, func() bool {
		f.inbox(f.T, f.told)
		return len(f.told) >= len(f.due)
	}, func() string { return fmt.Sprintf("%d of %d are told, shards %v", len(f.told), len(f.due), f.owners()) })
	return time.Since(begun)
}

// owners counts the shards of each owner.
func (f *fleet) owners() map[string]int {
	f.Helper()
	listed, err := stream.List(f.Context(), f.Tables, "inventoryd-leases", "Inventory")
	if err != nil {
		f.Fatal(err)
	}
	owners := map[string]int{}
	for _, s := range listed.Shards {
		if s.State != "ended" && s.Owner != "" {
			owners[s.Owner]++
		}
	}
	return owners
}

// spread waits until so many daemons have the shards, none more than one more than another.
func (f *fleet) spread(n int, by string) {
	f.Helper()
	begun := time.Now()
	eventually(f.T, f.daemons[by], patience, func() bool {
		var counts []int
		for _, c := range f.owners() {
			counts = append(counts, c)
		}
		return len(counts) == n && slices.Max(counts)-slices.Min(counts) <= 1
	}, func() string { return fmt.Sprintf("%d daemons have the shards so: %v", n, f.owners()) })
	f.Logf("%d daemons share %d shards after %v", n, severalShards, time.Since(begun).Round(10*time.Millisecond))
}

// tookOver tells how soon the others have read what was written, beside the bound of a machine that is not busy.
func (f *fleet) tookOver(what string, took, bound time.Duration) {
	f.Helper()
	f.Logf("%s: all is told after %v (bound %v)", what, took.Round(10*time.Millisecond), bound)
	if took > bound+10*time.Second { // these are processes on a busy machine; virtual time holds the bound itself
		f.Errorf("%s: all is told after %v, want %v", what, took, bound)
	}
}

func (f *fleet) end(name string) {
	f.Helper()
	if code := f.daemons[name].terminate(f.T, patience); code != 0 {
		f.Errorf("%s: exit code %d after SIGTERM\n%s", name, code, f.daemons[name].log)
	}
}

// books says that everything was told, nothing else, and how often again.
func (f *fleet) books() {
	f.Helper()
	f.inbox(f.T, f.told)
	again := 0
	for alert, times := range f.told {
		again += times - 1
		if !f.due[alert] {
			f.Errorf("alert %q was not due", alert)
		}
		if times > 2 {
			f.Errorf("%q was told %d times", alert, times)
		}
	}
	f.Logf("%d items ran out and were told, %d of them twice", len(f.due), again)
}

func TestSeveralDaemonsShareTheStreamAndTakeOverFromEachOther(t *testing.T) {
	f := newFleet(t)
	f.start("a")
	f.sell(60)
	f.all("a")
	f.start("b")
	f.spread(2, "a")
	f.start("c")
	f.spread(3, "a")
	f.start("d")
	f.spread(4, "a")
	f.sell(60)
	f.all("a")

	f.daemons["b"].Process.Kill()
	f.daemons["b"].Wait()
	f.sell(60)
	f.tookOver("kill -9", f.all("a"), 1600*time.Millisecond*2+time.Second)
	f.spread(3, "a")

	f.sell(30)
	f.end("c")
	f.sell(30)
	f.tookOver("SIGTERM", f.all("a"), severalLease/5+time.Second)
	f.spread(2, "a")

	paused := f.daemons["d"]
	paused.Process.Signal(syscall.SIGSTOP)
	stopped := time.Now()
	f.sell(60)
	f.tookOver("SIGSTOP", f.all("a"), 1600*time.Millisecond*2+time.Second)
	time.Sleep(max(0, 10*time.Second-time.Since(stopped))) // what is measured is a pause of ten seconds
	paused.Process.Signal(syscall.SIGCONT)
	f.spread(2, "d")
	f.sell(30)
	f.all("a")

	f.end("a") // the leader
	f.sell(30)
	f.tookOver("SIGTERM of the leader", f.all("d"), severalLease/5+time.Second)
	f.end("d")
	f.books()
}

// TestDaemonThatIsStartedAgainOnItsHostNeedNotWait: with a state directory; without one it waits for the dead one's lease.
func TestDaemonThatIsStartedAgainOnItsHostNeedNotWait(t *testing.T) {
	for name, bound := range map[string]time.Duration{"with a lock": 2 * time.Second, "without": 1600*time.Millisecond*2 + time.Second} {
		t.Run(name, func(t *testing.T) {
			f := newFleet(t)
			var environ []string
			if name == "with a lock" {
				environ = []string{"STATE_DIRECTORY=" + t.TempDir()}
			}
			f.start("first", environ...)
			f.sell(30)
			f.all("first")
			f.daemons["first"].Process.Kill()
			f.daemons["first"].Wait()
			f.sell(30)
			begun := time.Now()
			f.start("second", environ...)
			f.all("second")
			f.tookOver("restart "+name, time.Since(begun), bound)
			if log := f.daemons["second"].log.String(); name == "with a lock" && !strings.Contains(log, "this instance reads the stream") {
				f.Errorf("%s", log)
			}
			f.end("second")
			f.books()
		})
	}
}
