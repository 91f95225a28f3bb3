package wire

import (
	"context"
	"net"
	"sync"
	"time"
)

// patience is how long a connection is waited for. The calls of one load follow each other within milliseconds, all under one
// context: so the connection keeps its deadline while that is about right, and stays bound to the context of its last call.
type patience struct {
	of net.Conn

	mu       sync.Mutex      // guards what follows
	done     <-chan struct{} // of the context that it is bound to; nil: it is bound to none
	unbind   func() bool
	calling  bool
	deadline time.Time // of the connection; zero: it is over
}

// about is by how much the end of a call may be early.
const about = time.Second

// begin begins a call, which ends by a time, and with ctx.
func (p *patience) begin(ctx context.Context, by time.Time) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if ctx.Done() != p.done {
		p.bind(ctx)
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	p.calling = true
	if p.deadline.After(by) || by.Sub(p.deadline) > about {
		p.deadline = by
		return p.of.SetDeadline(by)
	}
	return nil
}

// bind has the call that is under way when ctx ends come to an end. The caller holds mu.
func (p *patience) bind(ctx context.Context) {
	if p.unbind != nil {
		p.unbind()
	}
	done := ctx.Done()
	p.done, p.unbind = done, nil
	if done == nil {
		return
	}
	p.unbind = context.AfterFunc(ctx, func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.done == done && p.calling {
			p.cut()
		}
	})
}

// cut ends all waiting. The caller holds mu.
func (p *patience) cut() {
	p.deadline = time.Time{}
	_ = p.of.SetDeadline(time.Unix(1, 0)) // a connection that refuses is closed
}

// end ends all waiting until the next call.
func (p *patience) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cut()
}

// over ends a call; false: it was cut off.
func (p *patience) over() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.calling = false
	return !p.deadline.IsZero()
}

// forget unbinds the connection.
func (p *patience) forget() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.unbind != nil {
		p.unbind()
	}
	p.done, p.unbind = nil, nil
}
