package web

// The server: its routes, its limits, its life.

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"net/http/pprof"
	"time"

	"go.opentelemetry.io/otel/metric"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"inventoryd/internal/health"
)

// Limits on what clients can take. A handler that streams moves its own deadlines by http.ResponseController.
const (
	headerTimeout = 5 * time.Second  // for a request's headers
	readTimeout   = 15 * time.Second // for a whole request
	writeTimeout  = 30 * time.Second // for an answer
	idleTimeout   = time.Minute      // between two requests of a connection
	maxHeader     = 16 << 10         // bytes of headers (net/http grants 4 KiB more)
	maxBody       = 64 << 10         // bytes of a request's body
	maxConns      = 256              // connections at a time; see crowd
	stopTimeout   = 3 * time.Second  // for answers in flight at the stop
)

// Parts is what the server shows.
type Parts struct {
	Health  *health.Health
	Metrics http.Handler // answers /metrics
	Status  func() any   // the JSON of /status; must not hold secrets nor wait
	Page    http.Handler // answers everything else; nil: a small page of health
	Logger  *zap.Logger  // nil: none
	Meter   metric.Meter // nil: none
}

// Server answers /livez, /readyz, /metrics, /status, where asked for /debug/pprof/, and the page.
type Server struct {
	mux     *http.ServeMux
	handler http.Handler
	logger  *zap.Logger
	logins  *logins
}

// New makes a server. The error says why the credentials of c cannot be used.
func New(c Config, p Parts) (*Server, error) {
	hash, err := c.Auth.load()
	if err != nil {
		return nil, err
	}
	if p.Logger == nil {
		p.Logger = zap.NewNop()
	}
	s := &Server{mux: http.NewServeMux(), logger: p.Logger}
	s.route(c, p)
	inner := http.MaxBytesHandler(s.mux, maxBody)
	if c.Auth.User != "" {
		if s.logins, err = newLogins(p.Logger, p.Meter); err != nil {
			return nil, err
		}
		inner = terse(p.Health, newGate(c.Auth.User, hash, s.logins, inner))
	}
	s.handler = serving(secure(below(c.BasePath, checkHosts(c, inner))))
	return s, nil
}

// route lists the answers.
func (s *Server) route(c Config, p Parts) {
	s.mux.HandleFunc("GET /livez", func(w http.ResponseWriter, _ *http.Request) { probe(w, p.Health.Live()) })
	s.mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) { ready(w, p.Health.Report()) })
	s.mux.Handle("GET /metrics", p.Metrics)
	s.mux.HandleFunc("GET /status", func(w http.ResponseWriter, _ *http.Request) { status(w, p) })
	if c.Pprof {
		s.mux.HandleFunc("GET /debug/pprof/", pprof.Index)
		s.mux.HandleFunc("GET /debug/pprof/cmdline", pprof.Cmdline)
		s.mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
		s.mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	}
	if p.Page != nil {
		s.mux.Handle("GET /", p.Page)
		return
	}
	s.mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) { page(w, p.Health.Report()) })
}

// Handle adds a page; the pattern is net/http's. Before Run only.
func (s *Server) Handle(pattern string, h http.Handler) { s.mux.Handle(pattern, h) }

// ServeHTTP answers one request as Run does, without a socket.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.handler.ServeHTTP(w, r) }

// Run serves l until ctx ends, gives answers in flight 3 s, and closes l. It fails if l does.
func (s *Server) Run(ctx context.Context, l net.Listener) error {
	server := &http.Server{
		Handler:           s,
		ReadHeaderTimeout: headerTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeader,
		ConnContext:       know,
		ErrorLog:          s.errorLog(),
	}
	defer s.logins.tellEachMinute()()
	served := make(chan error, 1)
	go func() { served <- server.Serve(limit(l, maxConns)) }() // waited for below
	select {
	case err := <-served:
		return fmt.Errorf("serve http on %s: %w", l.Addr(), err)
	case <-ctx.Done():
	}
	deadline, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
	defer cancel()
	if err := server.Shutdown(deadline); err != nil {
		server.Close()
	}
	if err := <-served; !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve http on %s: %w", l.Addr(), err)
	}
	return nil
}

// errorLog takes net/http's complaints about clients.
func (s *Server) errorLog() *log.Logger {
	return log.New(complaints{s.logger}, "", 0)
}

type complaints struct{ logger *zap.Logger }

func (c complaints) Write(b []byte) (int, error) {
	c.logger.Log(zapcore.DebugLevel, "http client misbehaved", zap.ByteString("detail", b))
	return len(b), nil
}
