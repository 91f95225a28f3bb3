package loader

// Errors: of services, as the table of fates takes them, and the loader's own.

import (
	"errors"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"

	"inventoryd/loader/feed"
)

// Why the work on a message is cut short although nothing is wrong with it; causes of its context.
var (
	errStopping = errors.New("the loader is being stopped")
	errLost     = errors.New("the message's visibility could not be renewed in time")
	errTwelve   = errors.New("SQS lets a message be held for 12 hours at most")
	errCrowded  = errors.New("too many messages wait; this one has waited longest")
)

// failure is an error whose fate is known.
type failure struct {
	of   asked
	fate fate
	err  error
	shut bool // the answer says that we may not: trying soon mends nothing
}

func (f *failure) Error() string { return f.err.Error() }
func (f *failure) Unwrap() error { return f.err }

// failed gives the error of a call its fate.
func failed(of asked, err error) *failure {
	a := answerOf(of, err)
	return &failure{of, fateOf(a), err, refusesUs(a)}
}

// answerOf is what an error says of the call.
func answerOf(of asked, err error) answer {
	a := answer{of: of}
	var api smithy.APIError
	if errors.As(err, &api) {
		a.code = api.ErrorCode()
	}
	var response *awshttp.ResponseError
	if errors.As(err, &response) {
		a.status = response.HTTPStatusCode()
	}
	if a.code == "UnknownError" || a.code == "NotModified" { // the SDK's word for an answer without one
		a.code = ""
	}
	return a
}

// fateIn is the fate of what a load ended with; false: it was cut short.
func fateIn(err error) (fate, bool) {
	var f *failure
	var unusable *feed.Unusable
	var back *heldBack
	switch {
	case errors.As(err, &back):
		return held, true
	case errors.As(err, &f):
		return f.fate, true
	case errors.As(err, &unusable):
		return bad, true
	}
	return "", false
}

// dependency is what a failure of reading or reporting an object is the trouble of.
func (f *failure) dependency(bucket string) dependency {
	switch {
	case f.of == toReport:
		return theReport
	case f.of == toSpill:
		return theDisk
	case f.fate == bucketWaits:
		return bucketOf(bucket)
	}
	return objectsOf(bucket)
}
