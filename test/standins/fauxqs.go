package standins

// fauxqs: S3, SQS, SNS and STS.

import (
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"
)

// Fauxqs starts fauxqs, in memory, and returns its endpoint. It has one account for all: tests that share it use names
// of their own.
func Fauxqs(t testing.TB) (endpoint string) {
	t.Helper()
	installed(t, "fauxqs")
	node := program(t, "node", "nodejs")
	port := freePort(t)
	cmd := exec.Command(node, filepath.Join(directory(), "fauxqs.mjs"), strconv.Itoa(port))
	cmd.Dir = directory()
	start(t, cmd)
	await(t, loopback(port), time.Minute)
	return "http://" + loopback(port)
}
