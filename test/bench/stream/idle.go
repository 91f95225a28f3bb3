package main

// Memory and goroutines of a reader whose thousands of shards have nothing to say.

import (
	"context"
	"fmt"
	"runtime"
	"time"

	"inventoryd/stream"
)

const (
	idleShards = 5000
	idleFor    = 20 * time.Second // of quiet, before memory is measured
)

func idle(args []string) error {
	c := connect(args[0])
	before := memory()
	r, stop, err := c.run(func(context.Context, []stream.Record) error { return nil }, func(c *stream.Config) { c.IdlePoll = 30 * time.Second })
	if err != nil {
		return err
	}
	for quiet := 0; quiet < idleShards; time.Sleep(time.Second) { // before, 256 calls are under way
		quiet = 0
		for _, s := range r.Status().Shards {
			if s.AtTip {
				quiet++
			}
		}
	}
	time.Sleep(idleFor)
	fmt.Printf("stream_idle_goroutines %d count\n", runtime.NumGoroutine())
	fmt.Printf("stream_idle_kib_per_shard %.3f KiB\n", float64(memory()-before)/1024/idleShards)
	return stop()
}

// memory is what heap and stacks hold after a garbage collection.
func memory() uint64 {
	var m runtime.MemStats
	for range 3 { // stacks shrink by a half at each collection
		runtime.GC()
	}
	runtime.ReadMemStats(&m)
	return m.HeapAlloc + m.StackInuse
}
