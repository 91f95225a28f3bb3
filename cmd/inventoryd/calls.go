package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/aws/smithy-go/middleware"
)

// slowCall is how long a call of AWS may take, with all its attempts, before the daemon calls itself not ready: longer than
// the 20 s for which SQS holds a receive, and short enough to show within 30 s.
const slowCall = 25 * time.Second

// calls watches the SDK's calls that are under way: one that never answers is no error yet that a part could tell of.
type calls struct {
	mu   sync.Mutex // guards open
	open map[*call]struct{}
}

type call struct {
	service, operation string
	began              time.Time
}

// Ready is nil, or names the oldest of the calls that take too long.
func (c *calls) Ready() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	var oldest *call
	for o := range c.open {
		if oldest == nil || o.began.Before(oldest.began) {
			oldest = o
		}
	}
	if oldest == nil || time.Since(oldest.began) < slowCall {
		return nil
	}
	return fmt.Errorf("%s has not answered %s for %s", oldest.service, oldest.operation, time.Since(oldest.began).Round(time.Second))
}

// watch adds the middleware; it stands behind the one that names service and operation.
func (c *calls) watch(stack *middleware.Stack) error {
	return stack.Initialize.Add(middleware.InitializeMiddlewareFunc("WatchCalls",
		func(ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler) (middleware.InitializeOutput, middleware.Metadata, error) {
			o := &call{middleware.GetServiceID(ctx), middleware.GetOperationName(ctx), time.Now()}
			c.note(o, true)
			defer c.note(o, false)
			return next.HandleInitialize(ctx, in)
		}), middleware.After)
}

func (c *calls) note(o *call, open bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if open {
		c.open[o] = struct{}{}
	} else {
		delete(c.open, o)
	}
}
