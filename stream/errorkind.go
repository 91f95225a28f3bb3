package stream

// This file: what kinds of errors there are, and how long to wait before the same call is made again. Which kind
// means what for a shard is decided in decide.go.

import (
	"errors"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// errorKind is a kind of error. Throttling and validation errors are not modelled for the stream's operations, so codes
// are compared, not types.
type errorKind int

const (
	none      errorKind = iota
	throttled           // any throttling code
	limited             // LimitExceededException: among others, too many readers of one shard
	broken              // 5xx, time-out, network, an answer that makes no sense
	denied              // no permission, bad credentials, bad signature
	expired             // the iterator is older than 15 minutes
	trimmed             // the position is older than 24 hours
	absent              // the stream, shard or table is not there
	invalid             // the service does not understand the request
	conflict            // a condition of a write did not hold
	refused             // any other error of the client's making
)

var deniedCodes = map[string]bool{
	"AccessDenied": true, "AccessDeniedException": true, "UnauthorizedOperation": true, "NotAuthorized": true,
	"UnrecognizedClientException": true, "InvalidClientTokenId": true, "OptInRequired": true,
	"InvalidSignatureException": true, "SignatureDoesNotMatch": true, "IncompleteSignature": true,
	"MissingAuthenticationToken": true, "MissingAuthenticationTokenException": true,
	"ExpiredToken": true, "ExpiredTokenException": true, "RequestExpired": true, "KMSAccessDeniedException": true,
}

// forbidden is true of an error that says that this caller has no permission, which waiting does not give it; expired or
// wrong credentials are replaced, clocks are set right.
func forbidden(err error) bool {
	var api smithy.APIError
	if !errors.As(err, &api) {
		return false
	}
	switch api.ErrorCode() {
	case "AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "NotAuthorized":
		return true
	}
	return false
}

// classify names the kind of an error.
func classify(err error) errorKind {
	var api smithy.APIError
	var response *smithyhttp.ResponseError
	switch {
	case err == nil:
		return none
	case errors.As(err, &api):
		if kind, ok := codeOf(api.ErrorCode()); ok {
			return kind
		}
		if errors.As(err, &response) {
			return statusOf(response.HTTPStatusCode())
		}
		if api.ErrorFault() == smithy.FaultServer {
			return broken
		}
		return refused
	default:
		return broken
	}
}

func codeOf(code string) (errorKind, bool) {
	switch code {
	case "LimitExceededException":
		return limited, true
	case "ExpiredIteratorException":
		return expired, true
	case "TrimmedDataAccessException":
		return trimmed, true
	case "ResourceNotFoundException", "TableNotFoundException":
		return absent, true
	case "ValidationException", "ValidationError":
		return invalid, true
	case "ConditionalCheckFailedException":
		return conflict, true
	}
	if _, ok := retry.DefaultThrottleErrorCodes[code]; ok {
		return throttled, true
	}
	return denied, deniedCodes[code]
}

func statusOf(status int) errorKind {
	switch {
	case status >= 500, status == http.StatusRequestTimeout:
		return broken
	case status == http.StatusTooManyRequests:
		return throttled
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		return denied
	default:
		return refused
	}
}

// deniedPause is the time between two attempts of a call that is not permitted.
const deniedPause = 30 * time.Second

// delay is the wait before attempt n (from 0) of a call is made again, and whether it is to be made again at all.
// random is in [0, 1).
func (k errorKind) delay(n int, random float64) (time.Duration, bool) {
	switch k {
	case throttled, limited: // full jitter
		return time.Duration(random * float64(grow(250*time.Millisecond, 10*time.Second, n))), true
	case broken:
		return time.Duration((1 + random) / 2 * float64(grow(100*time.Millisecond, 5*time.Second, n))), true
	case denied, refused:
		return deniedPause, true
	default:
		return 0, false
	}
}

// grow doubles from least, n times, up to most.
func grow(least, most time.Duration, n int) time.Duration {
	for ; n > 0 && least < most; n-- {
		least *= 2
	}
	return min(least, most)
}
