package web

// Who may ask, by which name, and who is answered when many hold on to the server.

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	sdk "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"inventoryd/internal/config"
	"inventoryd/internal/health"
)

func TestOnlyTheServersOwnNamesAreTakenAsHost(t *testing.T) {
	on := func(listen string, names ...string) func(*Config, *Parts) {
		return func(c *Config, _ *Parts) { c.Listen, c.Hosts, c.Insecure = listen, names, true }
	}
	const foreign = http.StatusMisdirectedRequest
	for _, c := range []struct {
		server     func(*Config, *Parts)
		host, path string
		code       int
	}{
		{on("127.0.0.1:9820"), "localhost:9820", "/status", 200},
		{on("127.0.0.1:9820"), "LOCALHOST.", "/status", 200},
		{on("127.0.0.1:9820"), "127.0.0.1", "/status", 200},
		{on("127.0.0.1:9820"), "127.9.9.9:1", "/status", 200},
		{on("[::1]:9820"), "[::1]:9820", "/status", 200},
		{on("[::1]:9820"), "[::1]", "/status", 200},
		{on("127.0.0.1:9820"), "", "/status", 200},
		{on("127.0.0.1:9820"), "evil.example", "/status", foreign},
		{on("127.0.0.1:9820"), "evil.example:9820", "/livez", foreign},
		{on("localhost:9820"), "localhost.evil.example", "/", foreign},
		{on("127.0.0.1:9820"), "127.0.0.1.evil.example", "/", foreign},
		{on("127.0.0.1:9820"), "10.1.2.3", "/metrics", foreign},
		{on("127.0.0.1:9820"), "localhost, evil.example", "/", foreign},
		{on("127.0.0.1:9820", "Stock.Example"), "stock.example:443", "/status", 200},
		{on("127.0.0.1:9820", "stock.example"), "other.example", "/status", foreign},
		{on("127.0.0.1:9820", "stock.example"), "localhost", "/status", 200},
		{on("0.0.0.0:9820"), "anything.example", "/status", 200},
		{on("0.0.0.0:9820", "stock.example"), "anything.example", "/status", foreign},
		{on("0.0.0.0:9820", "stock.example"), "10.1.2.3:9820", "/livez", 200},
		{on("unix:/run/s"), "anything.example", "/status", 200},
	} {
		w := ask(newServer(t, c.server), c.path, func(r *http.Request) { r.Host = c.host })
		if w.Code != c.code || strings.Contains(w.Body.String(), "evil") {
			t.Errorf("%q for %s: %d, want %d: %s", c.host, c.path, w.Code, c.code, w.Body)
		}
	}
}

func TestBelowABasePathEverythingIsAsAtTheRoot(t *testing.T) {
	s := newServer(t, func(c *Config, p *Parts) {
		c.BasePath = "/shop/stock"
		p.Page = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "page "+r.URL.Path) })
	})
	for path, want := range map[string]string{
		"/shop/stock/livez":     "200 ok\n",
		"/livez":                "200 ok\n",
		"/shop/stock/":          "200 page /",
		"/shop/stock/assets/a":  "200 page /assets/a",
		"/shop/stockings":       "200 page /shop/stockings",
		"/shop/stock":           "308 ",
		"/shop/stock/metrics":   "200 metrics\n",
		"/shop/stock/../status": "307 ",
	} {
		w := ask(s, path, nil)
		if got := fmt.Sprintf("%d %s", w.Code, w.Body); !strings.HasPrefix(got, want) {
			t.Errorf("%s: %q, want %q", path, got, want)
		}
		if path == "/shop/stock" && w.Header().Get("Location") != "/shop/stock/" {
			t.Error(w.Header())
		}
	}
}

func TestProbesWithoutCredentialsTellNoReasons(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := health.New()
		h.Loop("receive")
		h.Part("loader", func() error { return errors.New("SQS: access denied") })
		s := newServer(t, func(c *Config, p *Parts) { c.Auth, p.Health = Auth{User: "op", Hash: config.Secret(weak)}, h })
		time.Sleep(health.Stuck)
		for path, want := range map[string]string{"/livez": "stuck\n", "/readyz": "not ready\n"} {
			if w := ask(s, path, nil); w.Code != 503 || w.Body.String() != want {
				t.Errorf("%s: %d %q", path, w.Code, w.Body)
			}
			w := ask(s, path, func(r *http.Request) { r.SetBasicAuth("op", password) })
			if w.Code != 503 || !strings.Contains(w.Body.String(), "since") && !strings.Contains(w.Body.String(), "no tick") {
				t.Errorf("%s with credentials: %d %q", path, w.Code, w.Body)
			}
		}
	})
}

func TestFailedLoginsAreCountedAndToldOnceAMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		core, logged := observer.New(zap.InfoLevel)
		reader := sdk.NewManualReader()
		s := newServer(t, func(c *Config, p *Parts) {
			c.Auth, p.Logger = Auth{User: "op", Hash: config.Secret(weak)}, zap.New(core)
			p.Meter = sdk.NewMeterProvider(sdk.WithReader(reader)).Meter("http")
		})
		_, stop := serve(t, s)
		guess := func(n int) {
			for range n {
				ask(s, "/status", func(r *http.Request) { r.SetBasicAuth("op", "guess"); r.RemoteAddr = "10.0.0.9:1" })
			}
		}
		ask(s, "/status", nil)
		ask(s, "/status", func(r *http.Request) { r.SetBasicAuth("op", password) })
		guess(5)
		if logged.Len() != 0 {
			t.Error("told at once:", logged.All())
		}
		time.Sleep(2 * loginsEvery)
		guess(2)
		if err := stop(); err != nil {
			t.Error(err)
		}
		var told []any
		for _, e := range logged.FilterMessage("logins failed").All() {
			told = append(told, e.ContextMap()["logins"], e.ContextMap()["last_client"])
		}
		if fmt.Sprint(told) != "[5 10.0.0.9:1 2 10.0.0.9:1]" {
			t.Error(told)
		}
		var rm metricdata.ResourceMetrics
		if err := reader.Collect(t.Context(), &rm); err != nil {
			t.Fatal(err)
		}
		if n := rm.ScopeMetrics[0].Metrics[0].Data.(metricdata.Sum[int64]).DataPoints[0].Value; n != 7 {
			t.Error("the metric says", n)
		}
		time.Sleep(guessPause)
	})
}

func TestProfilesAreServedWhereAskedFor(t *testing.T) {
	for on, code := range map[bool]int{true: 200, false: 404} {
		s := newServer(t, func(c *Config, _ *Parts) { c.Pprof = on })
		if w := ask(s, "/debug/pprof/goroutine?debug=1", nil); w.Code != code {
			t.Errorf("pprof %v: %d", on, w.Code)
		}
	}
}

// The clients hold real connections, since what is promised is about the kernel's queue too.
func TestAProbeIsAnsweredWhile600SlowClientsHoldConnections(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- newServer(t, nil).Run(ctx, l) }()
	for i := range 600 {
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		switch i % 3 { // silent; headers without end; a body without end
		case 1:
			io.WriteString(c, "GET /livez HTTP/1.1\r\nHost: localhost\r\nX: ")
		case 2:
			io.WriteString(c, "POST /status HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n")
		}
	}
	for range 5 {
		begin := time.Now()
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		io.WriteString(c, "GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")
		c.SetDeadline(begin.Add(3 * time.Second)) // a second where nothing else loads the machine
		res, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil || res.StatusCode != 200 {
			t.Fatal(res, err)
		}
		t.Logf("/livez answered after %s", time.Since(begin).Round(time.Millisecond))
		c.Close()
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestTheOldestDawdlerGoesBeforeWhoeverIsBeingServed(t *testing.T) {
	p := pipes{make(chan net.Conn, 10), make(chan struct{})}
	l := limit(p, 2)
	var clients []net.Conn
	accept := func() *guest {
		clients = append(clients, p.dial())
		c, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		return c.(*guest)
	}
	gone := func(i int) bool {
		clients[i].SetReadDeadline(time.Now().Add(10 * time.Millisecond))
		_, err := clients[i].Read(make([]byte, 1))
		return errors.Is(err, io.EOF)
	}
	served := accept()
	served.served.Add(1)
	accept()
	accept()
	if gone(0) || !gone(1) || gone(2) {
		t.Error("the second, whose request has not come in, was to go")
	}
	l.guests[1].served.Add(1)
	last := accept()
	if !gone(0) || gone(2) || gone(3) {
		t.Error("where all are served, the oldest was to go")
	}
	last.Close()
	last.Close()
	if len(l.guests) != 1 {
		t.Errorf("%d are left", len(l.guests))
	}
}
