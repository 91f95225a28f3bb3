package dynamo

// Why a transaction was cancelled ("TransactionCanceledException").

import (
	"strings"

	"inventoryd/internal/sandbox/dynamo/attr"
	"inventoryd/internal/sandbox/wire"
)

// reason says why a write cancels its transaction; its zero value is none.
type reason struct {
	Code    string
	Message string        `json:",omitempty"`
	Item    attr.Document `json:",omitempty"`
}

var errConflict = wire.Errorf("TransactionConflict", "Transaction is ongoing for the item")

// reasonOf words a write's error as TransactionCanceledException has it.
func reasonOf(err error) *reason {
	if err == nil {
		return &reason{Code: "None"}
	}
	e := wireError(err)
	out := &reason{Code: e.Code, Message: e.Message}
	switch e.Code {
	case "ConditionalCheckFailedException":
		out.Code = "ConditionalCheckFailed"
		out.Item, _ = e.Fields["Item"].(attr.Document)
	case "ValidationException":
		out.Code = "ValidationError"
	case "ProvisionedThroughputExceededException":
		out.Code = "ProvisionedThroughputExceeded"
	case "ThrottlingException":
		out.Code = "ThrottlingError"
	}
	return out
}

// cancelled is the error of a transaction that has reasons to fail; nil where there are none.
func cancelled(reasons []*reason) error {
	codes, failed := make([]string, len(reasons)), false
	for i, r := range reasons {
		codes[i] = r.Code
		failed = failed || r.Code != "None"
	}
	if !failed {
		return nil
	}
	e := wire.Errorf("TransactionCanceledException", "Transaction cancelled, please refer cancellation reasons for specific reasons [%s]", strings.Join(codes, ", "))
	e.Fields = map[string]any{"CancellationReasons": reasons}
	return e
}
