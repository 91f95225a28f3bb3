package collector

import (
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"testing"
	"time"
)

func TestMemoryWithoutPointersLetsNoGarbageGather(t *testing.T) {
	const MiB = 1 << 20
	for _, c := range []struct {
		kept, scanned uint64
		want          int
	}{
		{0, 0, 200},
		{4 * MiB, 5 * MiB, 200},
		{6 * MiB, 6 * MiB, 200},
		{8 * MiB, 4 * MiB, 100},
		{16 * MiB, 6 * MiB, 25},
		{16 * MiB, 12 * MiB, 56},
		{24 * MiB, 8 * MiB, 11},
		{12 * MiB, 12 * MiB, 100},
		{60 * MiB, 60 * MiB, 100},
		{256 * MiB, 5 * MiB, 10},
	} {
		if got := growth(c.kept, c.scanned); got != c.want {
			t.Errorf("of %d bytes %d are scanned: %d %%, not %d", c.kept, c.scanned, got, c.want)
		}
	}
}

func TestTheLimitLeavesRoomForTheGrowth(t *testing.T) {
	const MiB = 1 << 20
	for _, c := range []struct {
		kept    uint64
		percent int
		want    int64
	}{{0, 200, 32 * MiB}, {6 * MiB, 200, 32 * MiB}, {20 * MiB, 20, 36 * MiB}, {100 * MiB, 100, 212 * MiB}} {
		if got := limit(c.kept, c.percent); got != c.want {
			t.Errorf("of %d bytes and %d %%: %d, not %d", c.kept, c.percent, got, c.want)
		}
	}
}

func TestTheGrowthFollowsWhatIsKept(t *testing.T) {
	t.Setenv("GOGC", "")
	t.Setenv("GOMEMLIMIT", "")
	defer debug.SetMemoryLimit(debug.SetMemoryLimit(-1))
	defer debug.SetGCPercent(debug.SetGCPercent(100))
	Tune()
	percent := []metrics.Sample{{Name: "/gc/gogc:percent"}}
	becomes := func(what string, holds func(percent uint64) bool) {
		t.Helper()
		for began := time.Now(); ; time.Sleep(time.Millisecond) {
			runtime.GC()
			if metrics.Read(percent); holds(percent[0].Value.Uint64()) {
				return
			}
			if time.Since(began) > 30*time.Second {
				t.Fatalf("%s: still %d %%", what, percent[0].Value.Uint64())
			}
		}
	}
	keep := make([]byte, 64<<20)
	becomes("with a large buffer", func(percent uint64) bool { return percent < 100 })
	runtime.KeepAlive(keep)
	becomes("without it", func(percent uint64) bool { return percent > 100 })
}
