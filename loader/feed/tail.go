package feed

import (
	"bytes"
	"io"
	"slices"
	"strings"
)

// tail passes over what stands at the very end of some texts: the Ctrl-Z of old programs, and the NULs of files that
// were given their size beforehand; line ends and spaces may stand between. Elsewhere they are text.
type tail struct {
	r    io.Reader
	err  error  // of r
	next []byte // read, and to be looked at

	held    []byte // may be the end: begins with a pad
	nuls    int64  // that follow held
	release bool   // it was not
}

const (
	pads     = "\x00\x1a"
	endings  = pads + "\r\n "
	heldMost = 4 << 10 // of tail.held, in bytes; what is longer is no end, unless it goes on with NULs only
)

func (t *tail) Read(p []byte) (int, error) {
	for {
		if t.release {
			if n := t.give(p); n > 0 {
				return n, nil
			}
			t.held, t.nuls, t.release = nil, 0, false
		}
		b, err := t.look(p)
		if err != nil {
			return 0, err
		}
		n := 0
		if len(t.held) == 0 {
			n = endingAt(b)
		}
		if taken := t.hold(b[n:]); n+taken < len(b) {
			t.next = slices.Concat(b[n+taken:], t.next)
			t.release = true
		}
		if copy(p, b[:n]) > 0 {
			return n, nil
		}
	}
}

// look returns what comes next, at most as much as p holds.
func (t *tail) look(p []byte) ([]byte, error) {
	if len(t.next) > 0 {
		b := t.next[:min(len(t.next), len(p))]
		t.next = t.next[len(b):]
		return b, nil
	}
	if t.err != nil {
		return nil, t.err
	}
	n, err := t.r.Read(p)
	t.err = err
	return p[:n], nil
}

// endingAt returns where in b the end of the text begins, if b is its end.
func endingAt(b []byte) int {
	end := len(bytes.TrimRight(b, endings))
	if i := bytes.IndexAny(b[end:], pads); i >= 0 {
		return end + i
	}
	return len(b)
}

// hold takes what may be the end, and returns how much of b that is.
func (t *tail) hold(b []byte) int {
	for i, c := range b {
		switch {
		case len(t.held) < heldMost && strings.IndexByte(endings, c) >= 0:
			t.held = append(t.held, c)
		case c == 0 && len(t.held) >= heldMost:
			t.nuls++
		default:
			return i
		}
	}
	return len(b)
}

// give hands out what was held after all.
func (t *tail) give(p []byte) int {
	n := copy(p, t.held)
	t.held = t.held[n:]
	for ; n < len(p) && t.nuls > 0; n++ {
		p[n] = 0
		t.nuls--
	}
	return n
}
