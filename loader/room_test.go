package loader_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"inventoryd/internal/inventory"
	"inventoryd/internal/sandbox/fault"
)

// windowed compresses a feed by zstd, with a window of so many bytes.
func windowed(t *testing.T, feed string, window int) string {
	var b bytes.Buffer
	z, err := zstd.NewWriter(&b, zstd.WithWindowSize(window), zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedFastest))
	if err != nil {
		t.Fatal(err)
	}
	for len(feed) > 0 { // unlike a whole one, a stream does not know its size, and asks for all of the window
		n := min(len(feed), 1000)
		_, problem := io.WriteString(z, feed[:n])
		err, feed = errors.Join(err, problem), feed[n:]
	}
	if err := errors.Join(err, z.Close()); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestAnObjectThatWaitsForAWindowIsHandedBackAtAStop(t *testing.T) {
	inWorld(t, func(w *world) {
		w.config.Lanes = 1
		mend := w.Fault(fault.Rule{Service: "dynamodb", Operation: "BatchWriteItem", Effect: fault.Effect{Delay: 9 * time.Second}})
		want := map[inventory.Key]int64{}
		for i := range 3 { // room for one
			feed, rows := feedOf(200, fmt.Sprint("Berlin ", i))
			w.put(fmt.Sprintf("%d.csv.zst", i), windowed(w.T, feed, 8<<20))
			maps.Copy(want, rows)
		}
		a := w.start("a")
		time.Sleep(30 * time.Second)
		a.stop()
		for _, p := range a.Status().Recent {
			if p.Outcome != "interrupted" {
				t.Errorf("%s: %s %s", p.Key, p.Outcome, p.Error)
			}
		}
		mend()
		b := w.start("b")
		w.quiet(10 * time.Minute)
		w.exact(want)
		a.balanced()
		b.balanced()
	})
}
