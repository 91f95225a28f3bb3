package notifier

import (
	"sync"
	"time"

	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/smithy-go/middleware"
)

// clock is DynamoDB's time, as its answers tell it; between them it goes on by the machine's monotonic clock. What the
// machine takes the time for decides nothing.
type clock struct {
	mu    sync.Mutex // guards what follows
	date  time.Time  // of the last answer
	heard time.Time  // when it came
}

// hear takes the Date of an answer and returns it; without one it is what the clock says.
func (c *clock) hear(m middleware.Metadata) time.Time {
	date, ok := awsmiddleware.GetServerTime(m)
	if !ok || date.IsZero() {
		return c.now()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.date, c.heard = date, time.Now()
	return date.UTC()
}

// now is the service's time; zero before the first answer.
func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.date.IsZero() {
		return time.Time{}
	}
	return c.date.Add(time.Since(c.heard)).UTC()
}
