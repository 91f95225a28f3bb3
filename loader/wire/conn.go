package wire

import (
	"bufio"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"errors"
	"hash/crc32"
	"net"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"syscall"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/valyala/fasthttp"
)

const (
	readBuffer  = 4 << 10
	writeBuffer = 4 << 10 // header and 25 ordinary rows go out by one write
	mostAnswer  = 1 << 20 // bytes; what is left of a batch may be as large as the batch
)

// conn is one connection, used by one call at a time.
type conn struct {
	net.Conn
	raw    net.Conn        // below TLS, or the same
	socket syscall.RawConn // of raw; nil: it is none
	to     *target
	born   time.Time
	used   time.Time // when its last call ended

	r      *bufio.Reader
	w      *bufio.Writer
	silent bool // the last call has found it closed

	signing  signing
	request  fasthttp.Request
	response fasthttp.Response
	patience patience
}

// dial opens a connection.
func (w *Wire) dial(ctx context.Context, to *target, by time.Time) (*conn, error) {
	ctx, cancel := context.WithDeadline(ctx, by)
	defer cancel()
	u := url.URL{Scheme: to.scheme, Host: to.host}
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[to.scheme]
	}
	raw, err := w.cfg.Dial(ctx, "tcp", net.JoinHostPort(u.Hostname(), port))
	if err != nil {
		return nil, err
	}
	c := &conn{Conn: raw, raw: raw, socket: socketOf(raw), to: to, born: time.Now()}
	if to.scheme == "https" {
		secure := tls.Client(raw, w.tls(u.Hostname()))
		if err := secure.HandshakeContext(ctx); err != nil {
			raw.Close()
			return nil, err
		}
		c.Conn = secure
	}
	c.r, c.w = bufio.NewReaderSize(c.Conn, readBuffer), bufio.NewWriterSize(c.Conn, writeBuffer)
	c.patience.of = c.Conn
	c.prepare(w.signer)
	return c, nil
}

func (w *Wire) tls(host string) *tls.Config {
	cfg := w.cfg.TLS.Clone()
	if cfg == nil {
		cfg = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	cfg.ServerName, cfg.ClientSessionCache = host, w.sessions
	cfg.NextProtos = []string{"http/1.1"} // net/http's would offer HTTP/2
	return cfg
}

// prepare fills in what all calls have in common.
func (c *conn) prepare(signer *v4.Signer) {
	const kind, target = "application/x-amz-json-1.0", "DynamoDB_20120810.BatchWriteItem"
	c.signing = signing{signer: signer, to: c.to, call: http.Request{ // without a length, which would be signed
		Method: http.MethodPost, Host: c.to.host, URL: &url.URL{Scheme: c.to.scheme, Host: c.to.host, Path: c.to.path},
		Header: http.Header{"Content-Type": {kind}, "X-Amz-Target": {target}},
	}}
	h := &c.request.Header
	h.SetMethod(http.MethodPost)
	h.SetRequestURI(c.to.path)
	h.SetHost(c.to.host)
	h.SetContentType(kind)
	h.SetUserAgent("inventoryd")
	h.Set("Accept-Encoding", "identity")
	h.Set("X-Amz-Target", target)
}

// quiet reports whether nothing has come since the last answer ended, neither bytes nor the connection's end: what comes unasked
// must never be read as the answer to the next call.
func (c *conn) quiet() bool {
	if c.Conn != c.raw { // TLS may hold what it has read and nobody has asked for
		var one [1]byte
		c.patience.end()
		if n, err := c.Conn.Read(one[:]); n > 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
			return false
		}
	}
	return c.socket == nil || nothingArrived(c.socket)
}

// Close closes the connection.
func (c *conn) Close() error {
	c.patience.forget()
	return c.Conn.Close()
}

// sign signs a call.
func (c *conn) sign(ctx context.Context, creds aws.Credentials, body []byte) error {
	authorization, changed, err := c.signing.sign(ctx, creds, sha256.Sum256(body))
	if err != nil {
		return err
	}
	h := &c.request.Header
	h.SetBytesV("Authorization", authorization)
	if !changed {
		return nil
	}
	for _, name := range []string{"X-Amz-Date", "X-Amz-Security-Token"} {
		if value := c.signing.call.Header.Get(name); value != "" {
			h.Set(name, value)
		} else {
			h.Del(name)
		}
	}
	return nil
}

// call sends what was signed, and waits for the answer until by, or until ctx ends. It returns the body of a whole answer of
// success, valid until the next call, else nil, and whether the connection can be used again.
func (c *conn) call(ctx context.Context, by time.Time, body []byte) (answer []byte, again bool) {
	c.silent = false
	if c.patience.begin(ctx, by) != nil {
		return nil, false
	}
	answer = c.exchange(body)
	return answer, c.patience.over() && !c.response.ConnectionClose() && c.r.Buffered() == 0
}

// exchange writes the request and reads the answer; nil: it is none of success.
func (c *conn) exchange(body []byte) []byte {
	c.request.SetBodyRaw(body)
	defer c.request.ResetBody() // whose it is
	err := c.request.Write(c.w)
	if err == nil {
		err = c.w.Flush()
	}
	if err == nil {
		_, err = c.r.Peek(1)
	}
	if err != nil {
		c.silent = !errors.Is(err, os.ErrDeadlineExceeded)
		return nil
	}
	c.response.Reset()
	if c.response.ReadLimitBody(c.r, mostAnswer) != nil || c.response.StatusCode() != http.StatusOK {
		return nil
	}
	answer := c.response.Body()
	if sum := c.response.Header.Peek("X-Amz-Crc32"); len(sum) > 0 {
		if want, err := strconv.ParseUint(string(sum), 10, 32); err != nil || uint32(want) != crc32.ChecksumIEEE(answer) {
			return nil
		}
	}
	if len(answer) == 0 || len(c.response.Header.ContentEncoding()) > 0 {
		return nil
	}
	return answer
}
