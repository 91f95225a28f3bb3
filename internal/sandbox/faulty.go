package sandbox

// What scripted faults do to a request, whatever the service.

import (
	"bytes"
	"io"
	"maps"
	"net/http"
	"strconv"
	"strings"

	"inventoryd/internal/sandbox/fault"
	"inventoryd/internal/sandbox/wire"
)

// ServeHTTP answers one request, as the faults in force let it.
func (s *Sandbox) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c, err := identify(r)
	if err != nil { // the request's body broke
		panic(http.ErrAbortHandler)
	}
	w.Header().Set("Date", s.Clock.Now().UTC().Format(http.TimeFormat))
	if err := s.admit(c); err != nil {
		drain(r)
		s.fail(w, c, err)
		return
	}
	e, ok := s.faults.Take(c.Call)
	if !ok {
		s.serve(w, c, 0)
		return
	}
	s.before(c, e)
	switch {
	case e.Error != nil:
		drain(r)
		s.fail(w, c, &wire.Error{Status: e.Error.Status, Code: e.Error.Code, Message: e.Error.Message})
	case e.Drop:
		s.serve(newRecorder(), c, e.Unprocessed)
		panic(http.ErrAbortHandler)
	case e.Half || e.Stall:
		rec := newRecorder()
		s.serve(rec, c, e.Unprocessed)
		rec.half(w)
		if e.Stall {
			<-r.Context().Done()
		}
		panic(http.ErrAbortHandler)
	default:
		s.serve(w, c, e.Unprocessed)
	}
}

// admit refuses calls that are not signed, not permitted, or signed for a time that is over.
func (s *Sandbox) admit(c call) error {
	if c.Client == "" {
		return unsigned(c)
	}
	if c.Service == "s3" && strings.Contains(c.Request.URL.RawQuery, "X-Amz-Expires=") {
		if err := expired(c.Request.URL.Query(), s.Clock.Now()); err != nil {
			return err
		}
	}
	return s.permit(c)
}

// before applies what happens ahead of the call's effect; it does not return where the connection breaks.
func (s *Sandbox) before(c call, e fault.Effect) {
	ctx := c.Request.Context()
	if e.Do != nil {
		e.Do()
	}
	if e.Delay > 0 || e.Hang || e.Reset {
		c.Request.Body = readAhead(c.Request) // net/http notices that a client has gone only behind the body
	}
	if e.Delay > 0 && s.Clock.Wait(ctx, s.Clock.Now().Add(e.Delay), nil) != nil {
		panic(http.ErrAbortHandler)
	}
	if e.Hang {
		<-ctx.Done()
	}
	if e.Hang || e.Reset {
		panic(http.ErrAbortHandler)
	}
}

// readAhead reads the rest of the body and returns it to be read again.
func readAhead(r *http.Request) io.ReadCloser {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	return io.NopCloser(bytes.NewReader(body))
}

// unsigned is the refusal of a request without a signature; that the signature is right nobody checks ("Error handling with
// DynamoDB", "Common Error Types").
func unsigned(c call) error {
	const message = "Request must contain a valid (registered) AWS Access Key ID."
	switch c.Service {
	case "s3":
		return &wire.Error{Status: http.StatusForbidden, Code: "AccessDenied", Message: "Access Denied"}
	case "dynamodb", "streams":
		return wire.Errorf("MissingAuthenticationTokenException", message)
	}
	return &wire.Error{Status: http.StatusForbidden, Code: "MissingAuthenticationToken", Message: message}
}

func drain(r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) } // a broken body shows when answering

// recorder takes an answer that is not to arrive whole.
type recorder struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func newRecorder() *recorder { return &recorder{header: http.Header{}, status: http.StatusOK} }

func (r *recorder) Header() http.Header         { return r.header }
func (r *recorder) WriteHeader(status int)      { r.status = status }
func (r *recorder) Write(b []byte) (int, error) { return r.body.Write(b) }

// half sends the header of the whole answer and half of its body.
func (r *recorder) half(w http.ResponseWriter) {
	maps.Copy(w.Header(), r.header)
	w.Header().Set("Content-Length", strconv.Itoa(r.body.Len()))
	w.WriteHeader(r.status)
	_, _ = w.Write(r.body.Bytes()[:r.body.Len()/2]) // the connection breaks anyway
	_ = http.NewResponseController(w).Flush()
}
