// Package loopback serves a sandbox on a port of this machine, for tests of what runs in processes of its own.
package loopback

import (
	"context"
	"testing"

	"inventoryd/internal/sandbox"
)

// Serve serves box until the test ends, and returns its address.
func Serve(t testing.TB, box *sandbox.Sandbox) (address string) {
	t.Helper()
	l, err := sandbox.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- box.Serve(ctx, l) }() // waited for below
	t.Cleanup(func() {
		stop()
		if err := <-served; err != nil {
			t.Error("sandbox:", err)
		}
	})
	return l.Addr().String()
}
