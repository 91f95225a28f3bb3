package feed

import (
	"bufio"
	"bytes"
	"fmt"
	"io"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// Caps bound what a compressed body may expand to.
type Caps struct {
	Size  int64 // bytes of text
	Ratio int64 // text to body; looked at once the text exceeds ratioFloor
}

const (
	ratioFloor = 16 << 20 // bytes of text below which any ratio is harmless
	zstdWindow = 32 << 20 // bytes of memory that a zstd stream may ask for
	peeked     = 512      // bytes by which formats are told apart
)

// formats that are refused by name: their magic bytes and what to do instead.
var refused = []struct{ magic, name string }{
	{"PK\x03\x04", "a zip archive"},
	{"PK\x05\x06", "an empty zip archive"},
	{"PAR1", "a Parquet file"},
	{"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an Excel workbook (xls)"},
	{"BZh", "compressed by bzip2"},
	{"\xfd7zXZ\x00", "compressed by xz"},
	{"7z\xbc\xaf\x27\x1c", "a 7z archive"},
	{"%PDF-", "a PDF document"},
}

// expand undoes the compression of body, recognised by its first bytes. close releases the decoder.
func expand(body io.Reader, caps Caps) (text io.Reader, close func(), err error) {
	counted := &counter{r: body}
	in := bufio.NewReaderSize(counted, 64<<10)
	head, err := in.Peek(peeked)
	if err != nil && err != io.EOF {
		return nil, nil, err
	}
	for _, f := range refused {
		if bytes.HasPrefix(head, []byte(f.magic)) {
			name := f.name
			if f.magic == refused[0].magic && bytes.Contains(head, []byte("[Content_Types].xml")) {
				name = "an Excel workbook (xlsx)"
			}
			return nil, nil, &Unusable{"the object is " + name + "; send CSV, plain or compressed by gzip or zstd"}
		}
	}
	switch {
	case bytes.HasPrefix(head, []byte("\x1f\x8b")):
		z, err := gzip.NewReader(in)
		if err != nil {
			return nil, nil, err
		}
		return &expanded{r: z, in: counted, caps: caps}, func() {}, nil
	case bytes.HasPrefix(head, []byte("\x28\xb5\x2f\xfd")), isSkippable(head):
		z, err := zstd.NewReader(in, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(zstdWindow))
		if err != nil {
			return nil, nil, err
		}
		return &expanded{r: z, in: counted, caps: caps}, z.Close, nil
	}
	return in, func() {}, nil
}

// isSkippable reports whether b begins with a frame that zstd passes over, as pzstd writes first (RFC 8878, 3.1.2).
func isSkippable(b []byte) bool {
	return len(b) >= 4 && b[0]&0xf0 == 0x50 && string(b[1:4]) == "\x2a\x4d\x18"
}

// counter counts the bytes of the body.
type counter struct {
	r io.Reader
	n int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

// expanded holds a decoder to the caps.
type expanded struct {
	r    io.Reader
	in   *counter
	caps Caps
	n    int64
}

func (e *expanded) Read(p []byte) (int, error) {
	n, err := e.r.Read(p)
	e.n += int64(n)
	switch {
	case e.n > e.caps.Size:
		return 0, &Unusable{fmt.Sprintf("the object expands to more than %d bytes (loader.max_expanded)", e.caps.Size)}
	case e.n > ratioFloor && e.n/e.caps.Ratio > e.in.n:
		return 0, &Unusable{fmt.Sprintf("the object expands to more than %d times its size (loader.max_ratio), as no feed does", e.caps.Ratio)}
	}
	return n, err
}
