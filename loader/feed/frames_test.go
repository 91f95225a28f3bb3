package feed

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/klauspost/compress/zstd"
)

func TestEachFrameOfZstdAsksForItsWindow(t *testing.T) {
	plain := strings.Repeat("A,B,1\n", 1000)
	encoded := func(window int, checksum bool) string {
		var b bytes.Buffer
		z, err := zstd.NewWriter(&b, zstd.WithWindowSize(window), zstd.WithEncoderCRC(checksum), zstd.WithEncoderConcurrency(1))
		for range 100 { // several blocks
			_, problem := io.WriteString(z, plain)
			err = errors.Join(err, problem)
		}
		if err = errors.Join(err, z.Close()); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	one := zstdOf(plain) // of a single segment
	rle := frame(4<<20, "x")[:6] + string([]byte{5<<3 | 1<<1 | 1, 0, 0, 'x'})
	skipped := "\x52\x2a\x4d\x18\x05\x00\x00\x00junk!"
	for name, c := range map[string]struct {
		body    string
		windows []int64
	}{
		"a single segment":    {one, []int64{int64(len(plain))}},
		"with a checksum":     {encoded(1<<20, true), []int64{1 << 20}},
		"without":             {encoded(2<<20, false), []int64{2 << 20}},
		"several":             {encoded(1<<20, true) + encoded(4<<20, false) + one + frame(8<<20, "x"), []int64{1 << 20, 4 << 20, int64(len(plain)), 8 << 20}},
		"a repeated byte":     {rle + frame(1<<20, "y"), []int64{4 << 20, 1 << 20}},
		"skippable":           {skipped + one + skipped + encoded(1<<20, true) + skipped, []int64{int64(len(plain)), 1 << 20}},
		"garbage behind it":   {one + "garbage that is no frame", []int64{int64(len(plain))}},
		"half of a header":    {encoded(1<<20, true) + one[:5], []int64{1 << 20}},
		"half of a block":     {encoded(1<<20, true)[:50], []int64{1 << 20}},
		"half a block's head": {encoded(1<<20, true)[:7], []int64{1 << 20}},
	} {
		for how, body := range map[string]io.Reader{"whole": strings.NewReader(c.body), "byte by byte": iotest.OneByteReader(strings.NewReader(c.body))} {
			var windows []int64
			reserve := func(window int64) error { windows = append(windows, window); return nil }
			got, err := io.ReadAll(&frames{in: bufio.NewReader(body), caps: Caps{Window: 8 << 20, Reserve: reserve}})
			if err != nil || string(got) != c.body || !slices.Equal(windows, c.windows) {
				t.Errorf("%s, %s: %d of %d bytes, windows of %v, not %v: %v", name, how, len(got), len(c.body), windows, c.windows, err)
			}
		}
	}
}

func TestWhereThereIsNoRoomForAWindowReadingEnds(t *testing.T) {
	full := errors.New("there is no room")
	rules := usual
	rules.Caps.Window = 8 << 20
	rules.Caps.Reserve = func(window int64) error {
		if window > 1<<20 {
			return full
		}
		return nil
	}
	rows, _, err := read(strings.NewReader(frame(1<<20, "store,item,count\nA,B,1\n")+frame(2<<20, "C,D,2\n")), rules)
	if !errors.Is(err, full) || len(rows) > 1 {
		t.Errorf("%v, %v", rows, err)
	}
}

func TestASegmentLargerThanTheWindowIsRefusedByName(t *testing.T) {
	z, err := zstd.NewWriter(nil, zstd.WithWindowSize(16<<20), zstd.WithSingleSegment(true))
	if err != nil {
		t.Fatal(err)
	}
	rules := usual
	rules.Caps.Window = 8 << 20
	_, _, err = read(bytes.NewReader(z.EncodeAll(make([]byte, 9<<20), nil)), rules)
	var unusable *Unusable
	if !errors.As(err, &unusable) || !strings.Contains(err.Error(), "loader.max_window") {
		t.Error(err)
	}
}

// TestALargeWindowIsHandedOn has one feed wait for the room of another: it takes its decoder over, with its memory.
func TestALargeWindowIsHandedOn(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(-1)) // which takes what nobody uses
	const window = 8 << 20
	body := frame(window, "store,item,count\nA,B,1\n")
	freed := make(chan struct{})
	rules := usual
	rules.Caps.Window = window
	first, err := Open(strings.NewReader(body), rules)
	rules.Caps.Reserve = func(int64) error { <-freed; return nil }
	if err != nil {
		t.Fatal(err)
	}
	var before, after runtime.MemStats
	second := make(chan error)
	go func() {
		_, _, err := read(strings.NewReader(body), rules)
		second <- err
	}()
	first.Close()
	runtime.ReadMemStats(&before)
	close(freed)
	if err := <-second; err != nil {
		t.Error(err)
	}
	if runtime.ReadMemStats(&after); after.TotalAlloc-before.TotalAlloc > window/2 {
		t.Errorf("the second feed has taken %d bytes", after.TotalAlloc-before.TotalAlloc)
	}
}
