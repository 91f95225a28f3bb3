package web

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/crypto/bcrypt"

	"inventoryd/internal/config"
	"inventoryd/internal/health"
)

const password = "correct horse"

// hashOf is the hash of password; a low cost keeps tests fast.
func hashOf(cost int) string {
	b, err := bcrypt.GenerateFromPassword([]byte(password), cost)
	if err != nil {
		panic(err)
	}
	return string(b)
}

var (
	hash = hashOf(10) // the least cost that is accepted
	weak = hashOf(bcrypt.MinCost)
)

func newServer(t *testing.T, change func(*Config, *Parts)) *Server {
	t.Helper()
	c := DefaultConfig()
	p := Parts{
		Health:  health.New(),
		Metrics: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "metrics\n") }),
		Status:  func() any { return map[string]string{"app": "inventoryd"} },
	}
	if change != nil {
		change(&c, &p)
	}
	s, err := New(c, p)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func ask(s *Server, path string, change func(*http.Request)) *httptest.ResponseRecorder {
	r := httptest.NewRequest("GET", path, nil)
	r.Host = "localhost:9820"
	if change != nil {
		change(r)
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w
}

func TestEachPathAnswers(t *testing.T) {
	s := newServer(t, nil)
	for path, want := range map[string]struct {
		code int
		body string
	}{
		"/livez":        {200, "ok\n"},
		"/readyz":       {200, "ok\n"},
		"/metrics":      {200, "metrics\n"},
		"/status":       {200, "{\n  \"app\": \"inventoryd\"\n}\n"},
		"/":             {200, "<!doctype html>"},
		"/nowhere":      {404, "404 page not found\n"},
		"/debug/pprof/": {404, "404 page not found\n"},
		"/../x":         {307, ""},
		"/readyz/x":     {404, ""},
	} {
		w := ask(s, path, nil)
		if w.Code != want.code || !strings.HasPrefix(w.Body.String(), want.body) {
			t.Errorf("%s: %d %q", path, w.Code, w.Body)
		}
		for _, name := range []string{"Content-Security-Policy", "X-Content-Type-Options", "X-Frame-Options", "Referrer-Policy", "Cache-Control"} {
			if w.Header().Get(name) == "" {
				t.Errorf("%s has no %s", path, name)
			}
		}
	}
	w := ask(s, "/status", func(r *http.Request) { r.Method = http.MethodPost })
	if w.Code != http.StatusMethodNotAllowed {
		t.Error("nothing can be posted:", w.Code)
	}
}

func TestProbesTellWhatIsWrong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := health.New()
		h.Loop("receive")
		h.Part("loader <b>", func() error { return errors.New("SQS: access denied") })
		s := newServer(t, func(_ *Config, p *Parts) { p.Health = h })
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { defer close(ended); h.Watch(ctx) }()
		time.Sleep(health.Stuck)
		cancel()
		<-ended
		if w := ask(s, "/livez", nil); w.Code != 503 || w.Body.String() != "stuck: receive: no tick for 1m30s\n" {
			t.Error(w.Code, w.Body)
		}
		if w := ask(s, "/readyz", nil); w.Code != 503 || w.Body.String() != "loader <b>: not ready (SQS: access denied) since 2000-01-01T00:00:00Z\n" {
			t.Error(w.Code, w.Body)
		}
		w := ask(s, "/", nil)
		for _, want := range []string{"Not ready", "a loop is stuck", "loader &lt;b&gt;", "access denied", "no tick for 1m30s"} {
			if !strings.Contains(w.Body.String(), want) {
				t.Errorf("the page lacks %q:\n%s", want, w.Body)
			}
		}
	})
}

func TestOnlyTheRightCredentialPasses(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*http.Request)
		code   int
	}{
		"none":           {nil, 401},
		"wrong password": {func(r *http.Request) { r.SetBasicAuth("op", "wrong") }, 401},
		"wrong user":     {func(r *http.Request) { r.SetBasicAuth("root", password) }, 401},
		"empty":          {func(r *http.Request) { r.SetBasicAuth("", "") }, 401},
		"bearer":         {func(r *http.Request) { r.Header.Set("Authorization", "Bearer x") }, 401},
		"beyond bcrypt":  {func(r *http.Request) { r.SetBasicAuth("op", password+strings.Repeat("x", 100)) }, 401},
		"shifted colon":  {func(r *http.Request) { r.SetBasicAuth("op:correct", "horse") }, 401},
		"right":          {func(r *http.Request) { r.SetBasicAuth("op", password) }, 200},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { // for the pauses between guesses
				s := newServer(t, func(c *Config, _ *Parts) { c.Auth = Auth{User: "op", Hash: config.Secret(weak)} })
				for _, path := range []string{"/livez", "/readyz", "/metrics", "/status", "/"} {
					w := ask(s, path, c.change)
					if isProbe(path) && c.change == nil {
						if w.Code != 200 || w.Body.String() != "ok\n" {
							t.Errorf("%s needs no credentials: %d %s", path, w.Code, w.Body)
						}
						continue
					}
					if w.Code != c.code {
						t.Errorf("%s: %d", path, w.Code)
					}
					if w.Code == 401 && !strings.HasPrefix(w.Header().Get("WWW-Authenticate"), "Basic ") {
						t.Error("401 must say what is wanted")
					}
					if strings.Contains(w.Body.String(), weak) || strings.Contains(w.Body.String(), password) {
						t.Errorf("%s tells a secret", path)
					}
				}
				time.Sleep(guessPause)
			})
		})
	}
}

func TestGuessesWaitAndAVerifiedCredentialDoesNot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t, func(c *Config, _ *Parts) { c.Auth = Auth{User: "op", Hash: config.Secret(weak)} })
		as := func(password string) (code int, took time.Duration) {
			begin := time.Now()
			w := ask(s, "/livez", func(r *http.Request) { r.SetBasicAuth("op", password) })
			return w.Code, time.Since(begin)
		}
		expect := func(password string, code int, took time.Duration) {
			t.Helper()
			if c, d := as(password); c != code || d != took {
				t.Errorf("%q: %d after %s, want %d after %s", password, c, d, code, took)
			}
		}
		expect(password, 200, 0)
		expect("first guess", 401, 0)
		expect(password, 200, 0)
		expect("second guess", 401, guessPause)
		var flood sync.WaitGroup
		var turnedAway atomic.Int32
		for i := range 20 {
			flood.Go(func() {
				if code, _ := as("guess " + strconv.Itoa(i)); code == http.StatusServiceUnavailable {
					turnedAway.Add(1)
				}
			})
		}
		synctest.Wait()
		expect(password, 200, 0)
		flood.Wait()
		if n := turnedAway.Load(); n < 15 {
			t.Errorf("only %d of 20 guesses at once were turned away", n)
		}
		time.Sleep(guessPause)
	})
}

func TestTheHashCanComeFromAFile(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("CREDENTIALS_DIRECTORY", dir)
	if err := os.WriteFile(filepath.Join(dir, "hash"), []byte(hash+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := newServer(t, func(c *Config, _ *Parts) { c.Auth = Auth{User: "op", HashFile: "hash"} })
	if w := ask(s, "/", func(r *http.Request) { r.SetBasicAuth("op", password) }); w.Code != 200 {
		t.Error(w.Code)
	}
	for file, want := range map[string]string{
		"absent":                     "auth.hash_file: open " + dir + "/absent: no such file or directory",
		filepath.Join(dir, "secret"): "auth.hash_file: what " + dir + "/secret holds is no bcrypt hash of a cost from 10 to 15",
	} {
		if err := os.WriteFile(filepath.Join(dir, "secret"), []byte("hunter2"), 0o600); err != nil {
			t.Fatal(err)
		}
		c := DefaultConfig()
		c.Auth = Auth{User: "op", HashFile: file}
		if _, err := New(c, Parts{}); err == nil || !strings.HasPrefix(err.Error(), want) || strings.Contains(err.Error(), "hunter2") {
			t.Error(err)
		}
	}
}

func TestSettingsThatCannotWorkAreNamed(t *testing.T) {
	for _, c := range []struct {
		config Config
		want   string // empty: valid
	}{
		{Config{Listen: "127.0.0.1:9820"}, ""},
		{Config{Listen: "[::1]:0"}, ""},
		{Config{Listen: "localhost:9820"}, ""},
		{Config{Listen: "unix:/run/inventoryd/http.sock"}, ""},
		{Config{Listen: "off"}, ""},
		{Config{Listen: ":9820", Insecure: true}, ""},
		{Config{Listen: "0.0.0.0:9820", Auth: Auth{User: "op", Hash: config.Secret(hash)}}, ""},
		{Config{Listen: "0.0.0.0:9820", Auth: Auth{User: "op", HashFile: "hash"}}, ""},
		{Config{Listen: ":9820"}, `listen: ":9820" can be reached from other machines: set auth.user and auth.hash, or insecure: true`},
		{Config{Listen: "10.0.0.1:9820"}, `listen: "10.0.0.1:9820" can be reached from other machines: set auth.user and auth.hash, or insecure: true`},
		{Config{Listen: "my.host:9820"}, `listen: "my.host:9820" can be reached from other machines: set auth.user and auth.hash, or insecure: true`},
		{Config{Listen: "[::]:9820"}, `listen: "[::]:9820" can be reached from other machines: set auth.user and auth.hash, or insecure: true`},
		{Config{Listen: "9820"}, `listen: "9820" is not host:port, unix:/path or off`},
		{Config{Listen: "127.0.0.1:"}, `listen: "127.0.0.1:" has no port from 0 to 65535`},
		{Config{Listen: "127.0.0.1:98200"}, `listen: "127.0.0.1:98200" has no port from 0 to 65535`},
		{Config{Listen: "127.0.0.1:-1"}, `listen: "127.0.0.1:-1" has no port from 0 to 65535`},
		{Config{Listen: "unix:"}, "listen: the path of a Unix socket must have 1 to 107 bytes"},
		{Config{Listen: "unix:/" + strings.Repeat("x", 107)}, "listen: the path of a Unix socket must have 1 to 107 bytes"},
		{Config{Listen: "off", Auth: Auth{Hash: config.Secret(hash)}}, "auth.user: a password is given, but no user"},
		{Config{Listen: "off", Auth: Auth{User: "op"}}, "auth.hash: a user is given, but no password: set auth.hash or auth.hash_file"},
		{Config{Listen: "off", Auth: Auth{User: "op", Hash: config.Secret(hash), HashFile: "x"}}, "auth.hash_file: auth.hash is given too: one of them must go"},
		{Config{Listen: "off", Auth: Auth{User: "o:p", Hash: config.Secret(hash)}}, "auth.user: must not contain a colon or a line break"},
		{Config{Listen: "off", Auth: Auth{User: "op", Hash: "hunter2"}}, "auth.hash: " + errHash.Error()},
		{Config{Listen: "off", Auth: Auth{User: "op", Hash: config.Secret(weak)}}, "auth.hash: " + errHash.Error()},
	} {
		got := ""
		c.config.PageReadUnits = DefaultConfig().PageReadUnits
		if err := c.config.Validate(); err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("%+v: %q, want %q", c.config, got, c.want)
		}
	}
}

// pipes is a network in memory, for virtual time.
type pipes struct {
	conns  chan net.Conn
	closed chan struct{}
}

func (p pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}
func (p pipes) Close() error   { close(p.closed); return nil }
func (p pipes) Addr() net.Addr { return &net.TCPAddr{} }
func (p pipes) dial() net.Conn {
	client, server := net.Pipe()
	p.conns <- server
	return client
}

// serve runs s in the bubble; stop ends it.
func serve(t *testing.T, s *Server) (p pipes, stop func() error) {
	p = pipes{make(chan net.Conn), make(chan struct{})}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx, p) }()
	return p, func() error { cancel(); return <-ended }
}

func TestASlowClientIsCutOff(t *testing.T) {
	for name, c := range map[string]struct {
		send string
		rest bool // dribble more, a byte a second
		in   time.Duration
	}{
		"says nothing":              {"", false, headerTimeout},
		"never ends its headers":    {"GET /livez HTTP/1.1\r\nHost: localhost\r\nX: ", true, headerTimeout},
		"keeps an idle connection":  {"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n", false, idleTimeout},
		"never ends its body":       {"POST /x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n", true, readTimeout},
		"does not read the answers": {strings.Repeat("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", 3), false, writeTimeout},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p, stop := serve(t, newServer(t, nil))
				begin := time.Now()
				conn := p.dial()
				sent := make(chan struct{})
				go func() { // ends when the connection does
					defer close(sent)
					if _, err := io.WriteString(conn, c.send); err != nil {
						return
					}
					for c.rest {
						if _, err := conn.Write([]byte("a")); err != nil {
							return
						}
						time.Sleep(time.Second)
					}
				}()
				if name == "does not read the answers" {
					time.Sleep(writeTimeout + time.Second)
				}
				if _, err := io.Copy(io.Discard, conn); err != nil && !errors.Is(err, io.ErrClosedPipe) {
					t.Error(err)
				}
				if took := time.Since(begin); took < c.in || took > c.in+2*time.Second {
					t.Errorf("cut off after %s", took)
				}
				conn.Close()
				<-sent
				if err := stop(); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

func TestAMegabyteOfHeadersIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, stop := serve(t, newServer(t, nil))
		conn := p.dial()
		sent := make(chan struct{})
		go func() {
			defer close(sent)
			io.WriteString(conn, "GET /livez HTTP/1.1\r\nHost: localhost\r\nX-Large: "+strings.Repeat("x", 1<<20)+"\r\n\r\n")
		}()
		res, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil || res.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
			t.Error(res, err)
		}
		conn.Close()
		<-sent
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

func TestAnswersInFlightAreFinishedAtTheStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t, nil)
		s.Handle("GET /slow", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			time.Sleep(2 * time.Second)
			io.WriteString(w, "done")
		}))
		p, stop := serve(t, s)
		conn := p.dial()
		io.WriteString(conn, "GET /slow HTTP/1.1\r\nHost: localhost\r\n\r\n")
		body := make(chan string)
		go func() {
			res, err := http.ReadResponse(bufio.NewReader(conn), nil)
			if err != nil {
				body <- err.Error()
				return
			}
			b, _ := io.ReadAll(res.Body)
			body <- string(b)
		}()
		synctest.Wait()
		begin := time.Now()
		ended := make(chan error, 1)
		go func() { ended <- stop() }()
		if got := <-body; got != "done" {
			t.Error(got)
		}
		conn.Close()
		if err := <-ended; err != nil || time.Since(begin) > stopTimeout {
			t.Error(err, time.Since(begin))
		}
	})
}

func TestTheUnixSocketIsForItsGroupAndReplacesAStaleOne(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	c := Config{Listen: "unix:" + path}
	l, err := Listen(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o660 {
		t.Error(info, err)
	}
	if _, err := Listen(t.Context(), c); err == nil || !strings.Contains(err.Error(), "another process listens on "+path) {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- newServer(t, nil).Run(ctx, l) }()
	client := http.Client{Transport: &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) { return net.Dial("unix", path) }}}
	res, err := client.Get("http://localhost/livez")
	if err != nil || res.StatusCode != 200 {
		t.Error(res, err)
	}
	res.Body.Close()
	client.CloseIdleConnections()
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	stale, err := net.ListenUnix("unix", &net.UnixAddr{Name: path})
	if err != nil {
		t.Fatal(err)
	}
	stale.SetUnlinkOnClose(false)
	stale.Close()
	if l, err = Listen(t.Context(), c); err != nil {
		t.Fatal("a killed daemon's socket is replaced:", err)
	}
	l.Close()
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Listen(t.Context(), c); err == nil || !strings.Contains(err.Error(), "exists and is no socket") {
		t.Error(err)
	}
}

func TestListenOnTCP(t *testing.T) {
	if l, err := Listen(t.Context(), Config{Listen: Off}); l != nil || err != nil {
		t.Error(l, err)
	}
	l, err := Listen(t.Context(), Config{Listen: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if _, err := Listen(t.Context(), Config{Listen: l.Addr().String()}); err == nil || !strings.HasPrefix(err.Error(), "http.listen: listen tcp") {
		t.Error(err)
	}
}
