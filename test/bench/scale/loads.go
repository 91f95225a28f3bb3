package main

// Files that are loaded.

import (
	"bytes"
	"context"
	"fmt"
	"os"

	"inventoryd/internal/sandbox"
)

const (
	files   = 400
	rows    = 100 // of a file
	workers = 4   // objects that a daemon loads at once, its default
)

// measureLoads has n daemons load all files, which come at once.
func measureLoads(ctx context.Context, n int) error {
	t, err := found(ctx, n, "loader")
	if err != nil {
		return err
	}
	defer t.close()
	took, before := t.watch(), t.called()
	for f := range files {
		if _, err := t.world.Objects.Put(sandbox.Bucket, fmt.Sprintf("store-%03d.csv", f), body(f)); err != nil {
			return err
		}
	}
	err = until("all files are loaded", func() bool {
		c := t.world.Queues.Contents(sandbox.EventQueue)
		return t.written.Load() >= files*rows && len(c.Visible)+len(c.InFlight)+len(c.Delayed) == 0
	})
	if err != nil {
		c := t.world.Queues.Contents(sandbox.EventQueue)
		return fmt.Errorf("%w: %d rows are written, %d messages are there", err, t.written.Load(), len(c.Visible)+len(c.InFlight)+len(c.Delayed))
	}
	s := took()
	each := 0.
	for operation, calls := range t.called() {
		of := float64(calls-before[operation]) / files
		each += of
		fmt.Fprintf(os.Stderr, "%s: %.2f calls a file\n", operation, of)
	}
	print("load_files_per_second", "files/s", n, files/s.wall)
	print("load_rows_per_second", "rows/s", n, files*rows/s.wall)
	print("load_calls_per_file", "calls", n, each)
	// As if each call of a file waited for the one before it; rows go out side by side, so that more is possible.
	print("load_files_per_second_by_waiting", "files/s", n, float64(n*workers)/(each*latency.Seconds()))
	printLoad("load", n, s)
	return nil
}

// body is a file of one store.
func body(store int) []byte {
	var b bytes.Buffer
	b.WriteString("store,item,count\n")
	for i := range rows {
		fmt.Fprintf(&b, "Store %d,Item %d,%d\n", store, i, 1+i)
	}
	return b.Bytes()
}
