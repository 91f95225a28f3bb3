package notifier

// From changes to rows: one conditional write for each item of a batch that has crossed its threshold.

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"
	"go.uber.org/zap"

	"inventoryd/internal/inventory"
	"inventoryd/internal/state"
)

// Handle writes down what the changes lead to, in order for each item, and returns once that is durable; telling
// people is Run's business. It may be called for several shards at once, and again with a suffix of what was handled
// before. Its error is an *inventory.Failure, which names the first change that is not done: an outage of DynamoDB, or,
// permanent, a change that DynamoDB refuses to hold.
func (n *Notifier) Handle(ctx context.Context, changes []inventory.Change) error {
	s := n.settings.Load()
	found := n.detect(ctx, &s.Rules, changes)
	if len(found) == 0 {
		return nil
	}
	errs := make([]error, len(found))
	var writes sync.WaitGroup
	for i, t := range found {
		select {
		case n.slots <- struct{}{}:
		case <-ctx.Done():
			errs[i] = ctx.Err()
			continue
		}
		writes.Go(func() {
			defer func() { <-n.slots }()
			errs[i] = n.write(ctx, s, t)
		})
	}
	writes.Wait()
	for i, t := range found { // in the order of the batch
		if errs[i] != nil {
			err := fmt.Errorf("write what is due of %s to %s: %w", t.change.Key, n.config.StateTable, errs[i])
			n.memory.noteRows(err)
			return &inventory.Failure{Index: t.index, Permanent: refused(errs[i]), Err: err}
		}
	}
	n.memory.noteRows(nil)
	return nil
}

// write writes a transition.
func (n *Notifier) write(ctx context.Context, s *settings, t *transition) error {
	if t.head != nil {
		if err := n.write(ctx, s, t.head); err != nil {
			return err
		}
	}
	in := n.updateOf(&s.Rules, t)
	return retry(ctx, n.jitter, func() error {
		_, err := n.clients.State.UpdateItem(ctx, in)
		var failed *types.ConditionalCheckFailedException
		if errors.As(err, &failed) {
			return n.judgeRefusal(ctx, &s.Rules, t, failed.Item)
		}
		if err == nil {
			n.meters.transitions.add(ctx, 1)
			n.noteDue(&s.Rules, t)
		}
		return err
	})
}

// noteDue hands what is due to the teller of this instance.
func (n *Notifier) noteDue(r *Rules, t *transition) {
	if k := r.due(t); k != "" {
		n.queue.add(shelfKey{store: t.change.Store}, t.change.Item, rankOf(string(k)), t.change.Created)
	}
}

// due is what subscribers are to be told of a transition, if it still holds then and they know of the shortage.
func (r *Rules) due(t *transition) state.Kind {
	c := t.change
	switch {
	case t.to == state.Out:
		return state.Shortage
	case r.Restocked && c.New != nil && (c.Old == nil || c.New.Count > c.Old.Count):
		return state.Restock
	}
	return ""
}

// updateOf is the write of a transition: refused where the row is at its position or past it.
func (n *Notifier) updateOf(r *Rules, t *transition) *dynamodb.UpdateItemInput {
	u := newUpdate()
	next := r.itemAfter(t)
	row := next.Attributes(n.config.App)
	for _, name := range []string{state.PK, state.SK, state.AttrBegan, state.AttrBeganAt, state.AttrBeganCount} {
		if name == state.PK || name == state.SK || row[name] == nil { // where the shortage began the row may know
			delete(row, name)
		}
	}
	if t.change.New == nil {
		delete(row, state.AttrCount)
	}
	u.setAll(row)
	for _, name := range []string{
		state.AttrPrevious, state.AttrDue, state.AttrDueID, state.AttrFailed, state.AttrScan, state.LookPKCol, state.Next, state.Expires,
	} {
		if row[name] == nil {
			u.remove(name)
		}
	}
	conditions := []string{
		"(attribute_not_exists(#position) OR #position < :position)",
		"(attribute_not_exists(#scan) OR #scan < " + u.value("second", next.At) + " OR (#scan = :second AND #stock <> :stock))",
	}
	u.name(state.AttrScan)
	if !t.certain {
		conditions = append(conditions, "(attribute_not_exists(#stock) OR #stock <> :stock)")
	}
	if t.to == state.In {
		conditions = append(conditions, "attribute_exists(pk)")
	}
	in := u.input(n.config.StateTable, next.Key(n.config.App))
	in.ConditionExpression = aws.String(strings.Join(conditions, " AND "))
	in.ReturnValuesOnConditionCheckFailure = types.ReturnValuesOnConditionCheckFailureAllOld
	return in
}

// itemAfter is the row after a transition, as far as the change tells it.
func (r *Rules) itemAfter(t *transition) state.Item {
	c := t.change
	i := state.Item{
		Store: c.Store, Item: c.Item,
		Known: state.Known{Stock: t.to, Position: c.Position, EventID: c.ID, At: c.Created},
		Due:   state.Due{Kind: r.due(t), EventID: c.ID},
	}
	if c.New != nil {
		i.Count = c.New.Count
	}
	if c.Old != nil {
		i.Previous = &c.Old.Count
	}
	began := t.began
	if t.to == state.Out {
		began = c
	}
	if began != nil {
		i.Began = state.Began{Position: began.Position, At: began.Created, Count: began.New.Count}
	}
	if i.Due.Kind != "" {
		i.Look = &state.Look{At: c.Created, For: string(i.Due.Kind)}
	} else {
		i.Due = state.Due{}
		i.Expires = r.expiry(c.Created)
	}
	return i
}

// expiry is until when a row that says In is kept.
func (r *Rules) expiry(at time.Time) time.Time {
	return at.Add(max(state.InKept, r.Cooldown)).Truncate(time.Second)
}

// judgeRefusal tells what a refused write means by the row that stands there: nil where the transition is done, or is
// none. A row that is none of ours is overwritten.
func (n *Notifier) judgeRefusal(ctx context.Context, r *Rules, t *transition, row attributeMap) error {
	if len(row) == 0 {
		return nil // nobody was ever told that it is out
	}
	there, err := state.ItemOf(row)
	switch {
	case err != nil:
		n.noteMended(err)
		mended := r.itemAfter(t)
		if err := n.overwrite(ctx, row, mended); err != nil {
			return err
		}
		n.meters.transitions.add(ctx, 1)
		n.noteDue(r, t)
	case there.Position >= t.change.Position, !there.Scan.IsZero() && there.Scan.After(t.change.Created):
		n.meters.repeated.add(ctx, 1)
	}
	return nil // else the row says already what an uncertain transition leads to
}

// noteMended logs a row that was broken, at most once a minute.
func (n *Notifier) noteMended(err error) {
	if count, due := n.broken.add(1); due {
		n.log.Warn("row of an item was broken and is written anew", zap.Int("rows", count), zap.Error(err))
	}
}

// refused reports whether DynamoDB will never take a write.
func refused(err error) bool {
	var canceled *types.TransactionCanceledException
	if errors.As(err, &canceled) {
		return decided(err)
	}
	var api smithy.APIError
	return errors.As(err, &api) && api.ErrorCode() == "ValidationException"
}

// tolerate logs a write of the teller that DynamoDB will never take, and goes on: one row must not stop what is due of
// all others. Every other error it returns.
func (n *Notifier) tolerate(err error) error {
	if !refused(err) {
		return err
	}
	if count, due := n.unwritten.add(1); due {
		n.log.Error("row cannot be written, the teller goes on without it", zap.Int("rows", count), zap.Error(err))
	}
	return nil
}
