package notifier

import (
	"context"
	"errors"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"

	"inventoryd/internal/sleep"
)

// Retries of one call to DynamoDB before Handle hands the batch back as failed; the reader then waits longer.
const (
	attempts  = 6
	firstWait = 50 * time.Millisecond // doubled each time, up to
	mostWait  = 800 * time.Millisecond
)

// errUnprocessed is the error of a call of which DynamoDB has done a part.
var errUnprocessed = errors.New("left unprocessed by DynamoDB")

// retry calls until it succeeds, an error is not worth another attempt, or the attempts are used up; it returns the
// last error. Between the attempts it waits with full jitter.
func retry(ctx context.Context, jitter func(time.Duration) time.Duration, call func() error) error {
	wait := firstWait
	for attempt := 1; ; attempt++ {
		err := call()
		if err == nil || attempt == attempts || !passing(ctx, err) {
			return err
		}
		if sleep.For(ctx, jitter(wait)) != nil {
			return err
		}
		wait = min(2*wait, mostWait)
	}
}

// The teller has nobody to hand a call back to: it waits up to
const longestWait = 10 * time.Second

// persist calls until it succeeds, DynamoDB's answer is a decision, or ctx ends. While it waits, Ready says why.
func (n *Notifier) persist(ctx context.Context, call func() error) error {
	wait := firstWait
	failed := false
	for {
		err := call()
		if errors.Is(err, errUnprocessed) {
			wait = firstWait
		}
		if err == nil || decided(err) || ctx.Err() != nil {
			if failed {
				n.memory.noteTeller(nil)
			}
			return err
		}
		if !errors.Is(err, errUnprocessed) && wait > mostWait {
			failed = true
			n.memory.noteTeller(err)
		}
		if sleep.For(ctx, n.jitter(wait)) != nil {
			return err
		}
		wait = min(2*wait, longestWait)
	}
}

// decided reports whether an answer of DynamoDB is final: a condition that does not hold, or a call that is no good.
func decided(err error) bool {
	var canceled *types.TransactionCanceledException
	if errors.As(err, &canceled) {
		for _, r := range canceled.CancellationReasons {
			if r.Code != nil && (*r.Code == "ConditionalCheckFailed" || *r.Code == "ValidationError") {
				return true
			}
		}
		return false
	}
	return isRefusedCondition(err) || refused(err)
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
