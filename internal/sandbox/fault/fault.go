// Package fault scripts what goes wrong between a client and the sandbox: rules that match calls and say what
// happens to them.
package fault

import (
	"net/http"
	"time"
)

// Call is what a rule can look at.
type Call struct {
	Service   string // "s3", "sqs", "sns", "sts", "dynamodb", "streams", "cloudwatch"
	Operation string // "BatchWriteItem", "GetObject", ...
	Client    string // the access key id that signed the call: a test gives each instance its own
	Body      []byte // the whole request body (nil for s3)
	Request   *http.Request
}

// Rule says what happens to calls that match. Empty fields match all. Rules are tried in the order in which they
// were added; the first that matches, and is not used up, applies.
type Rule struct {
	Service, Operation, Client string
	Match                      func(Call) bool // further condition; nil: none

	Skip  int // let that many matching calls pass first
	Times int // then apply that often; 0: always
	Every int // of the matching calls apply to each Every-th only; 0 and 1: each

	Effect Effect
}

// Effect is what happens to a call; the fields combine, in this order.
type Effect struct {
	Delay time.Duration // wait first; ends early when the client goes
	Hang  bool          // then never answer, until the client goes
	// Reset then breaks the connection before the call has any effect. Over real connections net/http itself repeats a GET
	// whose reused connection breaks; in process nothing does.
	Reset bool
	Error *Error // or answer this error, without effect
	Drop  bool   // or take effect and break the connection instead of answering
	Half  bool   // or take effect and break the connection after half of the answer's body
	Stall bool   // or take effect and send half of the answer's body, and then nothing until the client goes
	// Unprocessed is the share (0–1) of a batch's entries that are not done, inside an answer of status 200: items of a
	// BatchWriteItem or BatchGetItem are answered as unprocessed, entries of SQS's and SNS's batches as failed by no
	// fault of the sender.
	Unprocessed float64
	Do          func() // called first of all: for scripts that change something in the middle of a run
}

// Error is an error answer as the service words it.
type Error struct {
	Status  int    // HTTP status; 0: 400
	Code    string // "ThrottlingException", "SlowDown", ...
	Message string
}

// Errors that most scripts need.
var (
	Throttle            = Effect{Error: &Error{400, "ThrottlingException", "Rate exceeded"}}
	ThroughputExceeded  = Effect{Error: &Error{400, "ProvisionedThroughputExceededException", "The level of configured provisioned throughput for the table was exceeded."}}
	Throttled           = Effect{Error: &Error{429, "Throttled", "Rate exceeded"}} // SNS
	InternalServerError = Effect{Error: &Error{500, "InternalServerError", "Internal server error"}}
	Unavailable         = Effect{Error: &Error{503, "ServiceUnavailable", "Service is unavailable"}}
	AccessDenied        = Effect{Error: &Error{403, "AccessDenied", "Access Denied"}}
	AccessDeniedJSON    = Effect{Error: &Error{400, "AccessDeniedException", "User is not authorized to perform the operation"}}
)
