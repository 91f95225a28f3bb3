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
// 100 % collecting takes a good part of its CPU. A larger heap has Go's 100 %, and less the more of it has no pointers: else a load
// needs more than 64 MiB of memory.
//
// Go itself takes it of all that is kept. But buffers without pointers, such as the windows of zstd, cost a collection
// nothing, and are no reason to let three times as much garbage gather.
const (
	heapGrowth = 200
	smallHeap  = 20 << 20 // bytes
)

// What is freed goes back to the system at once where all that Go has is more than enough, or than the heap and its overhead. (It
// does so by itself, but after a while: meanwhile what was freed in pieces of one size is kept beside what is taken in pieces of another.)
const (
	enough   = 32 << 20 // bytes; the binary's pages are about as many again
	overhead = 12 << 20 // of the heap: stacks, the runtime's own, what is between the pieces
)

// Tune holds to heapGrowth and enough from here on, unless the environment decides (GOGC, GOMEMLIMIT).
func Tune() {
	if os.Getenv("GOGC") == "" && os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(enough)
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
	kept := t.samples[0].Value.Uint64()
	next := growth(kept, t.samples[1].Value.Uint64())
	debug.SetMemoryLimit(limit(kept, next))
	if far := t.percent / 10; next < t.percent-far || next > t.percent+far { // a change stops the world for a moment
		t.percent = next
		debug.SetGCPercent(next)
	}
	runtime.SetFinalizer(t, (*tuner).collected)
}

// limit is Go's GOMEMLIMIT. It never has Go collect more often than the growth does.
func limit(kept uint64, percent int) int64 {
	return max(enough, int64(kept)+int64(kept)*int64(percent)/100+overhead)
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
		bytes = max(scanned*scanned/kept, smallHeap-min(kept, smallHeap))
	}
	return max(int(100*bytes/kept), 10)
}
