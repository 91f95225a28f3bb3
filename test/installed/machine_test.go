package installed_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// machine is a systemd that was booted over a copy of this machine: what it writes is gone with it.
type machine struct {
	*testing.T
	leader int    // the process that is its PID 1
	env    string // what every script begins with
}

// boot boots one. It is powered off at the test's end.
func boot(t *testing.T) *machine {
	t.Helper()
	root := filepath.Join(t.TempDir(), "root")
	if err := os.Mkdir(root, 0o755); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("mount", "--bind", "/", root).CombinedOutput()
	needed(t, err == nil, fmt.Sprintf("nothing can be mounted: %s", out))
	t.Cleanup(func() { // before the folder is removed, lest this machine's files go with it
		if err := syscall.Unmount(root, 0); err != nil {
			t.Errorf("unmount %s: %v", root, err)
			_ = syscall.Unmount(root, syscall.MNT_DETACH)
		}
	})
	console, err := os.Create(filepath.Join(t.TempDir(), "console"))
	if err != nil {
		t.Fatal(err)
	}
	c := exec.Command("systemd-nspawn", "--quiet", "--directory="+root, "--volatile=overlay", "--boot", "--register=no", "--keep-unit", "--private-network",
		fmt.Sprintf("--machine=inventoryd-%d", os.Getpid()))
	c.Stdout, c.Stderr = console, console
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { _ = c.Wait(); close(ended) }()
	m := &machine{T: t}
	t.Cleanup(func() {
		if m.leader > 0 {
			_ = syscall.Kill(m.leader, syscall.Signal(34+4)) // SIGRTMIN+4 powers off
		}
		select {
		case <-ended:
		case <-time.After(time.Minute):
			_ = c.Process.Kill()
			<-ended
		}
		_ = console.Close()
	})
	began := time.Now()
	for time.Since(began) < 2*time.Minute {
		select {
		case <-ended:
			text, _ := os.ReadFile(console.Name())
			needed(t, false, fmt.Sprintf("systemd-nspawn does not boot: %s", text))
		case <-time.After(200 * time.Millisecond):
		}
		children, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%[1]d/children", c.Process.Pid))
		m.leader, _ = strconv.Atoi(strings.TrimSpace(string(children)))
		if m.leader == 0 {
			continue
		}
		if state, _ := m.try("systemctl is-system-running"); strings.HasPrefix(state, "running") || strings.HasPrefix(state, "degraded") {
			t.Logf("booted after %s", time.Since(began).Round(time.Millisecond))
			return m
		}
	}
	text, _ := os.ReadFile(console.Name())
	needed(t, false, fmt.Sprintf("systemd-nspawn has not booted within two minutes: %s", text))
	return nil
}

// try runs a script on the machine.
func (m *machine) try(script string) (string, error) {
	c := exec.Command("nsenter", "--target", fmt.Sprint(m.leader), "--all", "--", "bash", "-c", m.env+script)
	c.Env = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "LC_ALL=C.UTF-8", "SYSTEMD_PAGER=", "SYSTEMD_COLORS=0"}
	out, err := c.CombinedOutput()
	return strings.TrimSpace(string(out)), err
}

// must runs a script that must work.
func (m *machine) must(script string) string {
	m.Helper()
	out, err := m.try(script)
	if err != nil {
		m.Fatalf("%s\n%v: %s\n%s", script, err, out, m.journal())
	}
	return out
}

// until waits until a script succeeds, and tells how long that took.
func (m *machine) until(what, script string) time.Duration {
	m.Helper()
	began := time.Now()
	for {
		out, err := m.try(script)
		if err == nil {
			return time.Since(began)
		}
		if time.Since(began) > time.Minute {
			m.Fatalf("%s: not within a minute: %s\n%s", what, out, m.journal())
		}
		time.Sleep(100 * time.Millisecond)
	}
}

func (m *machine) journal() string {
	out, _ := m.try("systemctl status inventoryd --no-pager -n 0; journalctl -u inventoryd -o cat --no-pager -n 40")
	return out
}

// property is one of the unit's.
func (m *machine) property(name string) string {
	m.Helper()
	return m.must("systemctl show inventoryd --value -p " + name)
}

// put copies a file of this machine to it.
func (m *machine) put(from, to string) {
	m.Helper()
	body, err := os.ReadFile(from)
	if err != nil {
		m.Fatal(err)
	}
	path := filepath.Join(fmt.Sprintf("/proc/%d/root", m.leader), to)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		m.Fatal(err)
	}
	if err := os.WriteFile(path, body, 0o755); err != nil {
		m.Fatal(err)
	}
}
