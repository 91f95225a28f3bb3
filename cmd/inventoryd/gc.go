package main

import (
	"os"
	"runtime/debug"
)

// heapGrowth is how much the heap may grow between two garbage collections, in per cent. What the daemon keeps is a few
// MiB, what it throws away is much: at Go's 100 % collecting takes a good part of its CPU; at 400 % a load needs more
// than 64 MiB of memory.
const heapGrowth = 200

// tuneGC sets heapGrowth, unless the environment decides (GOGC).
func tuneGC() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(heapGrowth)
	}
}
