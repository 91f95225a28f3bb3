// Package pipenet is a network for tests of one server and any number of connections to it, all of them net.Pipes:
// real net/http on both ends, also within a testing/synctest bubble, where a socket would freeze time.
package pipenet

import (
	"context"
	"net"
	"net/http"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"

	"inventoryd/internal/transport"
)

// Network is a net.Listener and the way to dial it.
type Network struct {
	connections chan net.Conn
	done        chan struct{}
}

// New returns a network; in a bubble it is made inside.
func New() *Network { return &Network{make(chan net.Conn), make(chan struct{})} }

// Accept waits for the next connection.
func (n *Network) Accept() (net.Conn, error) {
	select {
	case c := <-n.connections:
		return c, nil
	case <-n.done:
		return nil, net.ErrClosed
	}
}

// Close does nothing: http.Server closes its listener more than once. End ends the network.
func (n *Network) Close() error { return nil }

// Addr is no real address.
func (n *Network) Addr() net.Addr { return &net.UnixAddr{Name: "pipe", Net: "pipe"} }

// End makes Accept and DialContext fail.
func (n *Network) End() { close(n.done) }

// DialContext connects to the server, whatever the address.
func (n *Network) DialContext(ctx context.Context, _, _ string) (net.Conn, error) {
	client, server := net.Pipe()
	select {
	case n.connections <- server:
		return client, nil
	case <-n.done:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Serve lets h answer over pipes until the test ends, and returns cfg for clients that reach it so.
func Serve(t *testing.T, h http.Handler, cfg aws.Config) aws.Config {
	t.Helper()
	n := New()
	server := &http.Server{Handler: h}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = server.Serve(n)
	}()
	base := &http.Transport{DialContext: n.DialContext}
	t.Cleanup(func() {
		base.CloseIdleConnections()
		n.End()
		_ = server.Close()
		<-ended
	})
	cfg.HTTPClient = &http.Client{Transport: transport.PlainBody(base)}
	return cfg
}
