// Package transport holds what an AWS client needs of its HTTP transport beyond net/http's own.
package transport

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
)

// WriteBuffer is how large the write buffers of connections should be: a call's header and its body, 25 rows or an ordinary
// item, go out by one write. net/http's own 4 KiB would cut many a batch in two.
const WriteBuffer = 8 << 10

// inMemory is up to which size PlainBody copies a body.
const inMemory = 64 << 10

// PlainBody returns a RoundTripper that hides the SDK's type of request bodies from base, and hands it small ones in memory.
//
// The body of an SDK request (smithy-go 1.28.8) has a WriteTo that answers EOF once the body is closed. net/http takes
// that for a failed write and tears the connection down, for 2 to 5 % of the calls on loopback and most of them on a
// pipe. And of a body that it does not know to be in memory, net/http sends the header in a packet of its own. Every
// transport that carries SDK requests over a connection is wrapped in it.
func PlainBody(base http.RoundTripper) http.RoundTripper { return plainBody{base} }

type plainBody struct{ base http.RoundTripper }

func (p plainBody) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body == nil || r.Body == http.NoBody {
		return p.base.RoundTrip(r)
	}
	plain := *r // a shallow copy: a RoundTripper must not change the request
	plain.Body = struct{ io.ReadCloser }{r.Body}
	if 0 < r.ContentLength && r.ContentLength <= inMemory {
		body := make([]byte, r.ContentLength)
		_, err := io.ReadFull(r.Body, body)
		if err = errors.Join(err, r.Body.Close()); err != nil {
			return nil, fmt.Errorf("body of %d bytes: %w", r.ContentLength, err)
		}
		// With GetBody, net/http goes on to another connection where one that was idle has been closed.
		plain.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
		plain.Body, _ = plain.GetBody()
	}
	return p.base.RoundTrip(&plain)
}

// CloseIdleConnections lets http.Client's method of that name reach the base.
func (p plainBody) CloseIdleConnections() {
	if c, ok := p.base.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}
