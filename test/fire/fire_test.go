package fire

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestFire burns for FIRE_MINUTES by the plan of FIRE_SEED; where nobody says, shortly and always by the same plan.
func TestFire(t *testing.T) {
	seed := uint64(setting(t, "FIRE_SEED", 1))
	length := time.Duration(setting(t, "FIRE_MINUTES", 0.75) * float64(time.Minute))
	steps := plan(seed, length)
	t.Logf("seed %d, %s:\n%s", seed, length, script(steps))
	dir := kept(t)
	binary := built(t, dir)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	town, err := found(ctx, dir, binary)
	if err != nil {
		t.Fatal(err)
	}
	defer town.atWork(t)()
	town.open()
	if !town.settles(t, 2*time.Minute, town.owed) {
		return
	}
	town.burn(ctx, steps)
	if !town.settles(t, 5*time.Minute, town.owed) {
		return
	}
	time.Sleep(5 * time.Second) // what comes too late, or twice, may come now
	town.judge(t)
}

func setting(t *testing.T, name string, otherwise float64) float64 {
	if os.Getenv(name) == "" {
		return otherwise
	}
	n, err := strconv.ParseFloat(os.Getenv(name), 64)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return n
}

// built is the daemon's binary.
func built(t *testing.T, dir string) string {
	binary := filepath.Join(dir, "inventoryd")
	build := exec.Command("go", "build", "-o", binary, "inventoryd/cmd/inventoryd")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	return binary
}

// kept is a directory that stays where the test fails, for the daemons' logs.
func kept(t *testing.T) string {
	dir, err := os.MkdirTemp("", "inventoryd-fire-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the daemons' logs are in %s", dir)
			return
		}
		os.RemoveAll(dir)
	})
	return dir
}

// open has each store upload its first feed, whole.
func (t *town) open() {
	for n := range listed.from + listed.count {
		if !timed.has(n) {
			t.upload(step{Kind: upload, Who: n, What: fresh, Seed: uint64(n)})
		}
	}
}

// burn does the steps when their time has come, undoes them when it is over, and collects messages meanwhile.
func (t *town) burn(ctx context.Context, steps []step) {
	begun := time.Now()
	t.opened = t.box.Clock.Now()
	var over sync.WaitGroup
	for _, s := range steps {
		for time.Since(begun) < s.At {
			t.collect()
			time.Sleep(min(50*time.Millisecond, s.At-time.Since(begun)))
		}
		if undo := t.do(ctx, s); undo != nil {
			over.Go(func() {
				time.Sleep(s.For)
				undo()
			})
		}
	}
	over.Wait()
	t.burned = t.box.Clock.Now()
}

// atWork starts the daemons; the function that it returns ends them, and tells what was found by the way.
func (w *town) atWork(t *testing.T) (end func()) {
	for _, d := range w.daemons {
		go d.supervise()
	}
	return func() {
		for _, d := range w.daemons {
			d.retire(30 * time.Second)
		}
		for _, finding := range w.wrong {
			t.Error(finding)
		}
	}
}

// owed is what is still to be done.
func (w *town) owed(t *testing.T) []string {
	e, err := w.evidence(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return e.owed()
}

// settles waits until nothing is owed and the daemons say so; what is owed then is found.
func (w *town) settles(t *testing.T, patience time.Duration, owed func(*testing.T) []string) bool {
	for begun := time.Now(); ; time.Sleep(500 * time.Millisecond) {
		left, idle := owed(t), 0
		for _, d := range w.daemons {
			if ok, _ := d.ready(); ok && d.idle() {
				idle++
			}
		}
		if len(left) == 0 && idle == len(w.daemons) {
			t.Logf("settled after %s", time.Since(begun).Round(time.Second))
			return true
		}
		if time.Since(begun) > patience {
			t.Errorf("not settled within %s: %d of %d daemons are ready and idle, %d things are owed", patience, idle, len(w.daemons), len(left))
			for _, o := range left[:min(20, len(left))] {
				t.Error(o)
			}
			for _, d := range w.daemons {
				ok, why := d.ready()
				t.Logf("daemon %d: ready %t %s", d.n, ok, why)
			}
			w.audit(t)
			return false
		}
	}
}

// judge tells what is not as promised, and figures.
func (w *town) judge(t *testing.T) {
	e, err := w.evidence(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, finding := range e.findings() {
		t.Error(finding)
	}
	for _, d := range w.daemons {
		d.keepsHouse()
		size, _ := d.log.written()
		t.Logf("daemon %d: %d MiB resident, %d KiB of log", d.n, resident(d.pid())>>20, size>>10)
	}
	if lying := w.lying(streamDeadLetters); len(lying) > 0 {
		t.Errorf("%d records of the stream are in its dead-letter queue: %.300s", len(lying), lying[0])
	}
	w.audit(t)
	again, allowed := e.repeats()
	t.Logf("told again:\n%.2000s", strings.Join(again, "\n"))
	t.Logf("%d items, %d messages written down, %d received, %d again (%d allowed), %d dead letters, %d deaths, %d starts",
		len(e.table), len(e.notes), len(e.mails), len(again), allowed, len(e.dead), e.deaths, len(e.starts))
}

// audit asks inventoryd itself what it finds.
func (w *town) audit(t *testing.T) {
	if out, err := w.command("audit"); err != nil {
		t.Errorf("audit: %v\n%s", err, out)
	} else {
		t.Logf("audit: %s", out)
	}
}
