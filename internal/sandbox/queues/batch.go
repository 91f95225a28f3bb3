package queues

// What all batch calls have in common: entries that succeed and fail one by one inside one answer of status 200.

import (
	"errors"
	"regexp"

	"inventoryd/internal/sandbox/wire"
)

// batches are the batch operations; the spread says which entries fail by no fault of the sender.
var batches = map[string]func(*Service, []byte, wire.Spread) (any, error){
	"SendMessageBatch":             (*Service).sendMessageBatch,
	"DeleteMessageBatch":           (*Service).deleteMessageBatch,
	"ChangeMessageVisibilityBatch": (*Service).changeVisibilityBatch,
}

type batchOut struct {
	Successful []any
	Failed     []failedEntry
}

type failedEntry struct {
	Id          string
	SenderFault bool
	Code        string
	Message     string
}

type succeeded struct{ Id string }

var entryID = regexp.MustCompile(`^[A-Za-z0-9_-]{1,80}$`)

// batch checks the entries as a whole, then applies f to each; kind is the entry's type as an error names it.
func batch[E interface{ id() string }](kind string, entries []E, undone wire.Spread, f func(E) (any, error)) (any, error) {
	if len(entries) == 0 {
		return nil, wire.Errorf("EmptyBatchRequest", "There should be at least one %s in the request.", kind)
	}
	if len(entries) > 10 {
		return nil, wire.Errorf("TooManyEntriesInBatchRequest", "Maximum number of entries per request are 10. You have sent %d.", len(entries))
	}
	seen := map[string]bool{}
	for _, e := range entries {
		if !entryID.MatchString(e.id()) {
			return nil, wire.Errorf("InvalidBatchEntryId", "A batch entry id can only contain alphanumeric characters, hyphens and underscores. It can be at most 80 letters long.")
		}
		if seen[e.id()] {
			return nil, wire.Errorf("BatchEntryIdsNotDistinct", "Id %s repeated.", e.id())
		}
		seen[e.id()] = true
	}
	out := batchOut{Successful: []any{}, Failed: []failedEntry{}}
	for _, e := range entries {
		if undone.Leaves() {
			out.Failed = append(out.Failed, failedEntry{e.id(), false, "InternalError", "We encountered an internal error. Please try again."})
			continue
		}
		answer, err := f(e)
		var refused *wire.Error
		switch {
		case errors.As(err, &refused):
			out.Failed = append(out.Failed, failedEntry{e.id(), true, refused.Code, refused.Message})
		case err != nil:
			return nil, err
		default:
			out.Successful = append(out.Successful, answer)
		}
	}
	return out, nil
}
