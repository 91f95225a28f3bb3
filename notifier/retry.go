package notifier

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/aws/smithy-go"
)

// Retries of one call to DynamoDB before the batch is handed back as failed; the reader then waits longer.
const (
	attempts  = 6
	firstWait = 50 * time.Millisecond // doubled each time, up to
	mostWait  = 800 * time.Millisecond
)

// errUnprocessed is the error of a call of which DynamoDB has done a part.
var errUnprocessed = errors.New("left unprocessed by DynamoDB")

// retry calls until it succeeds, an error is not worth another attempt, or the attempts are used up; it returns the
// last error. Between the attempts it waits with full jitter. Attempts that got a part done do not count: a table with
// little throughput gets through in the end.
func retry(ctx context.Context, call func() error) error {
	wait := firstWait
	for attempt := 1; ; attempt++ {
		err := call()
		if errors.Is(err, errUnprocessed) {
			attempt = 0
		}
		if err == nil || attempt == attempts || !passing(ctx, err) {
			return err
		}
		select {
		case <-time.After(time.Duration(rand.Int64N(int64(wait)))):
		case <-ctx.Done():
			return err
		}
		wait = min(2*wait, mostWait)
	}
}

// passing reports whether an error of DynamoDB may be gone in a second: throttling, an outage, the network. Denied
// access and a missing table are not, nor is what the service says of the request itself.
func passing(ctx context.Context, err error) bool {
	if ctx.Err() != nil {
		return false
	}
	var api smithy.APIError
	if !errors.As(err, &api) {
		return true
	}
	switch api.ErrorCode() {
	case "ThrottlingException", "ProvisionedThroughputExceededException", "RequestLimitExceeded", "LimitExceededException",
		"InternalServerError", "InternalFailure", "ServiceUnavailable", "TransactionConflictException", "ReplicatedWriteConflictException":
		return true
	}
	return api.ErrorFault() == smithy.FaultServer
}
