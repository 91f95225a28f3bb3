package feed

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"io"
	"unicode/utf16"
	"unicode/utf8"
)

// Charset is how the text of a feed without a byte order mark is encoded; a mark says it by itself.
type Charset int

// The charsets.
const (
	UTF8 Charset = iota
	Windows1252
)

// problem says what is wrong with text that is not of the charset, and what helps.
func (c Charset) problem() string {
	if c == Windows1252 {
		return "is no windows-1252, which loader.encoding says it is, but UTF-8 perhaps; save the file as before"
	}
	return "is no valid UTF-8; save the file as UTF-8, or let your operator set loader.encoding to windows-1252 if Excel saved it as plain CSV"
}

// decoded is a text in UTF-8. What is no valid text stays invalid, so that the row that holds it is rejected and no
// other.
type decoded struct {
	io.Reader
	skipped int64   // bytes that the text's first byte has before it: those of a UTF-8 mark
	charset Charset // that it was in
}

// decodeText makes UTF-8 of a text, and drops its byte order mark.
func decodeText(in *bufio.Reader, charset Charset) (decoded, error) {
	head, err := in.Peek(3)
	if err != nil && err != io.EOF {
		return decoded{}, err
	}
	switch {
	case bytes.HasPrefix(head, []byte("\xef\xbb\xbf")):
		_, err = in.Discard(3)
		return decoded{Reader: in, skipped: 3}, err
	case bytes.HasPrefix(head, []byte("\xff\xfe")):
		_, err = in.Discard(2)
		return decoded{Reader: &transcoder{r: in, step: utf16Step(binary.LittleEndian)}}, err
	case bytes.HasPrefix(head, []byte("\xfe\xff")):
		_, err = in.Discard(2)
		return decoded{Reader: &transcoder{r: in, step: utf16Step(binary.BigEndian)}}, err
	case charset == Windows1252:
		return decoded{Reader: &transcoder{r: in, step: windowsStep}, charset: charset}, nil
	}
	return decoded{Reader: in}, nil
}

// noText is a byte that no UTF-8 text holds.
const noText = 0xFF

// transcoder makes UTF-8 of a text by steps.
type transcoder struct {
	r io.Reader
	// step appends to out what the first character of in is, which has that many bytes. 0: it needs more of them; at the
	// end there are none.
	step func(out, in []byte, end bool) ([]byte, int)
	in   [4 << 10]byte
	have int // bytes of in not yet transcoded
	out  []byte
	buf  []byte // out's array
	err  error
}

func (t *transcoder) Read(p []byte) (int, error) {
	for len(t.out) == 0 {
		if t.err != nil {
			return 0, t.err
		}
		var n int
		n, t.err = t.r.Read(t.in[t.have:])
		t.have += n
		t.transcode()
	}
	n := copy(p, t.out)
	t.out = t.out[n:]
	return n, nil
}

func (t *transcoder) transcode() {
	t.buf = t.buf[:0]
	i := 0
	for i < t.have {
		var n int
		if t.buf, n = t.step(t.buf, t.in[i:t.have], t.err == io.EOF); n == 0 {
			break
		}
		i += n
	}
	t.have = copy(t.in[:], t.in[i:t.have])
	t.out = t.buf
}

// utf16Step transcodes UTF-16. Half a surrogate pair, and an odd byte at the end, are no text.
func utf16Step(order binary.ByteOrder) func(out, in []byte, end bool) ([]byte, int) {
	return func(out, in []byte, end bool) ([]byte, int) {
		if len(in) < 2 {
			if end {
				return append(out, noText), 1
			}
			return out, 0
		}
		unit := rune(order.Uint16(in))
		switch {
		case !utf16.IsSurrogate(unit):
			return utf8.AppendRune(out, unit), 2
		case len(in) < 4 && !end:
			return out, 0
		case len(in) >= 4:
			if r := utf16.DecodeRune(unit, rune(order.Uint16(in[2:]))); r != utf8.RuneError {
				return utf8.AppendRune(out, r), 4
			}
		}
		return append(out, noText), 2
	}
}
