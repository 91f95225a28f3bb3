package loader_test

// The fast path in the tests' world: net/http's server over pipes before whatever answers the SDK's clients. TEST_FAST_PATH=false
// runs all tests without it.

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"inventoryd/internal/sandbox/fault"
	"inventoryd/internal/sandbox/pipenet"
	"inventoryd/loader/wire"
)

// wired is a wire to what answers behind, or none.
func (w *world) wired(behind http.RoundTripper, creds aws.CredentialsProvider) *wire.Wire {
	if w.slow || os.Getenv("TEST_FAST_PATH") == "false" {
		return nil
	}
	network := pipenet.New()
	server := &http.Server{Handler: passedOn{behind}}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = server.Serve(network)
	}()
	w.Cleanup(func() {
		network.End()
		_ = server.Close()
		<-ended
	})
	return wire.New(wire.Config{Credentials: creds, Dial: func(ctx context.Context, kind, address string) (net.Conn, error) {
		c, err := network.DialContext(ctx, kind, address)
		if err != nil {
			return nil, err
		}
		return w.lines.open(c), nil
	}})
}

// passedOn is the server: it asks a transport, and breaks the connection where that does.
type passedOn struct{ to http.RoundTripper }

func (p passedOn) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	in := r.Clone(r.Context())
	in.URL, in.RequestURI, in.Body = &url.URL{Scheme: "http", Host: r.Host, Path: r.URL.Path}, "", io.NopCloser(bytes.NewReader(body))
	answer, err := p.to.RoundTrip(in)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	defer answer.Body.Close()
	for name, values := range answer.Header {
		w.Header()[name] = values
	}
	w.WriteHeader(answer.StatusCode)
	if _, err := io.Copy(w, answer.Body); err != nil {
		panic(http.ErrAbortHandler)
	}
}

// lines counts connections.
type lines struct {
	mu               sync.Mutex // guards what follows
	now, most, total int
}

func (l *lines) open(c net.Conn) net.Conn {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.now++
	l.total++
	l.most = max(l.most, l.now)
	return &line{Conn: c, of: l}
}

func (l *lines) counts() (now, most, total int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.now, l.most, l.total
}

type line struct {
	net.Conn
	of   *lines
	once sync.Once
}

func (l *line) Close() error {
	l.once.Do(func() {
		l.of.mu.Lock()
		defer l.of.mu.Unlock()
		l.of.now--
	})
	return l.Conn.Close()
}

func TestTheFastPathHasOneConnectionForEachLane(t *testing.T) {
	if os.Getenv("TEST_FAST_PATH") == "false" {
		t.Skip("TEST_FAST_PATH=false: there is no fast path")
	}
	inWorld(t, func(w *world) {
		w.config.Lanes = 8
		w.Fault(fault.Rule{Service: "dynamodb", Operation: "BatchWriteItem", Effect: fault.Effect{Delay: 50 * time.Millisecond}})
		i := w.start("a")
		feed, want := feedOf(20_000, "Berlin", "Osaka", "Quito")
		w.put("feed.csv", feed)
		w.quiet(time.Hour)
		w.exact(want)
		i.balanced()
		now, most, total := w.lines.counts()
		if most > 8+2 || total > 8+2 || total == 0 {
			t.Errorf("%d connections, %d at once", total, most)
		}
		if now == 0 {
			t.Error("connections are closed before they were idle for long")
		}
		time.Sleep(time.Minute)
		if now, _, _ = w.lines.counts(); now != 0 {
			t.Errorf("%d connections are open, idle for a minute", now)
		}
		w.put("feed.csv", feed+"Lima,one more,1\n")
		w.quiet(time.Hour)
		i.stop()
		if now, _, again := w.lines.counts(); now != 0 || again == total {
			t.Errorf("%d connections are open behind the end, %d were opened in all, %d before", now, again, total)
		}
	})
}
