package notifier

// The outbox: messages are written down before they are published, in transactions that only the teller of the day can
// make.

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"go.uber.org/zap"

	"inventoryd/internal/attribute"
	"inventoryd/internal/inventory"
	"inventoryd/internal/state"
)

// errFenced says that another instance tells.
var errFenced = errors.New("another instance tells")

// term is the time in which this instance tells.
type term struct {
	n      *Notifier
	id     string // names the teller in the row
	topic  *topic
	cancel context.CancelFunc // ends the term
	// publishing is good for calls of SNS: a little longer than the term when the daemon stops, never longer than the lease.
	publishing context.Context
	found      chan struct{} // closed once what is due at the beginning is known
}

// newID makes an id that nobody else has.
func newID() string {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}

// take makes this instance the teller: what another one writes down from now on is refused.
func (t *term) take(ctx context.Context) error {
	n := t.n
	return n.persist(ctx, func() error {
		out, err := n.clients.State.UpdateItem(ctx, &dynamodb.UpdateItemInput{
			TableName: &n.config.StateTable, Key: state.TellerKey(n.config.App).Attributes(),
			UpdateExpression:          aws.String("SET #teller = :teller"),
			ExpressionAttributeNames:  map[string]string{"#teller": state.AttrTeller},
			ExpressionAttributeValues: attributeMap{":teller": attribute.S(t.id)},
		})
		if err == nil {
			n.clock.hear(out.ResultMetadata)
		}
		return err
	})
}

// transact makes writes that only the teller may make; errFenced where that is another instance.
func (t *term) transact(ctx context.Context, writes ...types.TransactWriteItem) error {
	n := t.n
	check := types.TransactWriteItem{ConditionCheck: &types.ConditionCheck{
		TableName: &n.config.StateTable, Key: state.TellerKey(n.config.App).Attributes(),
		ConditionExpression:       aws.String("#teller = :teller"),
		ExpressionAttributeNames:  map[string]string{"#teller": state.AttrTeller},
		ExpressionAttributeValues: attributeMap{":teller": attribute.S(t.id)},
	}}
	err := n.persist(ctx, func() error {
		out, err := n.clients.State.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: append([]types.TransactWriteItem{check}, writes...)})
		if err == nil {
			n.clock.hear(out.ResultMetadata)
		}
		return err
	})
	var canceled *types.TransactionCanceledException
	if errors.As(err, &canceled) && len(canceled.CancellationReasons) > 0 && aws.ToString(canceled.CancellationReasons[0].Code) == "ConditionalCheckFailed" {
		t.cancel()
		return errFenced
	}
	return err
}

func (t *term) put(row attributeMap) types.TransactWriteItem {
	return types.TransactWriteItem{Put: &types.Put{TableName: &t.n.config.StateTable, Item: row}}
}

func (t *term) delete(k state.Key) types.TransactWriteItem {
	return types.TransactWriteItem{Delete: &types.Delete{TableName: &t.n.config.StateTable, Key: k.Attributes()}}
}

// Limits of a transaction ("TransactWriteItems"): actions, and bytes of all items, with room to spare.
const (
	maxActions       = 90
	maxTransactBytes = 3 << 20
)

// writeDown makes the messages durable before any of them is published. replaces is a message in whose place they come.
func (t *term) writeDown(ctx context.Context, drafts []state.Outgoing, replaces *state.Outgoing) error {
	app := t.n.config.App
	var writes []types.TransactWriteItem
	if replaces != nil {
		writes = append(writes, t.delete(state.OutgoingKey(app, replaces.ID)))
	}
	bytes := 0
	for i := range drafts {
		d := &drafts[i]
		d.ID, d.Written = t.nextID(d, i), t.n.clock.now()
		d.Shadow = !t.n.settings.Load().send || d.Store == inventory.Canary
		weighs := size(d)
		for _, s := range d.Subjects {
			weighs += s.Size()
		}
		if len(writes) >= maxActions || bytes+weighs > maxTransactBytes {
			if err := t.transact(ctx, writes...); err != nil {
				return fmt.Errorf("write messages down: %w", err)
			}
			writes, bytes = nil, 0
		}
		writes = append(writes, t.put(d.Row(app)))
		bytes += weighs
	}
	if err := t.transact(ctx, writes...); err != nil {
		return fmt.Errorf("write messages down: %w", err)
	}
	return nil
}

// nextID makes an id that sorts as the messages were written down.
func (t *term) nextID(d *state.Outgoing, part int) string {
	return fmt.Sprintf("%s-%s-%05d", t.n.clock.now().UTC().Format("20060102T150405.000"), d.Dedup[:16], part)
}

// takeBack forgets a message that was not published: its items are looked at anew.
func (t *term) takeBack(ctx context.Context, o *state.Outgoing) error {
	if err := t.transact(ctx, t.delete(state.OutgoingKey(t.n.config.App, o.ID))); err != nil {
		return fmt.Errorf("take message %s back: %w", o.ID, err)
	}
	return nil
}

// outgoing reads what lies there to be published, oldest first. A row that is none of ours is taken out of the way.
func (t *term) outgoing(ctx context.Context) ([]state.Outgoing, error) {
	n := t.n
	var all []state.Outgoing
	in := &dynamodb.QueryInput{
		TableName: &n.config.StateTable, ConsistentRead: aws.Bool(true), KeyConditionExpression: aws.String("pk = :pk"),
		ExpressionAttributeValues: attributeMap{":pk": attribute.S(state.TellerKey(n.config.App).PK)},
	}
	for {
		out, err := n.query(ctx, in)
		if err != nil {
			return nil, fmt.Errorf("read outgoing messages of %s: %w", n.config.StateTable, err)
		}
		for _, row := range out.Items {
			k := state.KeyOf(row)
			if k == state.TellerKey(n.config.App) {
				continue
			}
			o, err := state.OutgoingOf(row)
			if err != nil {
				n.log.Error("outgoing message is none and is taken back", zap.Error(err))
				if err := t.transact(ctx, t.delete(k)); err != nil {
					return nil, err
				}
				continue
			}
			all = append(all, o)
		}
		if len(out.LastEvaluatedKey) == 0 {
			return all, nil
		}
		in.ExclusiveStartKey = out.LastEvaluatedKey
	}
}

// query asks until DynamoDB answers.
func (n *Notifier) query(ctx context.Context, in *dynamodb.QueryInput) (out *dynamodb.QueryOutput, err error) {
	err = n.persist(ctx, func() error {
		if out, err = n.clients.State.Query(ctx, in); err == nil {
			n.clock.hear(out.ResultMetadata)
		}
		return err
	})
	return out, err
}

// noteSent records that SNS has taken a message: what comes after a crash from here on repeats nothing.
func (t *term) noteSent(ctx context.Context, o *state.Outgoing) error {
	n := t.n
	u := newUpdate()
	u.set(state.AttrSent, attribute.S(o.Sent))
	in := u.input(n.config.StateTable, state.OutgoingKey(n.config.App, o.ID))
	in.ConditionExpression = aws.String("attribute_exists(pk)")
	err := n.persist(ctx, func() error {
		_, err := n.clients.State.UpdateItem(ctx, in)
		return err
	})
	if isRefusedCondition(err) {
		return nil // another teller has finished it
	}
	return err
}

// resendFor is how long a message is sent again unchanged from when it was written down: as long as a FIFO topic drops
// repetitions ("Message deduplication for Amazon SNS FIFO topics").
const resendFor = 5 * time.Minute
