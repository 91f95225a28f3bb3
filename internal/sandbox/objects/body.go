package objects

// Request bodies: how they are framed, and the digests that they are held against.

import (
	"bufio"
	"bytes"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"hash/crc64"
	"io"
	"net/http"
	"strconv"
	"strings"

	"inventoryd/internal/sandbox/wire"
)

// maxPut is the size of an object put in one operation ("PutObject").
const maxPut = 5 << 30

// readBody reads a request's whole body and checks its digests; the checksum that came with it is returned as the
// header in which it is answered.
func readBody(r *http.Request) (body []byte, checksum map[string]string, err error) {
	size := r.ContentLength
	if n, err := strconv.ParseInt(r.Header.Get("X-Amz-Decoded-Content-Length"), 10, 64); err == nil {
		size = n
	}
	switch {
	case size < 0:
		return nil, nil, &wire.Error{Status: http.StatusLengthRequired, Code: "MissingContentLength", Message: "You must provide the Content-Length HTTP header."}
	case size > maxPut:
		return nil, nil, wire.Errorf("EntityTooLarge", "Your proposed upload exceeds the maximum allowed object size.")
	}
	buffer := bytes.NewBuffer(make([]byte, 0, size+bytes.MinRead))
	if _, err := buffer.ReadFrom(plain(r)); err != nil {
		return nil, nil, fmt.Errorf("read the body: %w", err)
	}
	body = buffer.Bytes()
	if int64(len(body)) != size {
		return nil, nil, wire.Errorf("IncompleteBody", "You did not provide the number of bytes specified by the Content-Length HTTP header")
	}
	checksum, err = verify(r, body)
	return body, checksum, err
}

// plain is a request's body without the frames of aws-chunked ("Signature calculations for the authorization header:
// transferring payload in multiple chunks"); trailing checksums become headers of the request.
func plain(r *http.Request) io.Reader {
	if !strings.HasPrefix(r.Header.Get("X-Amz-Content-Sha256"), "STREAMING-") {
		return r.Body
	}
	return &chunked{in: bufio.NewReader(r.Body), header: r.Header}
}

type chunked struct {
	in     *bufio.Reader
	header http.Header
	left   int64 // of the present chunk
	begun  bool
	err    error
}

func (c *chunked) Read(p []byte) (int, error) {
	for c.left == 0 && c.err == nil {
		c.err = c.next()
	}
	if c.err != nil {
		return 0, c.err
	}
	n, err := c.in.Read(p[:min(int64(len(p)), c.left)])
	c.left -= int64(n)
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

// next reads the header of a chunk, and behind the last one the trailer.
func (c *chunked) next() error {
	if c.begun {
		if line, err := c.line(); err != nil || line != "" {
			return errors.Join(io.ErrUnexpectedEOF, err)
		}
	}
	c.begun = true
	line, err := c.line()
	if err != nil {
		return err
	}
	size, _, _ := strings.Cut(line, ";")
	if c.left, err = strconv.ParseInt(size, 16, 64); err != nil || c.left < 0 {
		return io.ErrUnexpectedEOF
	}
	if c.left > 0 {
		return nil
	}
	for {
		line, err := c.line()
		if name, value, ok := strings.Cut(line, ":"); ok {
			c.header.Set(name, value)
		}
		if line == "" || err != nil {
			return io.EOF
		}
	}
}

func (c *chunked) line() (string, error) {
	line, err := c.in.ReadString('\n')
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return strings.TrimRight(line, "\r\n"), err
}

// checksums that S3 takes ("Checking object integrity for data uploads").
var checksums = map[string]func() hash.Hash{
	"Crc32":     func() hash.Hash { return crc32.NewIEEE() },
	"Crc32c":    func() hash.Hash { return crc32.New(crc32.MakeTable(crc32.Castagnoli)) },
	"Crc64nvme": func() hash.Hash { return crc64.New(crc64.MakeTable(0x9a6c9329ac4bc9b5)) },
	"Sha1":      sha1.New,
	"Sha256":    sha256.New,
}

func verify(r *http.Request, body []byte) (map[string]string, error) {
	if given := r.Header.Get("Content-Md5"); given != "" {
		sum := md5.Sum(body)
		if raw, err := base64.StdEncoding.DecodeString(given); err != nil || len(raw) != md5.Size {
			return nil, wire.Errorf("InvalidDigest", "The Content-MD5 you specified was invalid.")
		}
		if base64.StdEncoding.EncodeToString(sum[:]) != given {
			return nil, wire.Errorf("BadDigest", "The Content-MD5 you specified did not match what we received.")
		}
	}
	found := map[string]string{}
	for name, algorithm := range checksums {
		given := r.Header.Get("X-Amz-Checksum-" + name)
		if given == "" {
			continue
		}
		h := algorithm()
		h.Write(body)
		if base64.StdEncoding.EncodeToString(h.Sum(nil)) != given {
			return nil, wire.Errorf("BadDigest", "The %s you specified did not match the calculated checksum.", strings.ToUpper(name))
		}
		found["X-Amz-Checksum-"+name] = given
		found["X-Amz-Checksum-Type"] = "FULL_OBJECT"
	}
	return found, nil
}
