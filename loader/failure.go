package loader

// What errors of the services mean.

import (
	"errors"
	"net/http"
	"slices"
	"strings"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"

	"inventoryd/loader/lanes"
)

// Why the loading of an object is cut short although nothing is wrong with it; causes of its context.
var (
	errStopping = errors.New("the loader is being stopped")
	errLost     = errors.New("the message's visibility could not be renewed in time")
	errTwelve   = errors.New("SQS lets a message be held for 12 hours at most")
)

// Why an object needs no loading.
var (
	errGone       = errors.New("the object is gone")
	errSuperseded = errors.New("the object has been replaced; the newer one has its own event")
)

// code is the service's code of an error, or empty.
func code(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorCode()
	}
	return ""
}

// status is the HTTP status of an error, or 0.
func status(err error) int {
	var response *awshttp.ResponseError
	if errors.As(err, &response) {
		return response.HTTPStatusCode()
	}
	return 0
}

// throttled reports whether a service takes less than it is given.
func throttled(err error) bool {
	return slices.Contains([]string{
		"ProvisionedThroughputExceededException", "ThrottlingException", "Throttling", "RequestLimitExceeded",
		"LimitExceededException", "TooManyRequestsException", "SlowDown", "RequestThrottled", "ThrottledException",
		"KMS.ThrottlingException",
	}, code(err)) || status(err) == http.StatusTooManyRequests
}

// denied reports whether a service does not let us, or does not know who we are: nothing that trying soon would mend.
func denied(err error) bool {
	c := code(err)
	return status(err) == http.StatusForbidden || strings.HasPrefix(c, "AccessDenied") || strings.HasSuffix(c, ".AccessDeniedException") ||
		slices.Contains([]string{
			"Forbidden", "UnrecognizedClientException", "InvalidSignatureException", "IncompleteSignature", "InvalidClientTokenId",
			"ExpiredToken", "ExpiredTokenException", "SignatureDoesNotMatch", "InvalidAccessKeyId", "InvalidToken",
			"RequestTimeTooSkewed", "MissingAuthenticationTokenException", "AuthorizationHeaderMalformed", // or in which region we are
		}, c)
}

// judge says what an error of the table means for the batch that was to be written.
func judge(err error) lanes.Verdict {
	switch {
	case code(err) == "ValidationException":
		return lanes.Refuse
	case throttled(err):
		return lanes.Throttle
	}
	return lanes.Retry
}
