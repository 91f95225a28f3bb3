package notifier

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"golang.org/x/sync/errgroup"

	"inventoryd/internal/inventory"
	"inventoryd/internal/state"
)

// Rows is what a Notifier needs of DynamoDB for the state table.
type Rows interface {
	Counts
	BatchWriteItem(context.Context, *dynamodb.BatchWriteItemInput, ...func(*dynamodb.Options)) (*dynamodb.BatchWriteItemOutput, error)
	PutItem(context.Context, *dynamodb.PutItemInput, ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error)
}

// Counts is what a Notifier needs of DynamoDB for the inventory's table.
type Counts interface {
	BatchGetItem(context.Context, *dynamodb.BatchGetItemInput, ...func(*dynamodb.Options)) (*dynamodb.BatchGetItemOutput, error)
}

const (
	maxKeys    = 100 // of a BatchGetItem
	readsAbout = 8   // BatchGetItems at once, of one call of Handle
)

type attributeMap = map[string]types.AttributeValue

// knownRows reads the alert rows of the items.
func (n *Notifier) knownRows(ctx context.Context, items []inventory.Key) (map[inventory.Key]state.Alert, error) {
	keys := make([]attributeMap, len(items))
	for i, k := range items {
		keys[i] = state.AlertKey(n.config.App, k.Store, k.Item).Attributes()
	}
	rows, err := read(ctx, n.clients.State, n.config.StateTable, types.KeysAndAttributes{}, keys)
	if err != nil {
		return nil, err
	}
	known := make(map[inventory.Key]state.Alert, len(rows))
	for _, row := range rows {
		a, err := state.AlertOf(row)
		if err != nil {
			return nil, err
		}
		known[inventory.Key{Store: a.Store, Item: a.Item}] = a
	}
	return known, nil
}

// presentStock reads on which side of the threshold the items are now; those that are not there, or have no usable
// count, are absent.
func (n *Notifier) presentStock(ctx context.Context, r Rules, items []inventory.Key) (map[inventory.Key]state.Stock, error) {
	t := n.config.Table
	keys := make([]attributeMap, len(items))
	for i, k := range items {
		keys[i] = t.KeyAttributes(k)
	}
	rows, err := read(ctx, n.clients.Table, t.Name, types.KeysAndAttributes{
		ProjectionExpression:     aws.String("#store, #item, #count"),
		ExpressionAttributeNames: map[string]string{"#store": t.Store, "#item": t.Item, "#count": t.Count},
	}, keys)
	if err != nil {
		return nil, err
	}
	present := make(map[inventory.Key]state.Stock, len(rows))
	for _, row := range rows {
		if item, err := t.ItemOf(row); err == nil {
			present[item.Key] = r.side(&item)
		}
	}
	return present, nil
}

// read gets the rows with the keys, consistently, by the hundred and some hundreds at once, as shape says.
func read(ctx context.Context, c Counts, table string, shape types.KeysAndAttributes, keys []attributeMap) ([]attributeMap, error) {
	chunks := slices.Collect(slices.Chunk(keys, maxKeys))
	found := make([][]attributeMap, len(chunks))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(readsAbout)
	for i, chunk := range chunks {
		g.Go(func() (err error) {
			found[i], err = readChunk(ctx, c, table, shape, chunk)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	return slices.Concat(found...), nil
}

// readChunk gets at most a hundred rows; what DynamoDB leaves unprocessed is asked for again.
func readChunk(ctx context.Context, c Counts, table string, shape types.KeysAndAttributes, keys []attributeMap) ([]attributeMap, error) {
	var rows []attributeMap
	shape.ConsistentRead = aws.Bool(true)
	err := retry(ctx, func() error {
		shape.Keys = keys
		out, err := c.BatchGetItem(ctx, &dynamodb.BatchGetItemInput{RequestItems: map[string]types.KeysAndAttributes{table: shape}})
		if err != nil {
			return err
		}
		rows = append(rows, out.Responses[table]...)
		keys = out.UnprocessedKeys[table].Keys
		if len(keys) > 0 {
			return fmt.Errorf("%d keys: %w", len(keys), errUnprocessed)
		}
		return nil
	})
	return rows, err
}

// historyOf is the row of the history of an alert that was published.
func (n *Notifier) historyOf(s *step) state.AlertHistory {
	return state.AlertHistory{
		Store: s.alert.Store, Item: s.alert.Item, Event: string(s.alert.Event), EventID: s.alert.id, Count: s.alert.Count,
		At: s.alert.Since, Published: n.config.wall(), MessageID: s.messageID,
	}
}

// writeHistory puts the rows, at most a unit's, by one call.
func (n *Notifier) writeHistory(ctx context.Context, history []state.AlertHistory) error {
	if len(history) == 0 {
		return nil
	}
	puts := make([]types.WriteRequest, len(history))
	for i, h := range history {
		puts[i].PutRequest = &types.PutRequest{Item: h.Attributes(n.config.App)}
	}
	table := n.config.StateTable
	return retry(ctx, func() error {
		out, err := n.clients.State.BatchWriteItem(ctx, &dynamodb.BatchWriteItemInput{RequestItems: map[string][]types.WriteRequest{table: puts}})
		if err != nil {
			return err
		}
		if puts = out.UnprocessedItems[table]; len(puts) > 0 {
			return fmt.Errorf("%d rows: %w", len(puts), errUnprocessed)
		}
		return nil
	})
}

// mark puts an alert row unless the one that is there is at our position or past it. At our position it is our own
// write, whose answer was lost, or that of an instance which handled the same change; past it, that instance has gone
// on. Either way the transition is applied.
func (n *Notifier) mark(ctx context.Context, a state.Alert) error {
	return retry(ctx, func() error {
		_, err := n.clients.State.PutItem(ctx, &dynamodb.PutItemInput{
			TableName:                           &n.config.StateTable,
			Item:                                a.Attributes(n.config.App),
			ConditionExpression:                 aws.String("attribute_not_exists(#position) OR #position < :position"),
			ExpressionAttributeNames:            map[string]string{"#position": "position"},
			ExpressionAttributeValues:           attributeMap{":position": &types.AttributeValueMemberS{Value: a.Position}},
			ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
		})
		var failed *types.ConditionalCheckFailedException
		if !errors.As(err, &failed) {
			return err
		}
		there, broken := state.AlertOf(failed.Item)
		if broken == nil && there.Position >= a.Position {
			return nil
		}
		return errors.Join(err, broken)
	})
}
