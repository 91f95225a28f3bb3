// Package collector sets Go's garbage collector as the daemon wants it; benchmarks of parts of the daemon set theirs alike.
package collector

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
)

// heapGrowth is how much may be allocated between two garbage collections, in per cent of what the collector looks
// through, while the heap stays below smallHeap. What the daemon keeps is a few MiB, what it throws away is much: at Go's
// 100 % collecting takes a good part of its CPU. A larger heap has Go's 100 %: else a load needs more than 64 MiB of memory.
//
// Go itself takes it of all that is kept. But buffers without pointers, such as the windows of zstd, cost a collection
// nothing, and are no reason to let three times as much garbage gather.
const (
	heapGrowth = 200
	smallHeap  = 20 << 20 // bytes
)

// Tune holds to heapGrowth from here on, unless the environment decides (GOGC).
func Tune() {
	if os.Getenv("GOGC") == "" {
		t := &tuner{percent: heapGrowth, samples: []metrics.Sample{{Name: "/gc/heap/live:bytes"}, {Name: "/gc/scan/heap:bytes"}}}
		debug.SetGCPercent(t.percent)
		runtime.SetFinalizer(t, (*tuner).collected)
	}
}

// tuner is garbage: the collector finalizes it after each cycle, and it revives.
type tuner struct {
	percent int
	samples []metrics.Sample
}

func (t *tuner) collected() {
	metrics.Read(t.samples)
	next := growth(t.samples[0].Value.Uint64(), t.samples[1].Value.Uint64())
	if far := t.percent / 10; next < t.percent-far || next > t.percent+far { // a change stops the world for a moment
		t.percent = next
		debug.SetGCPercent(next)
	}
	runtime.SetFinalizer(t, (*tuner).collected)
}

// growth is Go's GOGC: how much may be allocated in per cent of the heap that is kept, of which scanned bytes may hold
// pointers.
func growth(kept, scanned uint64) int {
	scanned = min(scanned, kept)
	if kept == 0 {
		return heapGrowth
	}
	bytes := heapGrowth * scanned / 100
	if kept+bytes > smallHeap {
		bytes = max(scanned, smallHeap-min(kept, smallHeap))
	}
	return max(int(100*bytes/kept), 10)
}
