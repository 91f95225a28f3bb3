package sandbox

// The sandbox on a port, for clients in other processes.

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"
)

// Serve answers on l until ctx ends or l fails; nil after ctx ended. It refuses addresses other than loopback ones, as
// it checks no signatures. Calls that are under way are cut then.
func (s *Sandbox) Serve(ctx context.Context, l net.Listener) error {
	if err := private(l.Addr()); err != nil {
		return err
	}
	s.Queues.At("http://" + l.Addr().String())
	var connections sync.WaitGroup
	defer connections.Wait()
	server := &http.Server{Handler: s, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: time.Minute}
	server.ConnState = func(_ net.Conn, state http.ConnState) {
		switch state {
		case http.StateNew: // in Serve's own goroutine
			connections.Add(1)
		case http.StateClosed: // behind the connection's last handler
			connections.Done()
		}
	}
	stop := context.AfterFunc(ctx, func() { _ = server.Close() })
	defer stop()
	if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve the sandbox: %w", err)
	}
	return nil
}

// Listen opens a loopback address for Serve, and refuses any other.
func Listen(address string) (net.Listener, error) {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, err
	}
	if err := private(l.Addr()); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}

func private(address net.Addr) error {
	if a, ok := address.(*net.TCPAddr); ok && !a.IP.IsLoopback() {
		return fmt.Errorf("serve the sandbox on %s: it lets everybody in, so it listens on loopback addresses only, say 127.0.0.1:4566", a)
	}
	return nil
}

// Environment renders the variables by which the AWS SDKs and command line find a sandbox that listens on address, one
// "NAME=value" each. S3 clients must also address buckets path style: the command line does so by itself on an address
// of numbers, the SDKs by their option UsePathStyle.
func Environment(address, client string) []string {
	return []string{
		"AWS_ENDPOINT_URL=http://" + address,
		"AWS_ACCESS_KEY_ID=" + client,
		"AWS_SECRET_ACCESS_KEY=secret",
		"AWS_REGION=" + Region,
		"AWS_DEFAULT_REGION=" + Region,
	}
}
