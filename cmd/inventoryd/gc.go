package main

import (
	"os"
	"runtime/debug"
)

// heapGrowth is how much the heap may grow between two garbage collections, in per cent. What the daemon keeps is a few
// MiB, what it throws away is much: at Go's 100 % a quarter of its CPU goes into collecting.
const heapGrowth = 400

// tuneGC sets heapGrowth, unless the environment decides (GOGC).
func tuneGC() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(heapGrowth)
	}
}
