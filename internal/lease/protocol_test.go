package lease

// The protocol between instances: who is called dead, who leads, who takes over on one host.

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"inventoryd/internal/sandbox"
	"inventoryd/internal/sandbox/fault"
)

func TestLeaderIsTheLowestNumberAliveThatHasThePartAndStays(t *testing.T) {
	a := Instance{ID: "a", Joined: 3, Parts: []string{"loader"}}
	b := Instance{ID: "b", Joined: 5, Parts: []string{"loader", "notifier"}}
	c := Instance{ID: "c", Joined: 5, Parts: []string{"notifier"}}
	gone := func(i Instance) Instance { i.Dead = true; return i }
	leaving := func(i Instance) Instance { i.Leaving = true; return i }
	for name, l := range map[string]struct {
		all  []Instance
		dead map[string]bool
		part string
		want string
	}{
		"nobody":                  {nil, nil, "", ""},
		"the lowest":              {[]Instance{c, b, a}, nil, "", "a"},
		"of those with the part":  {[]Instance{a, b, c}, nil, "notifier", "b"},
		"equal numbers":           {[]Instance{c, b}, nil, "", "b"},
		"the dead do not lead":    {[]Instance{gone(a), b}, nil, "", "b"},
		"nor do those found dead": {[]Instance{a, b}, map[string]bool{"a": true}, "", "b"},
		"nor do those who leave":  {[]Instance{leaving(a), b}, nil, "loader", "b"},
		"nobody has the part":     {[]Instance{a}, nil, "notifier", ""},
	} {
		got, ok := Leader(l.all, l.dead, l.part)
		if got.ID != l.want || ok != (l.want != "") {
			t.Errorf("%s: %q, want %q", name, got.ID, l.want)
		}
	}
}

// TestScenario47MixedDurations: D = 60 s beside D = 10 s for an hour; then the slow one is cut off.
func TestScenario47MixedDurationsKillNobodyHealthyAndNeverTwoHold(t *testing.T) {
	bench(t, func(t *testing.T, s *sandbox.Sandbox, group func(string) Group) {
		slow, stopSlow := beatFor(t, group("slow"), Instance{ID: "slow", Duration: time.Minute}, nil)
		fast, stopFast := beatFor(t, group("fast"), Instance{ID: "fast", Duration: 10 * time.Second}, nil)
		held, _ := slow.Await(t.Context())
		watch := NewWatch(group("fast"), "fast", 10*time.Second, nil)
		begun := time.Now()
		for time.Since(begun) < time.Hour {
			v, err := watch.Look(t.Context())
			if err != nil || len(v.Dead) > 0 {
				t.Fatalf("after %v: dead %v, %v", time.Since(begun), v.Dead, err)
			}
			time.Sleep(watch.Pause())
		}
		cut := time.Now()
		s.Fault(fault.Rule{Client: "slow", Effect: fault.Effect{Hang: true}})
		for {
			v, err := watch.Look(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if v.Dead["slow"] {
				break
			}
			time.Sleep(watch.Pause())
		}
		if held.Err() == nil || slow.Good() {
			t.Error("it was called dead while its lease was good")
		}
		if took := time.Since(cut); took > 60*time.Second+4*time.Second {
			t.Errorf("that took %v", took)
		}
		if !fast.Good() {
			t.Error("the other's lease lapsed")
		}
		stopSlow()
		stopFast()
	})
}

func TestScenario48OneRenewalThatHangsCostsNoLease(t *testing.T) {
	bench(t, func(t *testing.T, s *sandbox.Sandbox, group func(string) Group) {
		h, stop := beat(t, group("a"), "a")
		good, _ := h.Await(t.Context())
		time.Sleep(time.Minute)
		s.Fault(fault.Rule{Client: "a", Operation: "UpdateItem", Times: 1, Effect: fault.Effect{Hang: true}})
		watch := NewWatch(group("b"), "b", duration, nil)
		for begun := time.Now(); time.Since(begun) < time.Minute; time.Sleep(watch.Pause()) {
			if v, err := watch.Look(t.Context()); err != nil || v.Dead["a"] {
				t.Fatal(v, err)
			}
		}
		if good.Err() != nil {
			t.Error("the lease lapsed")
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

func TestHostThatSleptHasLostItsLease(t *testing.T) {
	bench(t, func(t *testing.T, _ *sandbox.Sandbox, group func(string) Group) {
		var slept atomic.Int64
		h, stop := beatFor(t, group("a"), Instance{ID: "a", Duration: duration}, func() time.Duration { return time.Duration(slept.Load()) })
		good, _ := h.Await(t.Context())
		time.Sleep(time.Second)
		if !h.Good() {
			t.Fatal("the lease is not good")
		}
		slept.Store(int64(time.Hour)) // Go's clock does not show it
		if h.Good() {
			t.Error("the lease is good although the host slept for an hour")
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := h.Await(ctx); err == nil || good.Err() == nil {
			t.Error("what was begun under the lease goes on")
		}
		time.Sleep(duration / 5)
		if !h.Good() {
			t.Error("the lease does not come back with the next renewal")
		}
		stop()
	})
}

func TestLookReachesItsInstanceWithTheNextRenewal(t *testing.T) {
	bench(t, func(t *testing.T, _ *sandbox.Sandbox, group func(string) Group) {
		h := New(group("a"), Instance{ID: "a", Duration: duration}, nil)
		if err := h.Join(t.Context()); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		var looks []int64
		done := make(chan error)
		go func() {
			done <- h.Run(ctx, Told{Renewed: func(i Instance) { looks = append(looks, i.Look) }})
		}()
		time.Sleep(time.Second)
		for range 2 {
			if stays, err := group("b").Raise(t.Context(), "a"); err != nil || !stays {
				t.Fatal(err)
			}
		}
		if stays, err := group("b").Raise(t.Context(), "nobody"); err != nil || stays {
			t.Error(err)
		}
		time.Sleep(duration / 5)
		cancel()
		<-done
		if !slices.Equal(looks, []int64{2}) {
			t.Errorf("looks %v", looks)
		}
		rows, _ := group("b").List(t.Context())
		if len(rows) != 1 {
			t.Errorf("raising made a row: %+v", rows)
		}
	})
}

func TestNumbersGrowAndEqualRowsHoldTheirColumns(t *testing.T) {
	bench(t, func(t *testing.T, _ *sandbox.Sandbox, group func(string) Group) {
		_, stopA := beatFor(t, group("a"), Instance{ID: "a", Duration: duration, Parts: []string{"loader"}}, nil)
		b, stopB := beatFor(t, group("b"), Instance{ID: "b", Duration: time.Minute, Parts: []string{"loader", "notifier"}}, nil)
		b.ReadWell(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC))
		if err := b.Leave(t.Context()); err != nil {
			t.Fatal(err)
		}
		rows, err := group("x").List(t.Context())
		if err != nil || len(rows) != 2 {
			t.Fatal(rows, err)
		}
		if rows[0].Joined != 1 || rows[1].Joined != 2 || !slices.Equal(rows[0].Parts, []string{"loader"}) || rows[1].Duration != time.Minute ||
			!rows[1].Leaving || rows[1].ReadAt.Day() != 2 {
			t.Errorf("%+v", rows)
		}
		if err := b.Renumber(t.Context()); err != nil || b.Self().Joined != 3 {
			t.Errorf("%+v, %v", b.Self(), err)
		}
		stopA()
		stopB()
	})
}

// leading is how many daemons lead just now.
var leading atomic.Int32

// daemon is a member that runs, and leads while it may.
type daemon struct {
	*Member
	stop func()
	lead atomic.Bool
}

func (g Group) daemon(t *testing.T, path string) *daemon {
	d := &daemon{Member: NewMember(Membership{Group: g, Parts: []string{"notifier"}, Duration: duration, HostLock: path})}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 2)
	go func() { done <- d.Run(ctx) }()
	inner, end := context.WithCancel(context.Background())
	go func() {
		done <- d.Lead(inner, "notifier", func(ctx context.Context) error {
			if leading.Add(1) > 1 {
				t.Error("two lead at once")
			}
			d.lead.Store(true)
			<-ctx.Done()
			d.lead.Store(false)
			leading.Add(-1)
			return ctx.Err()
		})
	}()
	d.stop = func() { // the work first, as the daemon does
		end()
		if err := <-done; err != nil {
			t.Error(err)
		}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	return d
}

func TestOneMemberLeadsAndAnotherFollowsWhenItStopsOrIsCutOff(t *testing.T) {
	bench(t, func(t *testing.T, s *sandbox.Sandbox, group func(string) Group) {
		all := map[string]*daemon{}
		leaders := func() (ids []string) {
			for id, d := range all {
				if _, leads := d.Leads("notifier"); leads != d.lead.Load() {
					t.Errorf("%s: Leads says %v, its lead runs: %v", id, leads, d.lead.Load())
				}
				if d.lead.Load() {
					ids = append(ids, id)
				}
			}
			slices.Sort(ids)
			return ids
		}
		for _, id := range []string{"a", "b", "c"} {
			all[id] = group(id).daemon(t, "")
			time.Sleep(time.Second)
		}
		time.Sleep(duration / 2)
		synctest.Wait()
		if got := leaders(); !slices.Equal(got, []string{"a"}) {
			t.Fatalf("leaders %v", got)
		}
		if all["a"].Status().Others != 2 || all["b"].Status().Leads == nil || all["a"].Ready() != nil {
			t.Errorf("%+v, %v", all["a"].Status(), all["a"].Ready())
		}
		all["a"].stop()
		time.Sleep(duration/3 + 2*time.Second)
		synctest.Wait()
		if got := leaders(); !slices.Equal(got, []string{"b"}) {
			t.Fatalf("after a stopped: leaders %v", got)
		}
		heal := s.Fault(fault.Rule{Client: "b", Effect: fault.Unavailable})
		time.Sleep(duration)
		synctest.Wait()
		if all["b"].lead.Load() {
			t.Error("b leads after its deadline")
		}
		time.Sleep(6*duration/10 + time.Second)
		synctest.Wait()
		if got := leaders(); !slices.Equal(got, []string{"c"}) {
			t.Fatalf("after b was cut off: leaders %v", got)
		}
		if all["b"].Ready() == nil {
			t.Error("b is ready")
		}
		heal()
		time.Sleep(time.Minute)
		synctest.Wait()
		if got := leaders(); !slices.Equal(got, []string{"c"}) || all["b"].Ready() != nil {
			t.Errorf("after b came back: leaders %v, %v", got, all["b"].Ready())
		}
		all["b"].stop()
		all["c"].stop()
	})
}

// TestMemberWithALowerNumberWhoseRowCameLateWaits: b joined and leads before a, which took its number first, was there.
func TestMemberWithALowerNumberWhoseRowCameLateWaits(t *testing.T) {
	bench(t, func(t *testing.T, s *sandbox.Sandbox, group func(string) Group) {
		heal := s.Fault(fault.Rule{Client: "a", Operation: "UpdateItem", Skip: 1, Effect: fault.Unavailable})
		a := group("a").daemon(t, "")
		time.Sleep(time.Second)
		b := group("b").daemon(t, "")
		time.Sleep(time.Second)
		if !b.lead.Load() {
			t.Fatal("b does not lead")
		}
		heal()
		for range 600 {
			time.Sleep(100 * time.Millisecond)
			synctest.Wait()
			if a.lead.Load() && b.lead.Load() {
				t.Fatal("two lead")
			}
		}
		if !a.lead.Load() {
			t.Error("the lower number does not lead in the end")
		}
		a.stop()
		b.stop()
	})
}

// TestScenario54RestartOnOneHost: with the host's lock a restart leads at once; a copy of the file marks nobody.
func TestScenario54RestartOnOneHostNeedNotWaitAndACopyMarksNobody(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "lock")
	hold := func(t *testing.T, path, boot string) (*HostLock, string) {
		t.Helper()
		lock, before, err := holdHost(path, boot)
		if err != nil {
			t.Fatal(err)
		}
		return lock, before
	}
	lock, before := hold(t, path, "boot-1")
	if lock == nil || before != "" {
		t.Fatal("a new file is not ours, or names somebody", before)
	}
	if err := lock.Write("host-1"); err != nil {
		t.Fatal(err)
	}
	if second, _ := hold(t, path, "boot-1"); second != nil {
		t.Error("two hold the lock")
	}
	if err := errors.Join(lock.Write("a"), lock.Close()); err != nil { // a shorter text, in place
		t.Fatal(err)
	}
	if text, _ := os.ReadFile(path); len(text) == 0 {
		t.Error("nothing stands in the file")
	}
	copied := filepath.Join(dir, "copy")
	text, _ := os.ReadFile(path)
	if err := os.WriteFile(copied, text, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ path, boot, want string }{
		"the same file and boot": {path, "boot-1", "a"},
		"another boot":           {path, "boot-2", ""},
		"a copy of the file":     {copied, "boot-1", ""},
		"no boot id":             {path, "", ""},
	} {
		lock, before := hold(t, c.path, c.boot)
		if lock == nil || before != c.want {
			t.Errorf("%s: %v, %q, want %q", name, lock, before, c.want)
		}
		lock.Close()
	}
	if _, _, err := HoldHost(filepath.Join(dir, "none", "lock")); err == nil {
		t.Error("a directory that is not there is taken")
	}

	bench(t, func(t *testing.T, s *sandbox.Sandbox, group func(string) Group) {
		path := filepath.Join(dir, "daemon")
		a := group("a").daemon(t, path)
		time.Sleep(time.Minute)
		if !a.lead.Load() {
			t.Fatal("it does not lead")
		}
		s.Fault(fault.Rule{Client: "a", Effect: fault.Effect{Reset: true}}) // kill -9: what it does counts no more
		a.stop()
		b := group("b").daemon(t, path)
		time.Sleep(2 * time.Second)
		if bootID() != "" && !b.lead.Load() {
			t.Error("it does not lead 2 s after its restart")
		}
		b.stop()
	})
}
