package main

// The sandbox behind a port, and daemons beside it.

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"inventoryd/internal/sandbox"
	"inventoryd/internal/sandbox/dynamo/attr"
)

const (
	binary   = "bin/inventoryd"
	latency  = 5 * time.Millisecond // of each call of a daemon
	shards   = 8
	patience = 2 * time.Minute
)

// town is one sandbox and the daemons that work on it.
type town struct {
	world   *sandbox.Sandbox
	dir     string
	daemons []*daemon
	calls   sync.Map     // of daemons, *atomic.Int64 by operation
	written atomic.Int64 // rows of the table
	stop    func()
}

type daemon struct {
	cmd     *exec.Cmd
	address string // of its server
}

// called is how often each operation was called.
func (t *town) called() map[string]int64 {
	all := map[string]int64{}
	t.calls.Range(func(operation, n any) bool {
		all[operation.(string)] = n.(*atomic.Int64).Load()
		return true
	})
	return all
}

// found makes a town of n daemons that run one half.
func found(ctx context.Context, n int, half string) (*town, error) {
	t := &town{world: sandbox.New()}
	t.world.Tables.SetShards(shards)
	t.world.Tables.SetRollover(0)
	t.world.Tables.OnWrite(func(table string, _, _ attr.Item) {
		if table == sandbox.Table {
			t.written.Add(1)
		}
	})
	if err := t.world.Provision(ctx); err != nil {
		return nil, err
	}
	t.world.Queues.Drain(sandbox.EventQueue) // S3's test event
	var err error
	if t.dir, err = os.MkdirTemp("", "bench-scale"); err != nil {
		return nil, err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	t.world.Queues.At("http://" + l.Addr().String())
	server := &http.Server{Handler: t, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = server.Serve(l) }() // ends with Close
	t.stop = func() { _ = server.Close() }
	for i := range n {
		d, err := t.start(i, half, l.Addr().String())
		if err != nil {
			t.close()
			return nil, err
		}
		t.daemons = append(t.daemons, d)
	}
	for _, d := range t.daemons {
		if err := until("a daemon is ready", func() bool { return d.answers("/readyz") }); err != nil {
			t.close()
			return nil, err
		}
	}
	return t, nil
}

// ServeHTTP is the sandbox after the time that a call takes. All that comes by the port is the daemons'.
func (t *town) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	operation := r.Header.Get("X-Amz-Target")
	if operation == "" {
		operation = r.Method
	}
	n, _ := t.calls.LoadOrStore(operation[strings.LastIndexByte(operation, '.')+1:], new(atomic.Int64))
	n.(*atomic.Int64).Add(1)
	time.Sleep(latency)
	t.world.ServeHTTP(w, r)
}

func (t *town) start(n int, half, endpoint string) (*daemon, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0") // for a port that is free
	if err != nil {
		return nil, err
	}
	d := &daemon{address: l.Addr().String()}
	if err := l.Close(); err != nil {
		return nil, err
	}
	state := filepath.Join(t.dir, fmt.Sprint("state", n))
	if err := os.Mkdir(state, 0o700); err != nil {
		return nil, err
	}
	d.cmd = exec.Command(binary, "run", "--only", half, "--set", "http.listen="+d.address, "--set", "metrics.cloudwatch.enabled=false", "--set", "log.level=warn", "--set", "stream.lease_duration=1m")
	d.cmd.Env = append(sandbox.Environment(endpoint, fmt.Sprint("daemon", n)), "STATE_DIRECTORY="+state)
	d.cmd.Stderr = os.Stderr
	if err := d.cmd.Start(); err != nil {
		return nil, fmt.Errorf("%w; make build makes it", err)
	}
	return d, nil
}

func (t *town) close() {
	for _, d := range t.daemons {
		_ = d.cmd.Process.Signal(syscall.SIGTERM) // it may have ended
		_ = d.cmd.Wait()
	}
	t.stop()
	os.RemoveAll(t.dir)
}

func (d *daemon) answers(path string) bool {
	res, err := http.Get("http://" + d.address + path)
	if err != nil {
		return false
	}
	res.Body.Close()
	return res.StatusCode == http.StatusOK
}

// counter is a metric's value, the sum over its labels; 0 where it cannot be had.
func (d *daemon) counter(name string) (sum float64) {
	res, err := http.Get("http://" + d.address + "/metrics")
	if err != nil {
		return 0
	}
	defer res.Body.Close()
	for lines := bufio.NewScanner(res.Body); lines.Scan(); {
		if rest, ok := strings.CutPrefix(lines.Text(), name); ok && (rest[0] == '{' || rest[0] == ' ') {
			v, _ := strconv.ParseFloat(rest[strings.LastIndexByte(rest, ' ')+1:], 64)
			sum += v
		}
	}
	return sum
}

func until(what string, holds func() bool) error {
	for began := time.Now(); !holds(); time.Sleep(20 * time.Millisecond) {
		if time.Since(began) > patience {
			return fmt.Errorf("not within %v: %s", patience, what)
		}
	}
	return nil
}

// spent is the time that a span took, and of the processors, in seconds.
type spent struct {
	wall         float64
	daemons, own float64
	machine      float64 // by whatever ran
}

// watch begins a span; the function ends it.
func (t *town) watch() func() spent {
	began, before := time.Now(), t.processors()
	return func() spent {
		now := t.processors()
		return spent{time.Since(began).Seconds(), now.daemons - before.daemons, now.own - before.own, now.machine - before.machine}
	}
}

// processors is what all processes have taken of the processors so far.
func (t *town) processors() (s spent) {
	const ticks = 100 // a second, Linux's USER_HZ
	for _, d := range t.daemons {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", d.cmd.Process.Pid))
		if err != nil {
			continue
		}
		fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:])) // from the third one on
		for _, f := range fields[11:13] {                                                   // utime, stime (proc_pid_stat(5))
			v, _ := strconv.ParseFloat(f, 64)
			s.daemons += v / ticks
		}
	}
	if text, err := os.ReadFile("/proc/stat"); err == nil {
		line, _, _ := strings.Cut(string(text), "\n")
		for i, f := range strings.Fields(line)[1:9] { // user, nice, system, idle, iowait, irq, softirq, steal (proc_stat(5))
			if v, _ := strconv.ParseFloat(f, 64); i != 3 && i != 4 {
				s.machine += v / ticks
			}
		}
	}
	var own syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &own) == nil {
		s.own = time.Duration(own.Utime.Nano() + own.Stime.Nano()).Seconds()
	}
	return s
}
