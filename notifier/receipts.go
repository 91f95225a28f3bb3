package notifier

import (
	"fmt"
	"maps"
	"strings"
	"sync"
	"time"

	"inventoryd/internal/inventory"
)

// receipts remembers what SNS has accepted until its row says so: where the row cannot be written, the change comes
// again, and must not be told again. It bounds these alerts, with those being sent, to what may be repeated after a
// crash: 10 × in_flight.
type receipts struct {
	limit int

	mu      sync.Mutex // guards what follows
	sending int
	held    map[string]receipt // by event id
}

type receipt struct {
	messageID string
	touched   time.Time // its change came last
}

// receiptKept is how long a receipt keeps others from publishing while its change does not come again. The reader tries
// again every 30 s at least: the shard has gone to another instance, which goes by the row.
const receiptKept = 2 * time.Minute

// among returns the message ids, by event id, of the alerts of those changes that were accepted before.
func (r *receipts) among(changes []inventory.Change, found []candidate, now time.Time) map[string]string {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.held) == 0 {
		return nil
	}
	accepted := map[string]string{}
	for _, f := range found {
		id := changes[f.index].ID
		if known, ok := r.held[id]; ok {
			accepted[id] = known.messageID
			r.held[id] = receipt{known.messageID, now}
		}
	}
	return accepted
}

// reserve announces n alerts that are about to be sent; collect ends it. It fails while too many rows are owed.
func (r *receipts) reserve(n int, now time.Time) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.held)+r.sending+n > r.limit {
		maps.DeleteFunc(r.held, func(_ string, known receipt) bool { return now.Sub(known.touched) > receiptKept })
	}
	if owed := len(r.held); owed+r.sending+n > r.limit {
		return fmt.Errorf("nothing is published before the rows of %d published alerts can be written", owed)
	}
	r.sending += n
	return nil
}

// collect takes the receipts of what was reserved and sent.
func (r *receipts) collect(sent []*step, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sending -= len(sent)
	for _, s := range sent {
		if s.err == nil {
			r.held[strings.Clone(s.alert.id)] = receipt{s.messageID, now} // the id may share memory with a page of the stream
		}
	}
}

// settle forgets receipts: the rows say it now.
func (r *receipts) settle(eventIDs ...string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, id := range eventIDs {
		delete(r.held, id)
	}
}
