package web

// A bound on connections that slow or idle clients cannot turn against the others.

import (
	"context"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
)

// crowd is a listener that has at most n connections open at a time. One more closes the one that has been there longest
// among those whose request has not come in, else among all: whoever dawdles makes room, so a probe is answered while
// any number of slow clients try to hold all connections.
type crowd struct {
	net.Listener
	n int

	mu     sync.Mutex // guards what follows
	guests []*guest   // in the order of their coming
}

// guest is one connection.
type guest struct {
	net.Conn
	crowd  *crowd
	served atomic.Int32 // requests of it that are being answered
}

func limit(l net.Listener, n int) *crowd { return &crowd{Listener: l, n: n} }

func (c *crowd) Accept() (net.Conn, error) {
	conn, err := c.Listener.Accept()
	if err != nil {
		return nil, err
	}
	g := &guest{Conn: conn, crowd: c}
	if last := c.admit(g); last != nil {
		last.Close()
	}
	return g, nil
}

// admit takes g in and returns who has to go for it, or nil.
func (c *crowd) admit(g *guest) *guest {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.guests = append(c.guests, g)
	if len(c.guests) <= c.n {
		return nil
	}
	for _, o := range c.guests[:c.n] {
		if o.served.Load() == 0 {
			return o
		}
	}
	return c.guests[0]
}

// Close makes room.
func (g *guest) Close() error {
	c := g.crowd
	c.mu.Lock()
	for i, o := range c.guests {
		if o == g {
			c.guests = append(c.guests[:i], c.guests[i+1:]...)
			break
		}
	}
	c.mu.Unlock()
	return g.Conn.Close()
}

type guestKey struct{}

// know lets the handlers of a connection's requests find its guest.
func know(ctx context.Context, conn net.Conn) context.Context {
	return context.WithValue(ctx, guestKey{}, conn)
}

// serving notes on its connection that a request is being answered.
func serving(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if g, ok := r.Context().Value(guestKey{}).(*guest); ok {
			g.served.Add(1)
			defer g.served.Add(-1)
		}
		next.ServeHTTP(w, r)
	})
}
