package notifier

// What is due, found in the index.

import (
	"context"
	"encoding/hex"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"inventoryd/internal/attribute"
	"inventoryd/internal/state"
)

// How often the index is read: a page of each partition where other instances handle changes too, all that is due, and
// either while nothing can be published.
const (
	pageEvery    = 2 * time.Second
	wholeEvery   = time.Minute
	failingEvery = 30 * time.Second
)

// find fills the queue from the index until the term ends: with everything at the beginning.
func (t *term) find(ctx context.Context) error {
	n := t.n
	if err := t.sweep(ctx, false); err != nil {
		return err
	}
	if err := t.findDue(ctx, true); err != nil {
		return err
	}
	close(t.found)
	whole := time.Now()
	for {
		every := pageEvery
		if n.gate.failed() {
			every = failingEvery
		}
		select {
		case <-time.After(every):
		case <-n.resweep:
			if err := t.sweep(ctx, true); err != nil {
				return err
			}
		case <-ctx.Done():
			return ctx.Err()
		}
		all := time.Since(whole) >= wholeEvery || n.queue.room()
		if !all && (n.config.Others == nil || !n.config.Others()) {
			continue // what this instance handles it hands over in memory
		}
		if all {
			whole = time.Now()
		}
		if err := t.findDue(ctx, all); err != nil {
			return err
		}
	}
}

// findDue reads what is to be looked at by now, the oldest of it or all.
func (t *term) findDue(ctx context.Context, all bool) error {
	return t.eachPartition(ctx, all, "#next <= :next", state.LookBefore(t.n.clock.now()))
}

// sweep looks at rows that were to be looked at later, because the rules have changed: those without a reminder that
// are to have one, and after new settings all.
func (t *term) sweep(ctx context.Context, anew bool) error {
	switch {
	case anew:
		return t.eachPartition(ctx, true, "#next >= :next", "0")
	case t.n.settings.Load().Remind > 0:
		return t.eachPartition(ctx, true, "#next = :next", state.Look{For: string(state.Shortage)}.String())
	}
	return nil
}

func (t *term) eachPartition(ctx context.Context, all bool, condition, next string) error {
	for _, b := range state.BucketNames() {
		if err := t.queueFrom(ctx, b, all, condition, next); err != nil {
			return err
		}
	}
	return nil
}

// queueFrom reads a partition of the index into the queue.
func (t *term) queueFrom(ctx context.Context, bucket string, all bool, condition, next string) error {
	n := t.n
	in := lookQuery(n.config.StateTable, n.config.App, bucket, condition, next)
	for {
		out, err := n.query(ctx, in)
		if err != nil {
			return err
		}
		for _, row := range out.Items {
			if err := t.queueRow(ctx, row); err != nil {
				return err
			}
		}
		if in.ExclusiveStartKey = out.LastEvaluatedKey; !all || len(out.LastEvaluatedKey) == 0 {
			return nil
		}
	}
}

// lookQuery asks a partition of the index.
func lookQuery(table, app, bucket, condition, next string) *dynamodb.QueryInput {
	return &dynamodb.QueryInput{
		TableName: &table, IndexName: aws.String(state.LookIndex),
		KeyConditionExpression:   aws.String("#look = :look AND " + condition),
		ExpressionAttributeNames: map[string]string{"#look": state.LookPKCol, "#next": state.Next},
		ExpressionAttributeValues: attributeMap{
			":look": attribute.S(state.LookPK(app, bucket)),
			":next": attribute.S(next),
		},
	}
}

// queueRow puts what the index names into the queue.
func (t *term) queueRow(ctx context.Context, row attributeMap) error {
	n := t.n
	k := state.KeyOf(row)
	var look state.Look
	if s, ok := row[state.Next].(*types.AttributeValueMemberS); ok {
		look = state.LookOf(s.Value)
	}
	if kind, ok := k.KindOfTell(n.config.App); ok {
		n.queue.add(shelfKey{tell: kind}, k.SK, rankFeed, look.At)
		return nil
	}
	store, ok, err := n.storeOf(ctx, k)
	if err != nil || !ok {
		return err
	}
	r := rankOf(look.For)
	if look.At.IsZero() {
		r = rankOther
	}
	n.queue.add(shelfKey{store: store}, k.SK, r, look.At)
	return nil
}

// storeOf is the store of an item's row by its key; where that holds a hash the row says it.
func (n *Notifier) storeOf(ctx context.Context, k state.Key) (store string, ok bool, err error) {
	store, ok = k.StoreOfItem(n.config.App)
	if _, notHex := hex.DecodeString(store); !ok || len(store) != 64 || notHex != nil {
		return store, ok, nil
	}
	var out *dynamodb.GetItemOutput
	err = n.persist(ctx, func() error {
		out, err = n.clients.State.GetItem(ctx, &dynamodb.GetItemInput{TableName: &n.config.StateTable, Key: k.Attributes(), ConsistentRead: aws.Bool(true)})
		return err
	})
	if err != nil {
		return "", false, err
	}
	named, ok := out.Item[state.AttrStore].(*types.AttributeValueMemberS)
	if !ok {
		return store, len(out.Item) > 0, nil // a broken row: as its key says
	}
	return strings.Clone(named.Value), true, nil
}
