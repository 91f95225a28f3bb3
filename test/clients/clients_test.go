// Package clients holds the sandbox to clients that nobody here wrote: the unmodified AWS SDK for JavaScript. (Debian's
// command line is in the conformance suite.)
package clients

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"testing"
	"time"

	"inventoryd/internal/sandbox"
	"inventoryd/test/loopback"
)

// install fetches the packages of package-lock.json, once.
func install(t *testing.T) {
	t.Helper()
	const marker = "node_modules/.installed-lock"
	lock, err := os.ReadFile("package-lock.json")
	if err != nil {
		t.Fatal(err)
	}
	if done, err := os.ReadFile(marker); err == nil && bytes.Equal(done, lock) {
		return
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	out, err := exec.CommandContext(ctx, "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error").CombinedOutput()
	if err != nil {
		t.Fatalf("npm ci, which needs npm and a network: %v\n%s", err, out)
	}
	if err := os.WriteFile(marker, lock, 0o644); err != nil {
		t.Fatal(err)
	}
}

// serve serves a provisioned sandbox until the test ends.
func serve(t *testing.T) (address string) {
	t.Helper()
	box := sandbox.New()
	if err := box.Provision(t.Context()); err != nil {
		t.Fatal(err)
	}
	return loopback.Serve(t, box)
}

func TestTheSDKForJavaScriptWorksWithTheSandbox(t *testing.T) {
	install(t)
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "node", "roundtrips.mjs")
	cmd.Env = append(sandbox.Environment(serve(t), "javascript"), "PATH="+os.Getenv("PATH"), "HOME="+t.TempDir(), "AWS_MAX_ATTEMPTS=1")
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("node: %v\n%s%s", err, out, said.String())
	}
	trips := 0
	for lines := bufio.NewScanner(bytes.NewReader(out)); lines.Scan(); trips++ {
		var trip struct{ Name, Error string }
		if err := json.Unmarshal(lines.Bytes(), &trip); err != nil {
			t.Fatalf("%s: %v", lines.Text(), err)
		}
		if trip.Error != "" {
			t.Errorf("%s: %s", trip.Name, trip.Error)
		} else {
			t.Log("round trip:", trip.Name)
		}
	}
	if trips < 13 {
		t.Errorf("%d round trips", trips)
	}
}
