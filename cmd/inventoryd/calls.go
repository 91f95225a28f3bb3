package main

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"sync"
	"time"

	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

const (
	// slowCall is how long AWS may leave a call unanswered, with all its attempts, before the daemon calls itself not ready:
	// longer than the 20 s for which SQS holds a receive, and short enough to show within 30 s.
	slowCall = 25 * time.Second
	// forgetCalls is for how long calls that were given up count when nobody tries again.
	forgetCalls = time.Minute
	// quickCancel is up to when a call that its caller cancels says nothing of the service.
	quickCancel = 5 * time.Second
)

// calls watches what AWS leaves unanswered: a call that never ends is no error yet that a part could tell of, and a part that
// gives up each call in time and tries again may take long to tell.
type calls struct {
	clock clock

	mu      sync.Mutex // guards what follows
	open    map[*call]struct{}
	silence map[question]silence
}

// question is what is asked of AWS.
type question struct{ service, operation, table string }

func (q question) String() string {
	if q.table == "" {
		return q.service + " has not answered " + q.operation
	}
	return q.service + " has not answered " + q.operation + " of " + q.table
}

// call is one that is under way.
type call struct {
	question
	began time.Time
}

// silence is a row of calls that were not answered: the first began at since, the last was given up at last.
type silence struct{ since, last time.Time }

func newCalls() *calls {
	return &calls{open: map[*call]struct{}{}, silence: map[question]silence{}}
}

// Ready is nil, or names what has been unanswered for the longest time, if that is too long.
func (c *calls) Ready() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	oldest, what := now, question{}
	consider := func(q question, since time.Time) {
		if since.Before(oldest) {
			oldest, what = since, q
		}
	}
	for o := range c.open {
		consider(o.question, o.began)
	}
	for q, s := range c.silence {
		if now.Sub(s.last) < forgetCalls {
			consider(q, s.since)
		}
	}
	if silent := now.Sub(oldest); silent >= slowCall {
		return fmt.Errorf("%s for %s", what, silent.Round(time.Second))
	}
	return nil
}

// watch adds the middleware; it stands behind the one that names service and operation.
func (c *calls) watch(stack *middleware.Stack) error {
	return stack.Initialize.Add(middleware.InitializeMiddlewareFunc("WatchCalls",
		func(ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler) (middleware.InitializeOutput, middleware.Metadata, error) {
			q := question{middleware.GetServiceID(ctx), middleware.GetOperationName(ctx), tableOf(in.Parameters)}
			o := c.begin(q)
			out, metadata, err := next.HandleInitialize(ctx, in)
			if came, ok := awsmiddleware.GetResponseAt(metadata); ok {
				if date, ok := awsmiddleware.GetServerTime(metadata); ok {
					c.clock.observe(date, came)
				}
			}
			cancelled := errors.Is(ctx.Err(), context.Canceled) && time.Since(o.began) < quickCancel
			c.end(o, answered(err), cancelled)
			return out, metadata, err
		}), middleware.After)
}

func (c *calls) begin(q question) *call {
	o := &call{q, time.Now()}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.open[o] = struct{}{}
	return o
}

func (c *calls) end(o *call, answered, cancelled bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.open, o)
	switch s, silent := c.silence[o.question]; {
	case answered:
		delete(c.silence, o.question)
	case cancelled:
	case silent && o.began.Sub(s.last) < forgetCalls:
		c.silence[o.question] = silence{s.since, time.Now()}
	default:
		c.silence[o.question] = silence{o.began, time.Now()}
	}
}

// answered tells whether a service has said something, if only that it does not want to.
func answered(err error) bool {
	var response *smithyhttp.ResponseError // also where there was none: then its status is 0
	return err == nil || errors.As(err, &response) && response.HTTPStatusCode() != 0
}

// tableOf is the table that an operation of DynamoDB is about, the first of a batch's, or empty.
func tableOf(input any) string {
	v := reflect.Indirect(reflect.ValueOf(input))
	if v.Kind() != reflect.Struct {
		return ""
	}
	if name := v.FieldByName("TableName"); name.Kind() == reflect.Pointer && !name.IsNil() {
		return name.Elem().String()
	}
	if items := v.FieldByName("RequestItems"); items.Kind() == reflect.Map && items.Len() > 0 {
		return items.MapKeys()[0].String()
	}
	return ""
}
