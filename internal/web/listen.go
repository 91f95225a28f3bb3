package web

// Listening: on TCP or on a Unix socket, with a bound on the connections.

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"sync"
	"time"
)

// Listen opens the listener that c names; nil if c.Listen is Off.
func Listen(ctx context.Context, c Config) (net.Listener, error) {
	if c.Listen == Off {
		return nil, nil
	}
	path, ok := strings.CutPrefix(c.Listen, "unix:")
	if !ok {
		l, err := new(net.ListenConfig).Listen(ctx, "tcp", c.Listen)
		if err != nil {
			return nil, fmt.Errorf("http.listen: %w", err)
		}
		return l, nil
	}
	if err := removeStale(ctx, path); err != nil {
		return nil, fmt.Errorf("http.listen: %w", err)
	}
	l, err := new(net.ListenConfig).Listen(ctx, "unix", path)
	if err != nil {
		return nil, fmt.Errorf("http.listen: %w", err)
	}
	if err := os.Chmod(path, 0o660); err != nil {
		return nil, errors.Join(fmt.Errorf("http.listen: %w", err), l.Close())
	}
	return l, nil
}

// removeStale removes a socket that nobody listens on, as a killed daemon leaves it.
func removeStale(ctx context.Context, path string) error {
	info, err := os.Lstat(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if info.Mode().Type() != os.ModeSocket {
		return fmt.Errorf("%s exists and is no socket", path)
	}
	dialer := net.Dialer{Timeout: time.Second}
	if c, err := dialer.DialContext(ctx, "unix", path); err == nil {
		c.Close()
		return fmt.Errorf("another process listens on %s", path)
	}
	return os.Remove(path)
}

// limit lets at most n connections of l be open at a time.
func limit(l net.Listener, n int) net.Listener {
	return &limited{Listener: l, slots: make(chan struct{}, n), closed: make(chan struct{})}
}

type limited struct {
	net.Listener
	slots  chan struct{} // one token for each open connection
	once   sync.Once     // guards closed
	closed chan struct{}
}

func (l *limited) Accept() (net.Conn, error) {
	select {
	case l.slots <- struct{}{}:
	case <-l.closed:
		return nil, net.ErrClosed
	}
	c, err := l.Listener.Accept()
	if err != nil {
		<-l.slots
		return nil, err
	}
	return &slot{Conn: c, release: sync.OnceFunc(func() { <-l.slots })}, nil
}

func (l *limited) Close() error {
	l.once.Do(func() { close(l.closed) })
	return l.Listener.Close()
}

type slot struct {
	net.Conn
	release func()
}

func (s *slot) Close() error {
	defer s.release()
	return s.Conn.Close()
}
