package loader

// The ledger: marks of those who load an object, and what the table holds of it (docs/loads.md).

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"inventoryd/internal/state"
)

// mark is what one message has set in the row of an object, and what the row said then.
type mark struct {
	name     string
	seq      int64           // of the marks that were ever set, ours the last
	others   bool            // somebody else's was there, or one of an earlier try of this message
	strange  bool            // among them one of another message, who may write after us what it has read before
	lapsed   []string        // those among them behind which nobody stands any more
	released string          // ETag of an upload that is to be loaded whatever there is to say against it; "": none
	finished *state.Version  // what the table holds as far as the row knows; nil: unknown
	frontier *state.Frontier // that the row has, as far as we know; nil: none
}

// setMark sets a mark for a message. It waits for the state table: without the ledger nothing is begun.
func (l *Loader) setMark(ctx context.Context, o *object, messageID string) (*mark, error) {
	cfg := l.cfg()
	now := time.Now()
	m := &mark{name: state.NewMark(now, messageID, fmt.Sprintf("%016x", rand.Uint64()))}
	err := l.insist(ctx, theState, toState, callTimeout, func(ctx context.Context) error {
		out, err := l.clients.State.UpdateItem(ctx, state.MarkLoad(cfg.StateTable, cfg.App, o.told.Bucket, o.told.Key, m.name, now))
		if err != nil {
			return fmt.Errorf("set a mark in table %s: %w", cfg.StateTable, err)
		}
		row, err := state.LoadOf(out.Attributes)
		if err != nil {
			return err
		}
		m.seq, m.finished, m.released, m.frontier, m.others, m.lapsed = row.Seq, row.Finished, row.Released, row.Frontier, len(row.Marks) > 1, nil
		m.strange = false
		for _, other := range row.Marks {
			switch {
			case other == m.name:
			case state.Lapsed(other, now):
				m.lapsed = append(m.lapsed, other)
			case !state.MarkOf(other, messageID):
				m.strange = true
			}
		}
		return nil
	})
	return m, err
}

// closeMark takes a mark away, with what the closing says.
func (l *Loader) closeMark(ctx context.Context, o *object, m *mark, c state.Closing) error {
	cfg := l.cfg()
	c.Bucket, c.Key, c.Marks, c.Seq = o.told.Bucket, o.told.Key, append(m.lapsed, m.name), m.seq
	return l.insist(ctx, theState, toState, callTimeout, func(ctx context.Context) error {
		_, err := l.clients.State.UpdateItem(ctx, state.CloseLoad(cfg.StateTable, cfg.App, c, time.Now()))
		var other *types.ConditionalCheckFailedException
		if errors.As(err, &other) { // somebody has begun since, and may write what is older or newer
			c.Finished, c.Void = nil, true
			_, err = l.clients.State.UpdateItem(ctx, state.CloseLoad(cfg.StateTable, cfg.App, c, time.Now()))
		}
		if err != nil {
			return fmt.Errorf("remove a mark from table %s: %w", cfg.StateTable, err)
		}
		return nil
	})
}
