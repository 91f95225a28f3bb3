package sandbox

// Clients in the same process call the handler without a connection, also within a synctest bubble.

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
)

// Config is the configuration of SDK clients that call the sandbox in the same process, in the name of client (the
// access key id that fault rules select by). The clients do not retry. S3 clients need UsePathStyle.
//
// Each call runs in a goroutine that ends with the answer, or once the call's context has ended or the answer's body
// is closed.
func (s *Sandbox) Config(client string) aws.Config {
	return aws.Config{
		Region:       Region,
		BaseEndpoint: aws.String("http://sandbox"),
		Credentials:  credentials.NewStaticCredentialsProvider(client, "secret", ""),
		HTTPClient:   &http.Client{Transport: Direct(s)},
		Retryer:      func() aws.Retryer { return aws.NopRetryer{} },
	}
}

// Direct returns a RoundTripper that calls h; requests and answers look as net/http's server would make them, down to
// connections that break (http.ErrAbortHandler, an answer shorter than its Content-Length).
func Direct(h http.Handler) http.RoundTripper { return direct{h} }

type direct struct{ handler http.Handler }

func (d direct) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := r.Context().Err(); err != nil {
		return nil, errors.Join(err, closeBody(r))
	}
	ctx, cancel := context.WithCancel(r.Context())
	pr, pw := io.Pipe()
	a := &answer{header: http.Header{}, pipe: pw, ready: make(chan *http.Response, 1), request: r}
	a.read = &answerBody{PipeReader: pr, cancel: cancel}
	// The client that goes breaks the answer's body too, wherever its handler is; it reads why it went, as from net/http.
	stop := context.AfterFunc(ctx, func() { pw.CloseWithError(context.Cause(ctx)) })
	in := received(r, ctx)
	go func() { // ends when the handler does; ctx tells it that the client has gone
		defer cancel()
		defer stop()
		defer a.end(ctx)
		defer closeBody(r)
		d.handler.ServeHTTP(a, in)
	}()
	select {
	case res := <-a.ready:
		if res == nil {
			return nil, io.ErrUnexpectedEOF
		}
		return res, nil
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
}

// received is the request as a server hands it to its handler.
func received(r *http.Request, ctx context.Context) *http.Request {
	in := r.Clone(ctx)
	in.URL = &url.URL{Path: r.URL.Path, RawPath: r.URL.RawPath, RawQuery: r.URL.RawQuery}
	in.Host = cmp.Or(r.Host, r.URL.Host)
	in.RequestURI = r.URL.RequestURI()
	in.RemoteAddr, in.Proto, in.ProtoMajor, in.ProtoMinor = "127.0.0.1:1", "HTTP/1.1", 1, 1
	if in.Body == nil {
		in.Body = http.NoBody
	} else if r.ContentLength >= 0 {
		in.Header.Set("Content-Length", strconv.FormatInt(r.ContentLength, 10))
	}
	return in
}

func closeBody(r *http.Request) error {
	if r.Body == nil {
		return nil
	}
	return r.Body.Close()
}

// bufferSize is what an answer may hold before it is streamed; smaller ones need no second hand-over.
const bufferSize = 64 << 10

// answer is the handler's ResponseWriter. Only the handler's goroutine uses it.
type answer struct {
	header  http.Header
	status  int  // 0: not yet set
	sent    bool // the header is with the client; what is written goes through the pipe
	short   int64
	buffer  bytes.Buffer
	pipe    *io.PipeWriter
	read    io.ReadCloser // the pipe's other end
	ready   chan *http.Response
	request *http.Request
}

func (a *answer) Header() http.Header { return a.header }

func (a *answer) WriteHeader(status int) {
	if a.status != 0 {
		return
	}
	a.status, a.header, a.short = status, a.header.Clone(), -1
	if a.header.Get("Date") == "" { // as net/http's server does
		a.header.Set("Date", time.Now().UTC().Format(http.TimeFormat))
	}
	if n, err := strconv.ParseInt(a.header.Get("Content-Length"), 10, 64); err == nil {
		a.short = n
	}
}

func (a *answer) Write(b []byte) (int, error) {
	a.WriteHeader(http.StatusOK)
	if a.request.Method == http.MethodHead {
		return len(b), nil
	}
	if a.short >= 0 {
		if int64(len(b)) > a.short {
			return 0, http.ErrContentLength
		}
		a.short -= int64(len(b))
	}
	if !a.sent && a.buffer.Len()+len(b) <= bufferSize {
		return a.buffer.Write(b)
	}
	a.Flush()
	return a.pipe.Write(b)
}

// Flush sends what there is.
func (a *answer) Flush() {
	a.WriteHeader(http.StatusOK)
	if a.sent {
		return
	}
	a.sent = true
	a.send(struct {
		io.Reader
		io.Closer
	}{io.MultiReader(bytes.NewReader(a.buffer.Bytes()), a.read), a.read})
}

func (a *answer) send(body io.ReadCloser) {
	length := int64(-1)
	if n, err := strconv.ParseInt(a.header.Get("Content-Length"), 10, 64); err == nil {
		length = n
	}
	a.ready <- &http.Response{
		StatusCode: a.status, Status: strconv.Itoa(a.status) + " " + http.StatusText(a.status),
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: a.header, Body: body, ContentLength: length, Request: a.request,
	}
}

// end runs when the handler has returned or panicked; ctx has ended where that is because the client has gone.
func (a *answer) end(ctx context.Context) {
	broken := false
	if p := recover(); p != nil {
		if p != http.ErrAbortHandler {
			panic(p)
		}
		broken = true
	}
	if !broken {
		a.WriteHeader(http.StatusOK)
		broken = a.short > 0 && a.request.Method != http.MethodHead
	}
	switch {
	case broken && (a.sent || a.buffer.Len() > 0):
		a.Flush()
		a.pipe.CloseWithError(cmp.Or(context.Cause(ctx), io.ErrUnexpectedEOF))
	case broken:
		a.ready <- nil
	case a.sent:
		a.pipe.Close()
	default:
		if a.header.Get("Content-Length") == "" {
			a.header.Set("Content-Length", strconv.Itoa(a.buffer.Len()))
		}
		a.send(io.NopCloser(bytes.NewReader(a.buffer.Bytes())))
	}
}

// answerBody tells the handler when the client closes the answer's body.
type answerBody struct {
	*io.PipeReader
	cancel context.CancelFunc
}

func (b *answerBody) Close() error {
	b.cancel()
	return b.PipeReader.Close()
}
