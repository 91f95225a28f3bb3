// Package transport holds what an AWS client needs of its HTTP transport beyond net/http's own.
package transport

import (
	"io"
	"net/http"
)

// PlainBody returns a RoundTripper that hides all but Read and Close of the request bodies from base.
//
// The body of an SDK request (smithy-go 1.28.8) has a WriteTo that answers EOF once the body is closed. net/http takes
// that for a failed write and tears the connection down, for 2 to 5 % of the calls on loopback and most of them on a
// pipe. Every transport that carries SDK requests over a connection is wrapped in it.
func PlainBody(base http.RoundTripper) http.RoundTripper { return plainBody{base} }

type plainBody struct{ base http.RoundTripper }

func (p plainBody) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil && r.Body != http.NoBody {
		plain := *r // a shallow copy: a RoundTripper must not change the request
		plain.Body = struct{ io.ReadCloser }{r.Body}
		r = &plain
	}
	return p.base.RoundTrip(r)
}

// CloseIdleConnections lets http.Client's method of that name reach the base.
func (p plainBody) CloseIdleConnections() {
	if c, ok := p.base.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}
