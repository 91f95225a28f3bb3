// Package conformance states AWS's documented behaviour as cases, and runs them against the sandbox, DynamoDB Local and
// fauxqs. Where a stand-in differs from the documentation, differences_test.go says so and why; a difference that is not
// listed there fails, and so does one that is listed and is none any more. table.md shows the outcome; it is kept up to
// date by `go test ./test/conformance -update`, which may be given some cases by -run.
package conformance

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"

	"github.com/aws/aws-sdk-go-v2/aws"

	"inventoryd/internal/sandbox"
)

// Case is one statement about a service.
type Case struct {
	Service string // "dynamodb", "streams", "s3", "sqs", "sns", "sts", "cloudwatch"
	Name    string // what is promised
	Doc     string // the name of AWS's page that says so
	// Sandbox marks what only the sandbox can be brought to do within a test: hours that pass, shards that split.
	Sandbox bool
	Run     func(t *T, e *Env)
}

// cases are all cases; each file adds its own.
var cases []Case

// add is called while the package's variables are made.
func add(service string, list ...Case) bool {
	for _, c := range list {
		c.Service = service
		cases = append(cases, c)
	}
	return true
}

// Env is where a case runs: a stand-in in which nobody else has tables, queues or buckets of the same names.
type Env struct {
	Config  aws.Config       // of SDK clients that do not retry
	Sandbox *sandbox.Sandbox // nil on the other stand-ins
}

// T takes what a case finds. The first finding that differs from the documentation is the case's outcome; Fatalf and
// the checks below end the case.
type T struct {
	*testing.T
	strict   bool   // wording counts
	found    string // the difference
	reworded bool   // an error has the right code in other words
}

// Fatalf says how the stand-in differs, and ends the case.
func (t *T) Fatalf(format string, args ...any) {
	t.found = fmt.Sprintf(format, args...)
	runtime.Goexit()
}

// Fatal is Fatalf.
func (t *T) Fatal(args ...any) { t.Fatalf("%s", fmt.Sprint(args...)) }

// Errorf is Fatalf.
func (t *T) Errorf(format string, args ...any) { t.Fatalf(format, args...) }

// Error is Fatalf.
func (t *T) Error(args ...any) { t.Fatal(args...) }

// ok expects no error.
func (t *T) ok(err error) {
	if err != nil {
		t.Fatalf("%s", shortly(err))
	}
}

// refused expects an error of that code, worded with all the parts: they are the service's words, which its
// documentation seldom quotes, so only the sandbox is held to them.
func (t *T) refused(err error, code string, parts ...string) {
	var api smithy.APIError
	if !errors.As(err, &api) {
		t.Fatalf("want %s, got %s", code, shortly(err))
	}
	if api.ErrorCode() != code {
		if t.strict || unprefixed(api.ErrorCode()) != unprefixed(code) {
			t.Fatalf("want %s, got %s", code, shortly(err))
		}
		t.reworded = true
	}
	for _, p := range parts {
		if strings.Contains(api.ErrorMessage(), p) {
			continue
		}
		if t.strict {
			t.Fatalf("want %s: …%s…, got: %s", code, p, api.ErrorMessage())
		}
		t.reworded = true
	}
}

// unprefixed is a code without the prefix that some of SQS's had in its Query protocol.
func unprefixed(code string) string { return strings.TrimPrefix(code, "AWS.SimpleQueueService.") }

// equal expects got to be want.
func (t *T) equal(what string, got, want any) {
	if d := cmp.Diff(want, got); d != "" {
		t.Fatalf("%s is %v, want %v", what, got, want)
	}
}

// eventually expects f to become true within some seconds of real time: other stand-ins have no clock that tests move.
func (t *T) eventually(what string, f func() bool) {
	for deadline := time.Now().Add(10 * time.Second); !f(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s did not come true within 10 s", what)
		}
	}
}

// shortly is an error without what the SDK says around it.
func shortly(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorCode() + ": " + api.ErrorMessage()
	}
	return fmt.Sprint(err)
}
