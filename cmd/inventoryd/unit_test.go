package main

import (
	"flag"
	"os"
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
