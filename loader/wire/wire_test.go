package wire

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"inventoryd/internal/sandbox/pipenet"
)

const (
	signature = "AWS4-HMAC-SHA256 Credential=AK/20261126/eu-west-1/dynamodb/aws4_request, SignedHeaders=host, Signature=00"
	whole     = `{"UnprocessedItems":{}}`
	body      = `{"RequestItems":{}}`
)

var creds = credentials.NewStaticCredentialsProvider("AK", "SK", "the session token")

// serve makes an open wire to a server on a socket, which counts connections and writes.
func serve(t *testing.T, h http.HandlerFunc) (w *Wire, s *httptest.Server, dialed, writes *atomic.Int64) {
	s = httptest.NewServer(h)
	t.Cleanup(s.Close)
	dialed, writes = new(atomic.Int64), new(atomic.Int64)
	w = New(Config{Credentials: creds, Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
		c, err := new(net.Dialer).DialContext(ctx, network, address)
		dialed.Add(1)
		return counted{c, writes}, err
	}})
	t.Cleanup(w.Close)
	w.Learn(parsed(t, s.URL), signature)
	return w, s, dialed, writes
}

type counted struct {
	net.Conn
	writes *atomic.Int64
}

func (c counted) Write(b []byte) (int, error) {
	c.writes.Add(1)
	return c.Conn.Write(b)
}

func parsed(t *testing.T, s string) *url.URL {
	u, err := url.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func call(w *Wire) bool {
	return w.Call(context.Background(), []byte(body), func(answer []byte) bool { return string(answer) == whole })
}

// signed checks the signature as the service does: by signing the same once more.
func signed(r *http.Request, body []byte) error {
	at, err := time.Parse("20060102T150405Z", r.Header.Get("X-Amz-Date"))
	if err != nil {
		return err
	}
	again, _ := http.NewRequest(r.Method, "http://"+r.Host+r.URL.Path, nil)
	for _, name := range []string{"Content-Type", "X-Amz-Target", "X-Amz-Date", "X-Amz-Security-Token"} {
		if v := r.Header.Get(name); v != "" {
			again.Header.Set(name, v)
		}
	}
	c, _ := creds.Retrieve(context.Background())
	if err := v4.NewSigner().SignHTTP(context.Background(), c, again, hexSum(body), "dynamodb", "eu-west-1", at); err != nil {
		return err
	}
	if got, want := r.Header.Get("Authorization"), again.Header.Get("Authorization"); got != want {
		return fmt.Errorf("signed %s, not %s", got, want)
	}
	return nil
}

func hexSum(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

func TestCallsThatSucceedAreSignedAndShareOneConnection(t *testing.T) {
	var problem atomic.Pointer[error]
	w, _, dialed, writes := serve(t, func(rw http.ResponseWriter, r *http.Request) {
		b, err := io.ReadAll(r.Body)
		if err = errors.Join(err, signed(r, b)); err == nil && string(b) != body || r.Header.Get("X-Amz-Target") != "DynamoDB_20120810.BatchWriteItem" {
			err = fmt.Errorf("%s: %s", r.Header, b)
		}
		if err != nil {
			problem.Store(&err)
		}
		rw.Header().Set("X-Amz-Crc32", fmt.Sprint(crc32.ChecksumIEEE([]byte(whole))))
		_, _ = io.WriteString(rw, whole)
	})
	for range 100 {
		if !call(w) {
			t.Fatal("a call failed")
		}
	}
	if p := problem.Load(); p != nil {
		t.Error(*p)
	}
	if dialed.Load() != 1 || writes.Load() != 100 {
		t.Errorf("%d connections, %d writes", dialed.Load(), writes.Load())
	}
}

func TestOnlySuccessIsUnderstood(t *testing.T) {
	raw := func(answer string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			c, _, err := w.(http.Hijacker).Hijack()
			if err == nil {
				_, _ = io.WriteString(c, answer)
				c.Close()
			}
		}
	}
	sized := fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len(whole), whole)
	for name, c := range map[string]struct {
		answer string
		ok     bool
	}{
		"a success":                      {"HTTP/1.1 200 OK\r\n" + sized, true},
		"in chunks":                      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(whole), whole), true},
		"to the end of the connection":   {"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + whole, true},
		"with its checksum":              {fmt.Sprintf("HTTP/1.1 200 OK\r\nx-amz-crc32: %d\r\n", crc32.ChecksumIEEE([]byte(whole))) + sized, true},
		"with another's checksum":        {"HTTP/1.1 200 OK\r\nX-Amz-Crc32: 12\r\n" + sized, false},
		"with a checksum of no number":   {"HTTP/1.1 200 OK\r\nX-Amz-Crc32: x\r\n" + sized, false},
		"with more behind it":            {"HTTP/1.1 200 OK\r\n" + sized + "HTTP/1.1 200 OK\r\n", true}, // and the connection is given up
		"compressed":                     {"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n" + sized, false},
		"half a body":                    {"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n" + whole, false},
		"half a chunk":                   {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n17\r\n{\"Unp", false},
		"half a header":                  {"HTTP/1.1 200 OK\r\nContent-Le", false},
		"nothing":                        {"", false},
		"another status":                 {"HTTP/1.1 400 Bad Request\r\n" + sized, false},
		"no content":                     {"HTTP/1.1 204 No Content\r\n\r\n", false},
		"an empty success":               {"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", false},
		"a page":                         {"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n<html>", false},
		"a redirect":                     {"HTTP/1.1 307 Temporary Redirect\r\nLocation: http://portal.example/\r\n" + sized, false},
		"a proxy's demand":               {"HTTP/1.1 407 Proxy Authentication Required\r\n" + sized, false},
		"no HTTP":                        {"SSH-2.0-OpenSSH_9.2\r\n", false},
		"a header larger than it may be": {"HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", 8<<10) + "\r\n" + sized, false},
		"a body larger than it may be":   {"HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n" + whole, false},
	} {
		t.Run(name, func(t *testing.T) {
			w, s, _, _ := serve(t, raw(c.answer))
			if ok := call(w); ok != c.ok {
				t.Errorf("a success: %t", ok)
			}
			if kept := len(w.idle) > 0; kept && (!c.ok || strings.Contains(name, "behind") || strings.Contains(name, "end of")) {
				t.Error("the connection is kept")
			}
			if open := w.open != nil; open != c.ok {
				t.Errorf("the wire is open: %t", open)
			}
			if w.Learn(parsed(t, s.URL), signature); w.open != nil && !c.ok {
				t.Error("the wire does not rest")
			}
		})
	}
}

func TestAConnectionThatWasClosedWhileIdleIsOpenedAnew(t *testing.T) {
	w, s, dialed, _ := serve(t, func(rw http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		_, _ = io.WriteString(rw, whole)
	})
	if !call(w) {
		t.Fatal("the first call failed")
	}
	s.CloseClientConnections()
	if !call(w) || dialed.Load() != 2 {
		t.Errorf("%d connections", dialed.Load())
	}
	s.Close()
	if call(w) || w.open != nil {
		t.Error("there is nobody, and the wire is open")
	}
}

func TestWhereTheWireGoesTheSDKSays(t *testing.T) {
	for name, c := range map[string]struct {
		url, authorization string
		want               *target
	}{
		"AWS":                  {"https://dynamodb.eu-west-1.amazonaws.com/", signature, &target{"https", "dynamodb.eu-west-1.amazonaws.com", "/", "eu-west-1", "dynamodb"}},
		"no path":              {"http://127.0.0.1:8000", signature, &target{"http", "127.0.0.1:8000", "/", "eu-west-1", "dynamodb"}},
		"below a path":         {"http://h/a%20b", signature, &target{"http", "h", "/a%20b", "eu-west-1", "dynamodb"}},
		"a slash in the key":   {"http://h/", "AWS4-HMAC-SHA256 Credential=A/K/20261126/r/s/aws4_request, x", &target{"http", "h", "/", "r", "s"}},
		"with a query":         {"http://h/?x=1", signature, nil},
		"by way of a proxy":    {"http://proxied/", signature, nil},
		"not signed":           {"http://h/", "", nil},
		"signed by a bearer":   {"http://h/", "Bearer x", nil},
		"of another version":   {"http://h/", "AWS4-ECDSA-P256-SHA256 Credential=AK/20261126/dynamodb/aws4_request, x", nil},
		"not signed to an end": {"http://h/", "AWS4-HMAC-SHA256 Credential=AK/20261126/r/s/aws4", nil},
	} {
		w := New(Config{Credentials: creds, Proxied: func(u *url.URL) bool { return u.Host == "proxied" }})
		w.Learn(parsed(t, c.url), c.authorization)
		if (w.open == nil) != (c.want == nil) || w.open != nil && *w.open != *c.want {
			t.Errorf("%s: %v", name, w.open)
		}
	}
}

// TestByTLS has a certificate of its own authority; another authority's is refused.
func TestByTLS(t *testing.T) {
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		if r.ProtoMajor != 1 || r.TLS.ServerName != "example.com" {
			rw.WriteHeader(http.StatusBadRequest)
		}
		_, _ = io.WriteString(rw, whole)
	}))
	s.EnableHTTP2 = true
	s.StartTLS()
	defer s.Close()
	trusted := s.Client().Transport.(*http.Transport).TLSClientConfig
	for name, cfg := range map[string]*tls.Config{"trusted": trusted, "a stranger's": nil} {
		w := New(Config{Credentials: creds, TLS: cfg, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, s.Listener.Addr().String())
		}})
		w.Learn(parsed(t, "https://example.com/"), signature)
		if ok := call(w); ok != (name == "trusted") {
			t.Errorf("%s: %t", name, ok)
		}
		w.Close()
	}
}

func TestNobodyIsWaitedForLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := pipenet.New()
		server := &http.Server{Handler: http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			<-r.Context().Done()
		})}
		var serving sync.WaitGroup
		serving.Go(func() { _ = server.Serve(n) })
		w := New(Config{Credentials: creds, Dial: n.DialContext})
		w.Learn(parsed(t, "http://sandbox"), signature)
		began := time.Now()
		if call(w) || time.Since(began) != callTimeout || w.open != nil {
			t.Errorf("after %v", time.Since(began))
		}
		time.Sleep(rest)
		w.Learn(parsed(t, "http://sandbox"), signature)
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		began = time.Now()
		if w.Call(ctx, []byte(body), func([]byte) bool { return true }) || time.Since(began) != time.Second {
			t.Errorf("after %v", time.Since(began))
		}
		if w.open == nil {
			t.Error("who gives up closes the wire to all")
		}
		n.End()
		if err := server.Close(); err != nil {
			t.Error(err)
		}
		serving.Wait()
	})
}

func TestConnectionsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := pipenet.New()
		server := &http.Server{Handler: http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			_, _ = io.WriteString(rw, whole)
		})}
		var open atomic.Int64
		server.ConnState = func(_ net.Conn, s http.ConnState) {
			open.Add(map[http.ConnState]int64{http.StateNew: 1, http.StateClosed: -1}[s])
		}
		var serving sync.WaitGroup
		serving.Go(func() { _ = server.Serve(n) })
		w := New(Config{Credentials: creds, Dial: n.DialContext})
		w.Learn(parsed(t, "http://sandbox"), signature)
		for range 3 {
			if !call(w) {
				t.Error("a call failed")
			}
			time.Sleep(idleTimeout / 2)
		}
		if open.Load() != 1 {
			t.Errorf("%d are open", open.Load())
		}
		time.Sleep(2 * idleTimeout)
		synctest.Wait()
		if open.Load() != 0 {
			t.Errorf("%d are open, idle for long", open.Load())
		}
		for began := time.Now(); time.Since(began) < longest+time.Second; time.Sleep(time.Second) {
			if !call(w) {
				t.Error("a call failed")
			}
		}
		w.Learn(parsed(t, "http://elsewhere"), signature)
		synctest.Wait()
		if open.Load() != 0 {
			t.Errorf("%d are open to where nothing goes any more", open.Load())
		}
		call(w)
		w.Close()
		n.End()
		if err := server.Close(); err != nil {
			t.Error(err)
		}
		serving.Wait()
	})
}

// TestOneCallShowsTheWay has many lanes begin at once: one asks the SDK, and the others wait for what it learns.
func TestOneCallShowsTheWay(t *testing.T) {
	for name, end := range map[string]func(*Wire){
		"learned":   func(w *Wire) { w.Learn(parsed(t, "http://sandbox"), signature) },
		"failed":    func(w *Wire) { w.Doubt() },
		"no way":    func(w *Wire) { w.Learn(parsed(t, "http://sandbox"), "") },
		"no answer": func(*Wire) { time.Sleep(callTimeout) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				refused := errors.New("there is nobody")
				var dialed atomic.Int64
				w := New(Config{Credentials: creds, Dial: func(context.Context, string, string) (net.Conn, error) {
					dialed.Add(1)
					return nil, refused
				}})
				if call(w) {
					t.Fatal("the wire is open")
				}
				var waiting sync.WaitGroup
				var ended atomic.Int64
				for range 10 {
					waiting.Go(func() { call(w); ended.Add(1) })
				}
				synctest.Wait()
				if ended.Load() > 0 {
					t.Errorf("%d do not wait", ended.Load())
				}
				began := time.Now()
				end(w)
				waiting.Wait()
				if took := time.Since(began); took > callTimeout || dialed.Load() > 0 != (name == "learned") {
					t.Errorf("%d connections after %v", dialed.Load(), took)
				}
			})
		})
	}
}

func TestWithoutCredentialsTheSDKSaysSo(t *testing.T) {
	w, _, _, _ := serve(t, func(http.ResponseWriter, *http.Request) { t.Error("a call without credentials") })
	w.cfg.Credentials = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{}, errors.New("expired")
	})
	if call(w) {
		t.Error("a call without credentials")
	}
}
