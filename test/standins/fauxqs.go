package standins

// fauxqs: S3, SQS, SNS and STS.

import (
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"
)

var printedURL = regexp.MustCompile(`(?m)^http://127\.0\.0\.1:\d+$`)

// Fauxqs starts fauxqs, in memory, and returns its endpoint. It has one account for all: tests that share it use names
// of their own.
func Fauxqs(t testing.TB) (endpoint string) {
	t.Helper()
	installed(t, "fauxqs")
	cmd := exec.Command(program(t, "node", "nodejs"), filepath.Join(directory(), "fauxqs.mjs"))
	cmd.Dir = directory()
	p := start(t, cmd)
	p.await(t, "URL printed", func() bool {
		endpoint = printedURL.FindString(p.said())
		return endpoint != ""
	})
	return endpoint
}
