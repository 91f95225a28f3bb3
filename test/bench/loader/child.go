package main

// The stub as this process sees it: a child that is started, asked and stopped.

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"time"
)

// stub is the process in the place of S3 and DynamoDB.
type stub struct {
	cmd *exec.Cmd
	out *bufio.Reader
	url string

	secure, authority string // its URL by TLS, and a file with who certifies it
}

// startStub starts a child of that role, whose first line says where it listens.
func startStub(role string, args ...string) (*stub, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(self, append([]string{"-role", role}, args...)...)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	s := &stub{cmd: cmd, out: bufio.NewReader(out)}
	if s.url, err = s.line(); err != nil {
		s.stop()
		return nil, fmt.Errorf("the stub does not start: %w", err)
	}
	return s, nil
}

// line waits for the next line that the child prints.
func (s *stub) line() (string, error) {
	line, err := s.out.ReadString('\n')
	return strings.TrimSuffix(line, "\n"), err
}

func (s *stub) stop() {
	_ = s.cmd.Process.Kill()
	_ = s.cmd.Wait()
}

// ask tells the stub that a run begins, or asks whether it was right.
func (s *stub) ask(path string) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url+path, nil)
	if err != nil {
		return err
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("the run is void: %s", text)
	}
	return err
}
