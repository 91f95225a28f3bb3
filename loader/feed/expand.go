package feed

import (
	"bufio"
	"fmt"
	"io"
)

// Caps bound what a compressed body may expand to, and what memory that takes.
type Caps struct {
	Size   int64 // bytes of text
	Ratio  int64 // text to body; looked at once the text exceeds ratioFloor
	Window int64 // bytes of text that a zstd stream may have kept at hand

	// Reserve is asked before so much memory is taken for a window: for the whole reader, not in addition to what was
	// reserved before. It may wait; its error is that of the reading. nil: there is room.
	Reserve func(window int64) error
}

const (
	ratioFloor = 16 << 20 // bytes of text below which any ratio is harmless
	peeked     = 512      // bytes by which formats are told apart
)

// expand undoes the compression of body, recognised by its first bytes. close releases the decoder.
func expand(body io.Reader, caps Caps) (text *bufio.Reader, close func(), err error) {
	counted := &counter{r: body}
	in := bufio.NewReaderSize(counted, 64<<10)
	head, err := in.Peek(peeked)
	if err != nil && err != io.EOF {
		return nil, nil, err
	}
	if name := foreign(head); name != "" {
		return nil, nil, &Unusable{"the object is " + name + sendCSV}
	}
	out := &expanded{in: counted, caps: caps}
	close = func() {}
	switch compression(head) {
	case "gzip":
		if out.r, err = newMembers(in); err != nil {
			return nil, nil, err
		}
	case "zstd":
		if out.r, close, err = decoder(&frames{in: in, caps: caps}); err != nil {
			return nil, nil, err
		}
	default:
		return in, close, nil
	}
	text = bufio.NewReaderSize(out, 4<<10) // larger reads pass it by
	if err := refuseInside(text, compression(head)); err != nil {
		close()
		return nil, nil, err
	}
	return text, close, nil
}

// refuseInside refuses by name what is compressed and no feed. What the decoder has to say comes with the reading.
func refuseInside(text *bufio.Reader, outer string) error {
	head, _ := text.Peek(peeked)
	if inner := compression(head); inner != "" {
		return &Unusable{fmt.Sprintf("the object is compressed twice, %s inside %s; compress it once", inner, outer)}
	}
	if name := foreign(head); name != "" {
		return &Unusable{"the object is " + name + " inside " + outer + sendCSV}
	}
	return nil
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
