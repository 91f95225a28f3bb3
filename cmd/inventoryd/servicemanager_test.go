package main

import (
	"errors"
	"net"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"

	"inventoryd/internal/health"
)

// notifications is a socket as systemd has it, and what came.
type notifications struct {
	path string

	mu   sync.Mutex // guards came
	came []string   // one line each
}

func listenNotify(t *testing.T) *notifications {
	t.Helper()
	n := &notifications{path: filepath.Join(t.TempDir(), "notify")}
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: n.path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	go func() { // ends with the socket
		b := make([]byte, 8<<10)
		for {
			size, err := conn.Read(b)
			if err != nil {
				return
			}
			n.mu.Lock()
			n.came = append(n.came, strings.Split(strings.TrimSpace(string(b[:size])), "\n")...)
			n.mu.Unlock()
		}
	}()
	return n
}

// all is what came, a word each, without figures and what repeats.
func (n *notifications) all() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	var words []string
	for _, line := range n.came {
		name, _, _ := strings.Cut(line, "=")
		if name != "WATCHDOG" && name != "STATUS" && (name != "EXTEND_TIMEOUT_USEC" || words[len(words)-1] != name) {
			words = append(words, name)
		}
	}
	return strings.Join(words, " ")
}

func (n *notifications) has(pattern string) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return regexp.MustCompile(pattern).MatchString(strings.Join(n.came, "\n"))
}

func TestTheServiceManagerIsToldOnARealSocket(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	n := listenNotify(t)
	p := w.start(t, "NOTIFY_SOCKET="+n.path, "WATCHDOG_USEC=3000000")
	wait := func(want string, holds func() bool) {
		t.Helper()
		eventually(t, p, 30*time.Second, holds, func() string { return want + " is missing; there is " + n.all() })
	}
	wait("READY", func() bool { return n.all() == "READY" })
	wait("STATUS and two signs of life", func() bool { return n.has("(?s)STATUS=Ready\\..*WATCHDOG=1.*WATCHDOG=1") })
	if err := p.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	wait("a reload", func() bool { return n.all() == "READY RELOADING MONOTONIC_USEC READY" })
	if code := p.terminate(t, 30*time.Second); code != 0 {
		t.Errorf("exit %d\n%s", code, p.log)
	}
	if got := n.all(); got != "READY RELOADING MONOTONIC_USEC READY STOPPING EXTEND_TIMEOUT_USEC" {
		t.Error(got)
	}
	if !n.has("EXTEND_TIMEOUT_USEC=15000000") || !n.has("STATUS=Stopping") {
		t.Error(n.came)
	}
}

var errDown = errors.New("DynamoDB is down")

// told runs a service manager's messages in virtual time, without a socket.
func told(t *testing.T, h *health.Health, watchdog time.Duration) (said func() string, stop func()) {
	var mu sync.Mutex // guards words
	var words []string
	m := &serviceManager{health: h, log: zap.NewNop(), watchdog: watchdog, send: func(s string) error {
		mu.Lock()
		defer mu.Unlock()
		words = append(words, strings.Split(s, "\n")...)
		return nil
	}}
	stopping := make(chan struct{})
	ended := make(chan struct{})
	go func() { defer close(ended); m.Run(t.Context(), stopping, nil) }()
	said = func() string {
		synctest.Wait()
		mu.Lock()
		defer mu.Unlock()
		s := strings.Join(words, "|")
		words = nil
		return s
	}
	return said, func() { close(stopping) }
}

func TestAnOutageDoesNotKeepTheServiceFromStarting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := health.New()
		h.Part("tables", func() error { return errDown })
		said, stop := told(t, h, 0)
		time.Sleep(readyAnyway - time.Second)
		if s := said(); strings.Contains(s, "READY=1") || !strings.Contains(s, "STATUS=Not ready: tables: starting") {
			t.Error(s)
		}
		time.Sleep(2 * time.Second)
		if s := said(); !strings.Contains(s, "READY=1") {
			t.Error(s)
		}
		stop()
		if s := said(); s != "STOPPING=1|STATUS=Stopping: what is in flight is finished.|EXTEND_TIMEOUT_USEC=15000000" {
			t.Error(s)
		}
		time.Sleep(11 * time.Second)
		if s := said(); s != "EXTEND_TIMEOUT_USEC=15000000|EXTEND_TIMEOUT_USEC=15000000" {
			t.Error(s)
		}
	})
}

func TestTheWatchdogHearsNothingOnceALoopIsStuck(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := health.New()
		tick, done := h.Loop("write")
		defer done()
		said, stop := told(t, h, 30*time.Second)
		defer stop()
		for range 30 {
			time.Sleep(10 * time.Second)
			tick()
		}
		if n := strings.Count(said(), "WATCHDOG=1"); n < 29 || n > 31 {
			t.Errorf("%d signs of life in 300 s", n)
		}
		time.Sleep(health.Stuck + time.Second)
		said()
		time.Sleep(5 * time.Minute)
		if s := said(); strings.Contains(s, "WATCHDOG") {
			t.Error("signs of life although a loop is stuck:", s)
		}
		tick()
		time.Sleep(2 * time.Second)
		if s := said(); !strings.Contains(s, "WATCHDOG=1") {
			t.Error("it turns again, and nothing is said:", s)
		}
	})
}
