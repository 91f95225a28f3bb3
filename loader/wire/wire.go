// Package wire sends one kind of call, DynamoDB's BatchWriteItem, over connections of its own: a load makes nearly no other,
// and pays nine tenths of its CPU for what the SDK and net/http do around each.
//
// It understands success only. Where to call, in which region and for which service a call is signed, it learns from a call of the
// SDK's client that succeeded; what it cannot bring to a good end the SDK's client does again, whose errors are the only
// ones. One failure closes the wire until the SDK's client has succeeded again. So a put may be sent twice, which
// changes nothing: its rows are under way until then.
package wire

import (
	"context"
	"crypto/tls"
	"net"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// Config says how to reach DynamoDB.
type Config struct {
	Credentials aws.CredentialsProvider
	Proxied     func(*url.URL) bool // who is reached by way of a proxy is left to the SDK; nil: nobody
	TLS         *tls.Config         // nil: Go's own
	Dial        func(ctx context.Context, network, address string) (net.Conn, error)
}

const (
	callTimeout = 4 * time.Second  // of all that a call does, so that one of the SDK's still fits into lanes.PutTimeout
	rest        = time.Second      // after a failure
	longRest    = time.Minute      // where it cannot be used
	idleTimeout = 20 * time.Second // of a connection without a call
	longest     = 5 * time.Minute  // that a connection is used: what a name stands for may change
)

// Wire is the connections to one service. It is safe for concurrent use.
type Wire struct {
	cfg      Config
	signer   *v4.Signer
	sessions tls.ClientSessionCache

	mu    sync.Mutex    // guards what follows; never held over a wait
	open  *target       // nil: closed
	until time.Time     // it stays closed
	probe chan struct{} // of the SDK's call that is to open it, closed when that has ended; nil: there is none
	idle  []*conn       // to open, the one that was used last at the end
	reap  *time.Timer
}

// target is where calls go to, and what they are signed for.
type target struct{ scheme, host, path, region, service string }

// New makes a wire, which is closed.
func New(cfg Config) *Wire {
	return &Wire{cfg: cfg, signer: v4.NewSigner(), sessions: tls.NewLRUClientSessionCache(64)}
}

// Learn is told of a call of the SDK's client that succeeded: its URL, and the header by which it was signed.
func (w *Wire) Learn(u *url.URL, authorization string) {
	region, service, ok := scope(authorization)
	ok = ok && u.RawQuery == "" && (w.cfg.Proxied == nil || !w.cfg.Proxied(u))
	w.mu.Lock()
	defer w.mu.Unlock()
	defer w.probed()
	if !ok {
		w.shut(longRest)
		return
	}
	t := target{u.Scheme, u.Host, u.EscapedPath(), region, service}
	if t.path == "" {
		t.path = "/"
	}
	switch {
	case time.Now().Before(w.until):
	case w.open == nil:
		w.open = &t
	case *w.open != t:
		w.drop()
		w.open = &t
	}
}

// scope reads region and service from a signature of version 4.
func scope(authorization string) (region, service string, ok bool) {
	rest, ok := strings.CutPrefix(authorization, "AWS4-HMAC-SHA256 Credential=")
	credential, _, found := strings.Cut(rest, ",")
	parts := strings.Split(credential, "/")
	if !ok || !found || len(parts) < 5 || parts[len(parts)-1] != "aws4_request" {
		return "", "", false
	}
	return parts[len(parts)-3], parts[len(parts)-2], true
}

// Doubt is told that a call of the SDK's client has failed. It closes the wire for a while.
func (w *Wire) Doubt() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.shut(rest)
	w.probed()
}

// shut closes the wire for so long, and its idle connections. The caller holds mu.
func (w *Wire) shut(rest time.Duration) {
	w.open, w.until = nil, time.Now().Add(rest)
	w.drop()
}

// probed tells those who wait that the SDK's call has ended. The caller holds mu.
func (w *Wire) probed() {
	if w.probe != nil {
		close(w.probe)
		w.probe = nil
	}
}

// Close closes the wire's idle connections, until somebody uses it again.
func (w *Wire) Close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.drop()
}

// Call sends a body of BatchWriteItem. understand is given the answer's body, which it must not keep; false: it is none. What Call
// returns says whether all went well; where it did not, nobody knows whether the rows are written.
func (w *Wire) Call(ctx context.Context, body []byte, understand func(answer []byte) bool) bool {
	by := time.Now().Add(callTimeout)
	if at, bounded := ctx.Deadline(); bounded && at.Before(by) {
		by = at
	}
	c, to := w.take(ctx, by)
	if to == nil {
		return false
	}
	if c != nil && !c.quiet() {
		c.Close()
		c = nil
	}
	ok := c != nil && w.over(c, ctx, by, body, understand)
	if c != nil && !ok && c.silent && ctx.Err() == nil { // it had been closed while nobody used it
		c = nil
	}
	if c == nil {
		var err error
		if c, err = w.dial(ctx, to, by); err == nil {
			ok = w.over(c, ctx, by, body, understand)
		}
	}
	if !ok && ctx.Err() == nil {
		w.Doubt()
	}
	return ok
}

// over makes a call over a connection, and keeps it if it can be used again.
func (w *Wire) over(c *conn, ctx context.Context, by time.Time, body []byte, understand func(answer []byte) bool) bool {
	creds, err := w.cfg.Credentials.Retrieve(ctx)
	if err == nil {
		err = c.sign(ctx, creds, body)
	}
	if err != nil {
		c.Close()
		return false
	}
	answer, again := c.call(ctx, by, body)
	ok := answer != nil && understand(answer)
	if ok && again {
		w.give(c)
	} else {
		c.Close()
	}
	return ok
}

// take takes an idle connection; without one, only the target is returned, and none while the wire is closed. When it may be
// opened, one caller gets none, to have the SDK's client show the way; the others wait for that.
func (w *Wire) take(ctx context.Context, by time.Time) (*conn, *target) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.open == nil && w.probe != nil {
		w.await(ctx, w.probe, by)
	} else if w.open == nil && time.Now().After(w.until) {
		w.probe = make(chan struct{})
	}
	n := len(w.idle)
	if n == 0 || w.open == nil {
		return nil, w.open
	}
	c := w.idle[n-1]
	w.idle[n-1], w.idle = nil, w.idle[:n-1]
	return c, w.open
}

// await waits for the end of a probe. The caller holds mu, but not meanwhile.
func (w *Wire) await(ctx context.Context, probe chan struct{}, by time.Time) {
	w.mu.Unlock()
	defer w.mu.Lock()
	patience := time.NewTimer(time.Until(by))
	defer patience.Stop()
	select {
	case <-probe:
	case <-patience.C:
	case <-ctx.Done():
	}
}

// give takes a connection back.
func (w *Wire) give(c *conn) {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := time.Now()
	if w.open != c.to || now.Sub(c.born) > longest {
		c.Close()
		return
	}
	c.used = now
	if w.idle = append(w.idle, c); w.reap == nil {
		w.reap = time.AfterFunc(idleTimeout, w.reapIdle)
	}
}

// reapIdle closes the connections that have not been used for long.
func (w *Wire) reapIdle() {
	w.mu.Lock()
	defer w.mu.Unlock()
	now, kept := time.Now(), w.idle[:0]
	for _, c := range w.idle {
		if now.Sub(c.used) < idleTimeout {
			kept = append(kept, c)
		} else {
			c.Close()
		}
	}
	clear(w.idle[len(kept):])
	if w.idle = kept; len(kept) == 0 {
		w.reap = nil
		return
	}
	w.reap = time.AfterFunc(idleTimeout, w.reapIdle)
}

// drop closes all idle connections. The caller holds mu.
func (w *Wire) drop() {
	for _, c := range w.idle {
		c.Close()
	}
	w.idle = nil
	if w.reap != nil {
		w.reap.Stop()
		w.reap = nil
	}
}
