package notifier

// Reading: the rows of items, then the table's present items, by the hundred and consistently.

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

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
	GetItem(context.Context, *dynamodb.GetItemInput, ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error)
	PutItem(context.Context, *dynamodb.PutItemInput, ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error)
	UpdateItem(context.Context, *dynamodb.UpdateItemInput, ...func(*dynamodb.Options)) (*dynamodb.UpdateItemOutput, error)
	Query(context.Context, *dynamodb.QueryInput, ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error)
	TransactWriteItems(context.Context, *dynamodb.TransactWriteItemsInput, ...func(*dynamodb.Options)) (*dynamodb.TransactWriteItemsOutput, error)
}

// Counts is what a Notifier needs of DynamoDB for the inventory's table.
type Counts interface {
	BatchGetItem(context.Context, *dynamodb.BatchGetItemInput, ...func(*dynamodb.Options)) (*dynamodb.BatchGetItemOutput, error)
	Scan(context.Context, *dynamodb.ScanInput, ...func(*dynamodb.Options)) (*dynamodb.ScanOutput, error)
}

const (
	maxKeys    = 100 // of a BatchGetItem
	readsAbout = 8   // BatchGetItems at once, of one look
)

// known are the rows of some items, and the service's time before any of them was read.
type known struct {
	rows   map[inventory.Key]state.Item
	broken []brokenRow
	v      time.Time
}

// brokenRow is one that is none of ours.
type brokenRow struct {
	key inventory.Key
	row attributeMap
	err error
}

// knownRows reads the rows of items.
func (n *Notifier) knownRows(ctx context.Context, items []inventory.Key) (*known, error) {
	keys := make([]attributeMap, len(items))
	names := make(map[state.Key]inventory.Key, len(items))
	for i, k := range items {
		key := state.ItemKey(n.config.App, k.Store, k.Item)
		keys[i], names[key] = key.Attributes(), k
	}
	rows, v, err := n.read(ctx, n.clients.State, n.config.StateTable, types.KeysAndAttributes{}, keys)
	if err != nil {
		return nil, err
	}
	found := &known{rows: make(map[inventory.Key]state.Item, len(rows)), v: v}
	for _, row := range rows {
		k := names[state.KeyOf(row)]
		i, err := state.ItemOf(row)
		if err != nil || i.Store != k.Store {
			found.broken = append(found.broken, brokenRow{k, row, err})
			continue
		}
		found.rows[k] = i
	}
	return found, nil
}

// stock is what the table holds of some items.
type stock struct {
	items      map[inventory.Key]*inventory.Item // those with a usable count
	unreadable map[inventory.Key]bool            // those without
	others     map[inventory.Key]map[string]string
}

// presentStock reads the present items; others says that templates want their other attributes.
func (n *Notifier) presentStock(ctx context.Context, items []inventory.Key, others bool) (*stock, error) {
	t := n.config.Table
	keys := make([]attributeMap, len(items))
	for i, k := range items {
		keys[i] = t.KeyAttributes(k)
	}
	var shape types.KeysAndAttributes
	if !others {
		shape.ProjectionExpression, shape.ExpressionAttributeNames = n.shape().projection()
	}
	rows, _, err := n.read(ctx, n.clients.Table, t.Name, shape, keys)
	if err != nil {
		return nil, err
	}
	return n.shape().stockOf(rows, others), nil
}

// tableShape is how the inventory's table is read: its names, and that of the attribute which holds an item's own
// threshold ("": none does).
type tableShape struct {
	inventory.Table
	threshold string
}

func (n *Notifier) shape() tableShape { return tableShape{n.config.Table, n.config.ThresholdAttribute} }

// projection is what of an item is read.
func (t tableShape) projection() (*string, map[string]string) {
	names := map[string]string{"#store": t.Store, "#item": t.Item, "#count": t.Count}
	expression := "#store, #item, #count"
	if t.threshold != "" && t.threshold != t.Count {
		names["#threshold"] = t.threshold
		expression += ", #threshold"
	}
	return &expression, names
}

// stockOf reads rows of the inventory's table.
func (t tableShape) stockOf(rows []attributeMap, others bool) *stock {
	s := &stock{items: make(map[inventory.Key]*inventory.Item, len(rows)), unreadable: map[inventory.Key]bool{}}
	if others {
		s.others = make(map[inventory.Key]map[string]string, len(rows))
	}
	for _, row := range rows {
		item, err := t.ItemOf(row)
		if err != nil {
			s.unreadable[item.Key] = true
			continue
		}
		item.Threshold = inventory.ThresholdOf(row, t.threshold)
		s.items[item.Key] = &item
		if others {
			s.others[item.Key] = plain(row)
		}
	}
	return s
}

// plain are the strings and numbers of an item.
func plain(row attributeMap) map[string]string {
	all := make(map[string]string, len(row))
	for name, v := range row {
		switch v := v.(type) {
		case *types.AttributeValueMemberS:
			all[name] = v.Value
		case *types.AttributeValueMemberN:
			all[name] = v.Value
		case *types.AttributeValueMemberBOOL:
			all[name] = fmt.Sprint(v.Value)
		}
	}
	return all
}

// read gets the rows with the keys, consistently, by the hundred and some hundreds at once, as shape says. v is the
// service's time of the first answer, none later.
func (n *Notifier) read(ctx context.Context, c Counts, table string, shape types.KeysAndAttributes, keys []attributeMap) (rows []attributeMap, v time.Time, err error) {
	chunks := slices.Collect(slices.Chunk(keys, maxKeys))
	found := make([][]attributeMap, len(chunks))
	var mu sync.Mutex // guards v
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(readsAbout)
	for i, chunk := range chunks {
		g.Go(func() error {
			return n.persist(ctx, func() error {
				rows, at, left, err := n.readChunk(ctx, c, table, shape, chunk)
				if err != nil {
					return err
				}
				found[i] = append(found[i], rows...)
				mu.Lock()
				if v.IsZero() || at.Before(v) {
					v = at
				}
				mu.Unlock()
				if chunk = left; len(left) > 0 {
					return fmt.Errorf("%d keys: %w", len(left), errUnprocessed)
				}
				return nil
			})
		})
	}
	if err := g.Wait(); err != nil {
		return nil, v, fmt.Errorf("read %s: %w", table, err)
	}
	return slices.Concat(found...), v, nil
}

// readChunk gets at most a hundred rows, and returns the keys that DynamoDB has left unprocessed.
func (n *Notifier) readChunk(ctx context.Context, c Counts, table string, shape types.KeysAndAttributes, keys []attributeMap) (rows []attributeMap, at time.Time, left []attributeMap, err error) {
	shape.ConsistentRead, shape.Keys = aws.Bool(true), keys
	out, err := c.BatchGetItem(ctx, &dynamodb.BatchGetItemInput{RequestItems: map[string]types.KeysAndAttributes{table: shape}})
	if err != nil {
		return nil, time.Time{}, nil, err
	}
	return out.Responses[table], n.clock.hear(out.ResultMetadata), out.UnprocessedKeys[table].Keys, nil
}

// keysOf makes sorted keys of items of one store.
func keysOf(store string, items []string) []inventory.Key {
	keys := make([]inventory.Key, len(items))
	for i, item := range items {
		keys[i] = inventory.Key{Store: store, Item: item}
	}
	slices.SortFunc(keys, func(a, b inventory.Key) int { return strings.Compare(a.Item, b.Item) })
	return keys
}
