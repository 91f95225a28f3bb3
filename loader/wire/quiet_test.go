package wire

// What comes unasked, with an answer or after it, is never read as the answer to the next call.

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// gathered keeps what is written while it holds: so two records of TLS arrive together.
type gathered struct {
	net.Conn
	holds bool
	kept  []byte
}

func (g *gathered) Write(b []byte) (int, error) {
	g.kept = append(g.kept, b...)
	if g.holds {
		return len(b), nil
	}
	_, err := g.Conn.Write(g.kept)
	g.kept = nil
	return len(b), err
}

// twice answers the first call over a connection, and then, once later is closed, as if there had been another; at once
// where later is nil.
func twice(c net.Conn, secret *tls.Config, later <-chan struct{}) {
	g := &gathered{Conn: c}
	var to net.Conn = g
	if secret != nil {
		to = tls.Server(g, secret)
	}
	defer to.Close()
	in := bufio.NewReader(to)
	for first := true; ; first = false {
		r, err := http.ReadRequest(in)
		if err != nil {
			return
		}
		_, _ = io.Copy(io.Discard, r.Body)
		g.holds = first && later == nil
		answer := fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(whole), whole)
		_, _ = io.WriteString(to, answer)
		if first {
			if later != nil {
				<-later
			}
			g.holds = false
			_, _ = io.WriteString(to, answer)
		}
	}
}

func TestWhatComesUnaskedIsNoAnswer(t *testing.T) {
	certified := httptest.NewTLSServer(nil)
	defer certified.Close()
	for _, scheme := range []string{"http", "https"} {
		for _, when := range []string{"with the answer", "after it"} {
			t.Run(scheme+", "+when, func(t *testing.T) {
				l, err := net.Listen("tcp", "127.0.0.1:0")
				if err != nil {
					t.Fatal(err)
				}
				defer l.Close()
				var secret *tls.Config
				if scheme == "https" {
					secret = certified.TLS
				}
				var later chan struct{}
				if when == "after it" {
					later = make(chan struct{})
				}
				var serving sync.WaitGroup
				defer serving.Wait()
				var dialed atomic.Int64
				w := New(Config{
					Credentials: creds, TLS: certified.Client().Transport.(*http.Transport).TLSClientConfig,
					Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
						dialed.Add(1)
						c, err := new(net.Dialer).DialContext(ctx, network, l.Addr().String())
						if err == nil {
							var served net.Conn
							if served, err = l.Accept(); err == nil {
								serving.Go(func() { twice(served, secret, later) })
							}
						}
						return c, err
					},
				})
				defer w.Close()
				w.Learn(parsed(t, scheme+"://example.com/"), signature)
				if !call(w) {
					t.Fatal("the first call failed")
				}
				if later != nil {
					close(later)
					for began := time.Now(); nothingArrived(w.idle[0].socket); time.Sleep(time.Millisecond) {
						if time.Since(began) > 30*time.Second {
							t.Fatal("nothing comes")
						}
					}
				}
				if !call(w) || dialed.Load() != 2 {
					t.Errorf("%d connections", dialed.Load())
				}
			})
		}
	}
}
