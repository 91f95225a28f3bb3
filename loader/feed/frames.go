package feed

import (
	"bufio"
	"fmt"
	"math"
	"sync/atomic"
	"weak"

	"github.com/alecthomas/units"
	"github.com/klauspost/compress/zstd"
)

// frames passes a zstd stream on to its decoder. It sees each frame's header first, so that the decoder takes no memory for
// a window that is too large, or for which there is no room yet (RFC 8878, 3.1.1).
type frames struct {
	in      *bufio.Reader
	caps    Caps
	left    int64 // bytes until the next header
	inside  bool  // that is of a block
	trailer int64 // bytes behind the frame's last block
}

func (f *frames) Read(p []byte) (int, error) {
	for f.left == 0 {
		if err := f.header(); err != nil {
			return 0, err
		}
	}
	n, err := f.in.Read(p[:min(int64(len(p)), f.left)])
	f.left -= int64(n)
	return n, err
}

// header looks at what comes next. What it does not understand it passes on: the decoder says what is wrong with it.
func (f *frames) header() error {
	if f.inside {
		f.block()
		return nil
	}
	head, err := f.in.Peek(zstd.HeaderMaxSize)
	if len(head) == 0 {
		return err
	}
	var h zstd.Header
	switch err := h.Decode(head); {
	case err != nil:
		f.left = math.MaxInt64
		return nil
	case h.Skippable:
		f.left = int64(h.HeaderSize) + int64(h.SkippableSize)
		return nil
	}
	f.left, f.inside, f.trailer = int64(h.HeaderSize), true, 0
	if h.HasCheckSum {
		f.trailer = 4
	}
	return f.window(h)
}

// window holds a frame to the caps.
func (f *frames) window(h zstd.Header) error {
	size := windowOf(h)
	if size > uint64(f.caps.Window) {
		return &Unusable{fmt.Sprintf("the object is compressed by zstd with a window of more than %v (loader.max_window); compress it by `zstd -19` at most, without --ultra and --long",
			units.Base2Bytes(f.caps.Window))}
	}
	if f.caps.Reserve == nil {
		return nil
	}
	return f.caps.Reserve(int64(size))
}

func windowOf(h zstd.Header) uint64 {
	if h.SingleSegment {
		return h.FrameContentSize
	}
	return h.WindowSize
}

// block takes the length of a block from its header: 24 bits, of which the lowest says whether it is the last, and the next two
// its type. One of type 1 is a single byte, repeated.
func (f *frames) block() {
	head, err := f.in.Peek(3)
	if err != nil {
		f.left = math.MaxInt64
		return
	}
	h := int64(head[0]) | int64(head[1])<<8 | int64(head[2])<<16
	f.left = 3 + h>>3
	if h>>1&3 == 1 {
		f.left = 3 + 1
	}
	if h&1 == 1 {
		f.left += f.trailer
		f.inside = false
	}
}

// spare is the decoder that was used last for a large window: its memory is for the next object that has one, unless the
// collector comes before. (A sync.Pool would hide it from whoever runs on another processor.)
var spare atomic.Pointer[weak.Pointer[zstd.Decoder]]

// large is from which window on a decoder is used again; a smaller one is made in no time.
const large = 4 << 20

// decoder decodes what f lets through, and holds no frame to a window itself. It takes as much memory as the largest window so
// far, until it is closed.
func decoder(f *frames) (z *zstd.Decoder, close func(), err error) {
	head, _ := f.in.Peek(zstd.HeaderMaxSize)
	var h zstd.Header
	reused := h.Decode(head) == nil && windowOf(h) >= large
	if reused {
		if err := f.window(h); err != nil { // whoever gives its room back has put its decoder there before
			return nil, nil, err
		}
		if kept := spare.Swap(nil); kept != nil {
			if z = kept.Value(); z != nil {
				err = z.Reset(f)
			}
		}
	}
	if z == nil {
		z, err = zstd.NewReader(f, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true))
	}
	if err != nil {
		return nil, nil, err
	}
	return z, func() {
		if reused && z.Reset(nil) == nil {
			kept := weak.Make(z)
			spare.Store(&kept)
			return
		}
		z.Close()
	}, nil
}
