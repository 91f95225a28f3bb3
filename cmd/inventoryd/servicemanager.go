package main

// The service manager: what systemd is told of the daemon by sd_notify(3), for a unit of Type=notify.

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
	"go.uber.org/zap"
	"golang.org/x/sys/unix"

	"inventoryd/internal/health"
)

const (
	// readyAnyway is when READY is sent although a part cannot work yet: outages pass, and /readyz and STATUS tell of them.
	// Until then a set-up that cannot work has ended the start.
	readyAnyway = 10 * time.Second
	// extendBy is by how much a stop that is still going on extends what systemd waits for, each time a third of it is over.
	extendBy = 15 * time.Second
)

// serviceManager tells systemd how the daemon is. Where there is none, it does nothing.
type serviceManager struct {
	health   *health.Health
	log      *zap.Logger
	send     func(state string) error
	watchdog time.Duration // within which systemd wants a sign of life; 0: it does not

	began   time.Time
	ready   bool
	status  string
	alive   time.Time // when the last sign of life was sent
	refused bool      // a message could not be sent, which was said
}

func newServiceManager(h *health.Health, log *zap.Logger) *serviceManager {
	watchdog, err := daemon.SdWatchdogEnabled(false)
	if err != nil {
		log.Warn("the service manager's watchdog is not kept", zap.Error(err))
	}
	send := func(state string) error {
		_, err := daemon.SdNotify(false, state)
		return err
	}
	return &serviceManager{health: h, log: log, send: send, watchdog: watchdog}
}

// Run tells how the daemon is until stopping is closed, then that it stops, and asks for time until ctx ends. reloads has a
// value for each reload: when it begins, and what it sends when it is over.
func (m *serviceManager) Run(ctx context.Context, stopping <-chan struct{}, reloads <-chan reloading) {
	m.began = time.Now()
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	m.tick()
	for running := true; running; {
		select {
		case <-ticker.C:
			m.tick()
		case r := <-reloads:
			m.reload(r)
		case <-stopping:
			running = false
		}
	}
	m.tell("STOPPING=1", "STATUS=Stopping: what is in flight is finished.")
	var extended time.Time
	for {
		if time.Since(extended) >= extendBy/3 {
			extended = time.Now()
			m.tell(fmt.Sprintf("EXTEND_TIMEOUT_USEC=%d", extendBy.Microseconds()))
		}
		m.signOfLife()
		select {
		case <-ticker.C:
		case r := <-reloads: // comes too late
			close(r.begun)
		case <-ctx.Done():
			return
		}
	}
}

// tick tells what has changed.
func (m *serviceManager) tick() {
	report := m.health.Report()
	if !m.ready && (report.Ready && len(report.Parts) > 0 || time.Since(m.began) >= readyAnyway) {
		m.ready = true
		m.tell("READY=1")
	}
	if s := statusOf(report); s != m.status {
		m.status = s
		m.tell("STATUS=" + s)
	}
	m.signOfLife()
}

// signOfLife is sent while every loop turns: a loop that is stuck needs a restart.
func (m *serviceManager) signOfLife() {
	if m.watchdog > 0 && time.Since(m.alive) >= m.watchdog/3 && m.health.Live() == nil {
		m.alive = time.Now()
		m.tell("WATCHDOG=1")
	}
}

// reloading is one reload: begun is closed when the service manager knows of it, over when it is over.
type reloading struct{ begun, over chan struct{} }

// reload tells of a reload. systemd wants the time by the monotonic clock since version 253.
func (m *serviceManager) reload(r reloading) {
	var now unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_MONOTONIC, &now)
	m.tell("RELOADING=1", fmt.Sprintf("MONOTONIC_USEC=%d", now.Nano()/1000))
	close(r.begun)
	<-r.over
	m.ready = true
	m.tell("READY=1")
}

// statusOf is one line for `systemctl status`.
func statusOf(r health.Report) string {
	var wrong []string
	for _, s := range r.Loops {
		if !s.OK {
			wrong = append(wrong, s.Name+" is stuck: "+s.Reason)
		}
	}
	for _, s := range r.Parts {
		if !s.OK {
			wrong = append(wrong, s.Name+": "+s.Reason)
		}
	}
	if wrong == nil {
		return "Ready."
	}
	return strings.ReplaceAll("Not ready: "+strings.Join(wrong, "; "), "\n", " ")
}

func (m *serviceManager) tell(states ...string) {
	if err := m.send(strings.Join(states, "\n")); err != nil && !m.refused {
		m.refused = true
		m.log.Warn("the service manager cannot be told", zap.Error(err))
	}
}
