// Package wire is what the sandbox's services have in common on the wire: a call as they see it, and an error as
// they word it. The sandbox decodes the protocol in front of a service and encodes its answer behind it.
package wire

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
)

// Request is one call of a service that speaks JSON (DynamoDB, its streams, SQS).
type Request struct {
	Operation   string  // "PutItem"
	Body        []byte  // JSON
	Client      string  // the access key id that signed the call
	Unprocessed float64 // share of a batch that is to be left undone (fault.Effect)
}

// Service answers calls; what it returns is encoded as JSON. Its errors are *Error, or the context's.
type Service interface {
	Call(ctx context.Context, r Request) (any, error)
}

// Error is an error answer.
type Error struct {
	Status  int    // HTTP status; 0: 400
	Code    string // "ResourceNotFoundException"
	Message string
	Fields  map[string]any // further members of the answer, say "Item" of a ConditionalCheckFailedException
}

func (e *Error) Error() string { return e.Code + ": " + e.Message }

// Errorf makes an error of status 400.
func Errorf(code, format string, args ...any) *Error {
	return &Error{Status: 400, Code: code, Message: fmt.Sprintf(format, args...)}
}

// Spread leaves a share (0–1) of a batch's entries undone, evenly spread over it.
type Spread struct {
	Share float64
	sum   float64
}

// Leaves says whether the next entry is left undone.
func (s *Spread) Leaves() bool {
	s.sum += s.Share
	if s.sum < 1-1e-9 {
		return false
	}
	s.sum--
	return true
}

// JSON encodes a document of texts and numbers as AWS writes it: without the escapes that only HTML needs.
func JSON(v any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic(fmt.Errorf("sandbox: encode a document: %w", err))
	}
	return bytes.TrimRight(b.Bytes(), "\n")
}
