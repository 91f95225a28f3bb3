package transport_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"inventoryd/internal/transport"
)

// The plain transport is not asserted to lose connections: it is the SDK's to mend.
func TestAllCallsShareOneConnection(t *testing.T) {
	var connections atomic.Int32
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		_, _ = w.Write([]byte("{}"))
	}))
	server.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			connections.Add(1)
		}
	}
	server.Start()
	defer server.Close()
	base := &http.Transport{}
	client := dynamodb.NewFromConfig(aws.Config{
		Region: "us-east-1", BaseEndpoint: &server.URL,
		Credentials: credentials.NewStaticCredentialsProvider("AK", "SK", ""),
		HTTPClient:  &http.Client{Transport: transport.PlainBody(base)},
		Retryer:     func() aws.Retryer { return aws.NopRetryer{} },
	}, func(o *dynamodb.Options) { o.DisableValidateResponseChecksum = true })
	for range 500 {
		if _, err := client.ListTables(context.Background(), &dynamodb.ListTablesInput{}); err != nil {
			t.Fatal(err)
		}
	}
	// net/http gives a connection up whose writing goroutine has not said within 50 ms of the answer that it is done, which
	// happens on a machine that is busy; the fault that is looked for here takes ten and more.
	if n := connections.Load(); n > 4 {
		t.Errorf("500 calls took %d connections", n)
	}
}

// writes notes the writes of connections: by which, how long, and how each began.
type writes struct {
	net.Conn
	mu   *sync.Mutex // guards what is noted
	said *[]string
}

func (w writes) Write(b []byte) (int, error) {
	w.mu.Lock()
	*w.said = append(*w.said, fmt.Sprintf("by %s %d bytes: %.60q", w.LocalAddr(), len(b), b)) // before the answer can come
	w.mu.Unlock()
	return w.Conn.Write(b)
}

func TestACallIsOneWrite(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.WriteHeader(http.StatusServiceUnavailable) // each service's calls end at once
	}))
	defer server.Close()
	var mu sync.Mutex
	var said []string
	base := &http.Transport{WriteBufferSize: transport.WriteBuffer, DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
		c, err := new(net.Dialer).DialContext(ctx, network, server.Listener.Addr().String())
		return writes{c, &mu, &said}, err
	}}
	defer base.CloseIdleConnections()
	for what, call := range calls(base, "http://service.example") {
		mu.Lock()
		said = nil
		mu.Unlock()
		err := call()
		mu.Lock()
		if len(said) != 1 {
			t.Errorf("%s: %d writes, then %v\n%s", what, len(said), err, strings.Join(said, "\n"))
		}
		mu.Unlock()
	}
}

func TestABodyInMemoryIsSentAgainByAnotherConnection(t *testing.T) {
	spy := &bodySpy{}
	r, _ := http.NewRequest(http.MethodPost, "http://sandbox/", struct{ io.Reader }{strings.NewReader("body")})
	r.ContentLength = 4
	if _, err := transport.PlainBody(spy).RoundTrip(r); err != nil {
		t.Fatal(err)
	}
	again, err := spy.r.GetBody()
	if err != nil {
		t.Fatal(err)
	}
	for _, body := range []io.Reader{spy.body, again} {
		if text, err := io.ReadAll(body); string(text) != "body" || err != nil {
			t.Errorf("got %q, %v", text, err)
		}
	}
}

func TestABodyThatIsShorterThanItSaysIsNotSent(t *testing.T) {
	spy := &bodySpy{}
	r, _ := http.NewRequest(http.MethodPost, "http://sandbox/", struct{ io.Reader }{strings.NewReader("body")})
	r.ContentLength = 5
	if _, err := transport.PlainBody(spy).RoundTrip(r); !errors.Is(err, io.ErrUnexpectedEOF) || spy.r != nil {
		t.Errorf("sent %v: %v", spy.r, err)
	}
}

type bodySpy struct {
	r    *http.Request
	body io.ReadCloser
}

func (s *bodySpy) RoundTrip(r *http.Request) (*http.Response, error) {
	s.r, s.body = r, r.Body
	return &http.Response{StatusCode: 200, Body: http.NoBody}, nil
}

type writerTo struct{ io.ReadCloser }

func (writerTo) WriteTo(io.Writer) (int64, error) { return 0, io.EOF }

func TestBodyIsNoWriterTo(t *testing.T) {
	spy := &bodySpy{}
	original := writerTo{http.NoBody}
	r, _ := http.NewRequest(http.MethodPut, "http://sandbox/", original)
	if _, err := transport.PlainBody(spy).RoundTrip(r); err != nil {
		t.Fatal(err)
	}
	if _, ok := spy.body.(io.WriterTo); ok || spy.body == nil {
		t.Errorf("the base transport got %T", spy.body)
	}
	if r.Body != original {
		t.Error("the request itself was changed")
	}
}
