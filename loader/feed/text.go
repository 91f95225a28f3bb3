package feed

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"io"
	"unicode/utf16"
	"unicode/utf8"
)

// decodeText makes UTF-8 of the text, whose byte order mark tells UTF-16 from UTF-8, and drops the mark. skipped is
// the number of bytes the text's first byte has before it (those of a UTF-8 mark). What is no valid text stays
// invalid UTF-8, so that the row that holds it is rejected and no other.
func decodeText(r io.Reader) (text io.Reader, skipped int64, err error) {
	in := bufio.NewReaderSize(r, 4<<10) // larger reads pass it by
	head, err := in.Peek(3)
	if err != nil && err != io.EOF {
		return nil, 0, err
	}
	switch {
	case bytes.HasPrefix(head, []byte("\xef\xbb\xbf")):
		_, err = in.Discard(3)
		return in, 3, err
	case bytes.HasPrefix(head, []byte("\xff\xfe")):
		_, err = in.Discard(2)
		return &utf16Reader{r: in, order: binary.LittleEndian}, 0, err
	case bytes.HasPrefix(head, []byte("\xfe\xff")):
		_, err = in.Discard(2)
		return &utf16Reader{r: in, order: binary.BigEndian}, 0, err
	}
	return in, 0, nil
}

// utf16Reader transcodes UTF-16 to UTF-8. Half a surrogate pair, and an odd byte at the end, become the byte 0xFF,
// which no UTF-8 text holds.
type utf16Reader struct {
	r     io.Reader
	order binary.ByteOrder
	in    [4 << 10]byte
	have  int // bytes of in not yet transcoded
	out   []byte
	buf   []byte // out's array
	err   error
}

func (u *utf16Reader) Read(p []byte) (int, error) {
	for len(u.out) == 0 {
		if u.err != nil {
			return 0, u.err
		}
		var n int
		n, u.err = u.r.Read(u.in[u.have:])
		u.have += n
		u.transcode()
	}
	n := copy(p, u.out)
	u.out = u.out[n:]
	return n, nil
}

func (u *utf16Reader) transcode() {
	u.buf = u.buf[:0]
	i := 0
	for ; i+2 <= u.have; i += 2 {
		unit := rune(u.order.Uint16(u.in[i:]))
		if !utf16.IsSurrogate(unit) {
			u.buf = utf8.AppendRune(u.buf, unit)
			continue
		}
		if i+4 > u.have && u.err == nil {
			break // its other half is still to come
		}
		if i+4 <= u.have {
			if r := utf16.DecodeRune(unit, rune(u.order.Uint16(u.in[i+2:]))); r != utf8.RuneError {
				u.buf = utf8.AppendRune(u.buf, r)
				i += 2
				continue
			}
		}
		u.buf = append(u.buf, 0xFF)
	}
	if u.err == io.EOF && i < u.have {
		u.buf = append(u.buf, 0xFF)
		i = u.have
	}
	u.have = copy(u.in[:], u.in[i:u.have])
	u.out = u.buf
}
