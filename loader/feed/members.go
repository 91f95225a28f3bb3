package feed

import (
	"bufio"
	"io"

	"github.com/klauspost/compress/gzip"
)

// members reads gzip of any number of members, with NULs behind each of them: tapes and block devices pad with them, and
// gzip itself passes over them.
type members struct {
	in *bufio.Reader
	z  *gzip.Reader
}

func newMembers(in *bufio.Reader) (*members, error) {
	z, err := gzip.NewReader(in)
	if err != nil {
		return nil, err
	}
	z.Multistream(false)
	return &members{in, z}, nil
}

func (m *members) Read(p []byte) (int, error) {
	for {
		n, err := m.z.Read(p)
		if n > 0 || err != io.EOF {
			if err == io.EOF { // of this member
				err = nil
			}
			return n, err
		}
		if err := m.pad(); err != nil {
			return 0, err
		}
		if err := m.z.Reset(m.in); err != nil {
			return 0, err
		}
		m.z.Multistream(false)
	}
}

// pad passes over NULs; io.EOF where nothing follows them.
func (m *members) pad() error {
	for {
		c, err := m.in.ReadByte()
		if err != nil || c != 0 {
			if err == nil {
				err = m.in.UnreadByte()
			}
			return err
		}
	}
}
