package delta

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"inventoryd/internal/attribute"
	"inventoryd/internal/inventory"
)

// Client is what Dynamo needs of DynamoDB's client, which must not retry.
type Client interface {
	BatchGetItem(context.Context, *dynamodb.BatchGetItemInput, ...func(*dynamodb.Options)) (*dynamodb.BatchGetItemOutput, error)
	Query(context.Context, *dynamodb.QueryInput, ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error)
}

// Dynamo is the Table that DynamoDB is.
type Dynamo struct {
	Client   Client
	Table    inventory.Table
	Consumed func(units float64) // told of the read units of each call
	// Whole has items read with all that they have, to tell of what is odd about them; Threshold names the attribute that
	// holds a threshold, where there is one.
	Whole     bool
	Threshold string
}

// names are the attributes that are read, by their placeholders.
func (t *Dynamo) names() map[string]string {
	return map[string]string{"#s": t.Table.Store, "#i": t.Table.Item, "#c": t.Table.Count}
}

// projection is what an answer is to hold; nil: all.
func (t *Dynamo) projection() *string {
	if t.Whole {
		return nil
	}
	return aws.String("#s,#i,#c")
}

// Get implements Table.
func (t *Dynamo) Get(ctx context.Context, keys []Key, found func(Item)) (left []Key, units float64, err error) {
	ask := types.KeysAndAttributes{ConsistentRead: aws.Bool(true), ProjectionExpression: t.projection(), Keys: make([]map[string]types.AttributeValue, len(keys))}
	if !t.Whole {
		ask.ExpressionAttributeNames = t.names()
	}
	for i, k := range keys {
		ask.Keys[i] = t.Table.KeyAttributes(inventory.Key{Store: string(k.Store), Item: string(k.Item)})
	}
	out, err := t.Client.BatchGetItem(ctx, &dynamodb.BatchGetItemInput{
		RequestItems: map[string]types.KeysAndAttributes{t.Table.Name: ask}, ReturnConsumedCapacity: types.ReturnConsumedCapacityTotal,
	})
	if err != nil {
		return keys, 0, fmt.Errorf("read table %s: %w", t.Table.Name, err)
	}
	for n := range out.ConsumedCapacity {
		units += t.took(&out.ConsumedCapacity[n])
	}
	for _, attributes := range out.Responses[t.Table.Name] {
		i, err := t.item(attributes)
		if err != nil {
			return keys, units, err
		}
		found(i)
	}
	for _, attributes := range out.UnprocessedKeys[t.Table.Name].Keys {
		i, err := t.item(attributes)
		if err != nil {
			return keys, units, err
		}
		left = append(left, i.Key)
	}
	return left, units, nil
}

// Range implements Table.
func (t *Dynamo) Range(ctx context.Context, r Range, found func(Item)) (last []byte, units float64, err error) {
	in := &dynamodb.QueryInput{
		TableName: &t.Table.Name, ConsistentRead: aws.Bool(true), ReturnConsumedCapacity: types.ReturnConsumedCapacityTotal,
		KeyConditionExpression: aws.String("#s = :s AND #i BETWEEN :first AND :last"), ProjectionExpression: t.projection(),
		ExpressionAttributeNames:  t.names(),
		ExpressionAttributeValues: map[string]types.AttributeValue{":s": text(r.Store), ":first": text(r.First), ":last": text(r.Last)},
		Limit:                     aws.Int32(int32(r.Limit)),
	}
	if t.Whole {
		delete(in.ExpressionAttributeNames, "#c")
	}
	if r.After != nil {
		in.ExclusiveStartKey = map[string]types.AttributeValue{t.Table.Store: text(r.Store), t.Table.Item: text(r.After)}
	}
	out, err := t.Client.Query(ctx, in)
	if err != nil {
		return r.After, 0, fmt.Errorf("read table %s: %w", t.Table.Name, err)
	}
	units = t.took(out.ConsumedCapacity)
	for _, attributes := range out.Items {
		i, err := t.item(attributes)
		if err != nil {
			return r.After, units, err
		}
		found(i)
	}
	if len(out.LastEvaluatedKey) == 0 {
		return nil, units, nil
	}
	i, err := t.item(out.LastEvaluatedKey)
	return i.Item, units, err
}

func text(s []byte) types.AttributeValue { return attribute.S(string(s)) }

// took tells of what a call took.
func (t *Dynamo) took(c *types.ConsumedCapacity) float64 {
	if c == nil {
		return 0
	}
	units := aws.ToFloat64(c.CapacityUnits)
	t.Consumed(units)
	return units
}

// item reads an item.
func (t *Dynamo) item(attributes map[string]types.AttributeValue) (Item, error) {
	store, ok1 := attributes[t.Table.Store].(*types.AttributeValueMemberS)
	item, ok2 := attributes[t.Table.Item].(*types.AttributeValueMemberS)
	if !ok1 || !ok2 {
		return Item{}, fmt.Errorf("read table %s: an item without %s and %s", t.Table.Name, t.Table.Store, t.Table.Item)
	}
	i := Item{Key: Key{[]byte(store.Value), []byte(item.Value)}, Known: Known{There: true}}
	if n, ok := attributes[t.Table.Count].(*types.AttributeValueMemberN); ok {
		count, err := inventory.ParseCount(n.Value)
		i.Count, i.Usable = count, err == nil
	}
	if t.Whole {
		i.Odd = t.odd(attributes)
	}
	return i, nil
}

// notOdd is an item's size that takes one write unit, whatever count it gets.
const notOdd = 1000

// odd is what is not usual about an item; nil: nothing.
func (t *Dynamo) odd(attributes map[string]types.AttributeValue) *Odd {
	o := Odd{Size: SizeOf(attributes)}
	if t.Threshold != "" {
		o.Threshold = inventory.ThresholdOf(attributes, t.Threshold)
	}
	if o.Size <= notOdd && o.Threshold == nil {
		return nil
	}
	return &o
}

// Admits is how many units the table says it gives in a second; 0: it does not say.
func Admits(t *types.TableDescription) (units float64) {
	if p := t.ProvisionedThroughput; p != nil && aws.ToInt64(p.ReadCapacityUnits) > 0 {
		return float64(*p.ReadCapacityUnits)
	}
	if w := t.WarmThroughput; w != nil {
		units = float64(aws.ToInt64(w.ReadUnitsPerSecond))
	}
	if o := t.OnDemandThroughput; o != nil {
		if most := float64(aws.ToInt64(o.MaxReadRequestUnits)); most > 0 && (units == 0 || most < units) { // -1: none
			units = most
		}
	}
	return units
}
