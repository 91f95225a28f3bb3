//go:build long

package stream

// This file: breakages of one line, and the scenario that each makes fail: that the scenarios can.

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// breakages are by the scenario that must fail; its package is that of the file, unless it is stream.
var breakages = []struct {
	scenario, pkg, file, old, new string
}{
	{"26", ".", "store.go", `condition := "#owner = :me AND #epoch = :held"`, `condition := "(#owner = :me AND #epoch = :held OR attribute_exists(pk))"`},
	{"27", ".", "../internal/lease/heartbeat.go", `h.term.extend(sent, self.Duration-Margin(self.Duration))`, `h.term.extend(sent, 9*self.Duration)`},
	{"32", ".", "handover.go", `s.t.raise.put(news{to: to, given: s.row})`, ``},
	{"44", ".", "shard.go", `const tipAfter = 60`, `const tipAfter = 1`},
	{"45", ".", "shard.go", `s.unreadFor() <= retention`, `s.unreadFor() <= 99*retention`},
	{"46", ".", "coordinator.go", `if e.newer.Epoch > row.Epoch {`, `if false {`},
	{"48", "../internal/lease", "../internal/lease/heartbeat.go", `min(10*time.Second, self.Duration/5)`, `3*self.Duration`},
	{"51", ".", "config.go", `return view == types.StreamViewTypeNewImage || view == types.StreamViewTypeNewAndOldImages`, `return true`},
	{"52", ".", "load.go", `failingFor = 2 * time.Minute`, `failingFor = 2 * time.Hour`},
	{"53", ".", "watch.go", `const yieldAfter = 2 * time.Minute`, `const yieldAfter = 2 * time.Hour`},
	{"54", ".", "tenure.go", `if t.before == "" {`, `if true {`},
	{"55", ".", "succession.go", `const tooMany = 5`, `const tooMany = 5000`},
	{"59", ".", "clock.go", `if c.told.IsZero() {`, `if true {`},
}

func TestBreakagesOfOneLineMakeTheirScenariosFail(t *testing.T) {
	for _, b := range breakages {
		t.Run(b.scenario, func(t *testing.T) {
			file, err := filepath.Abs(b.file)
			if err != nil {
				t.Fatal(err)
			}
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if n := strings.Count(string(text), b.old); n != 1 {
				t.Fatalf("%s has the line %d times: %s", b.file, n, b.old)
			}
			broken, overlay := filepath.Join(t.TempDir(), "broken.go"), filepath.Join(t.TempDir(), "overlay.json")
			if err := os.WriteFile(broken, []byte(strings.Replace(string(text), b.old, b.new, 1)), 0o600); err != nil {
				t.Fatal(err)
			}
			listed, err := json.Marshal(map[string]map[string]string{"Replace": {file: broken}})
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(overlay, listed, 0o600); err != nil {
				t.Fatal(err)
			}
			out, err := exec.Command("go", "test", "-overlay", overlay, "-count=1", "-run", "Scenario"+b.scenario, b.pkg).CombinedOutput()
			switch {
			case err == nil:
				t.Errorf("%s: with %q for %q the scenario passes", b.file, b.new, b.old)
			case strings.Contains(string(out), "[build failed]"):
				t.Errorf("%s: %q does not even build:\n%s", b.file, b.new, out)
			default:
				t.Logf("%s: %q instead of %q: fails", filepath.Base(b.file), b.new, b.old)
			}
		})
	}
}
