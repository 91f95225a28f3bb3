package main

import (
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

func TestTheUnitAgreesWithTheProgram(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(top, "systemd/inventoryd.service"))
	if err != nil {
		t.Fatal(err)
	}
	unit := map[string]string{}
	for line := range strings.Lines(string(text)) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), "="); ok && !strings.HasPrefix(line, "#") {
			unit[name] = value
		}
	}
	command := strings.Fields(unit["ExecStart"])
	if len(command) < 2 || command[1] != runCommand.Name {
		t.Fatalf("ExecStart is %q", unit["ExecStart"])
	}
	flags := flag.NewFlagSet("", flag.ContinueOnError)
	for _, f := range runCommand.Flags {
		if err := f.Apply(flags); err != nil {
			t.Fatal(err)
		}
	}
	if err := flags.Parse(command[2:]); err != nil || flags.Lookup("config").Value.String() != defaultPath {
		t.Errorf("%q: %v, configuration file %s", unit["ExecStart"], err, flags.Lookup("config").Value)
	}
	if unit["RestartPreventExitStatus"] != strconv.Itoa(exitUsage) {
		t.Errorf("a wrong configuration exits with %d, RestartPreventExitStatus is %s", exitUsage, unit["RestartPreventExitStatus"])
	}
	if stop, err := time.ParseDuration(unit["TimeoutStopSec"]); err != nil || stop < defaults().ShutdownTimeout+5*time.Second {
		t.Errorf("TimeoutStopSec is %s, shutdown_timeout %s", unit["TimeoutStopSec"], defaults().ShutdownTimeout)
	}
}

// systemd itself judges the unit: that it is right, and how much of the machine it leaves open.
func TestSystemdFindsTheUnitRightAndShutIn(t *testing.T) {
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Skip("no systemd-analyze on this machine")
	}
	text, err := os.ReadFile(filepath.Join(top, "systemd/inventoryd.service"))
	if err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable() // stands for the daemon, which is not installed here
	if err != nil {
		t.Fatal(err)
	}
	unit := filepath.Join(t.TempDir(), "inventoryd.service")
	if err := os.WriteFile(unit, []byte(strings.ReplaceAll(string(text), "/usr/bin/inventoryd", self)), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"verify", "--recursive-errors=yes", unit}, {"security", "--offline=true", "--threshold=12", "--no-pager", unit}} {
		out, err := exec.Command(analyze, args...).CombinedOutput()
		if err != nil || args[0] == "verify" && len(out) > 0 {
			t.Errorf("systemd-analyze %s: %v\n%s", args[0], err, out)
		}
	}
}
