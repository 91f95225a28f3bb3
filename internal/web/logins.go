package web

// Logins that failed: counted, and told once a minute, since whoever guesses must not fill the log.

import (
	"context"
	"net/http"
	"sync"
	"time"

	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/metric/noop"
	"go.uber.org/zap"
)

// loginsEvery is how often failed logins are told.
const loginsEvery = time.Minute

// logins counts the credentials that were wrong, or came so thick that they were not looked at. Nil takes none.
type logins struct {
	logger  *zap.Logger
	counter metric.Int64Counter

	mu     sync.Mutex // guards what follows
	failed int        // since they were told last
	last   string     // address of the last client
}

func newLogins(logger *zap.Logger, meter metric.Meter) (*logins, error) {
	if meter == nil {
		meter = noop.Meter{}
	}
	counter, err := meter.Int64Counter("logins.failed", metric.WithDescription("Credentials that were wrong."))
	return &logins{logger: logger, counter: counter}, err
}

// note counts a request whose credential is wrong. Of a proxy's clients the proxy knows more.
func (l *logins) note(r *http.Request) {
	l.counter.Add(context.WithoutCancel(r.Context()), 1)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.failed++
	l.last = r.RemoteAddr
}

func (l *logins) tell() {
	l.mu.Lock()
	failed, last := l.failed, l.last
	l.failed = 0
	l.mu.Unlock()
	if failed > 0 {
		l.logger.Warn("logins failed", zap.Int("logins", failed), zap.String("last_client", last))
	}
}

// tellEachMinute begins to; what it returns ends it, after it has told the rest.
func (l *logins) tellEachMinute() (end func()) {
	if l == nil {
		return func() {}
	}
	over, ended := make(chan struct{}), make(chan struct{})
	go func() { // waited for by end
		defer close(ended)
		ticker := time.NewTicker(loginsEvery)
		defer ticker.Stop()
		for {
			select {
			case <-ticker.C:
				l.tell()
			case <-over:
				l.tell()
				return
			}
		}
	}()
	return func() { close(over); <-ended }
}
