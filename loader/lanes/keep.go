package lanes

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"inventoryd/internal/attribute"
	"inventoryd/internal/inventory"
)

// Updater is what Keeper needs of DynamoDB's client, which must not retry: the lanes do.
type Updater interface {
	UpdateItem(context.Context, *dynamodb.UpdateItemInput, ...func(*dynamodb.Options)) (*dynamodb.UpdateItemOutput, error)
}

// Keeper is the Table that sets counts and leaves items' other attributes alone, by one UpdateItem for each row: no batch of
// DynamoDB's does that.
type Keeper struct {
	Client Updater
	Table  inventory.Table
}

// Put implements Table. What a failed call and those behind it would have written is left, if some were before it.
func (k Keeper) Put(ctx context.Context, rows []Row) (left []Row, units float64, err error) {
	ctx, cancel := context.WithTimeout(ctx, PutTimeout)
	defer cancel()
	for n := range rows {
		took, err := k.update(ctx, &rows[n])
		units += took
		switch {
		case err == nil:
			continue
		case n == 0:
			return rows, units, err
		}
		return rows[:copy(rows, rows[n:])], units, nil
	}
	return rows[:0], units, nil
}

// update sets the count of one item.
func (k Keeper) update(ctx context.Context, r *Row) (units float64, err error) {
	out, err := k.Client.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: &k.Table.Name, Key: k.Table.KeyAttributes(inventory.Key{Store: string(r.Store), Item: string(r.Item)}),
		UpdateExpression: aws.String("SET #c = :c"), ExpressionAttributeNames: map[string]string{"#c": k.Table.Count},
		ExpressionAttributeValues: map[string]types.AttributeValue{":c": attribute.N(r.Count)},
		ReturnConsumedCapacity:    types.ReturnConsumedCapacityTotal,
	})
	if err != nil {
		return 0, fmt.Errorf("write to table %s: %w", k.Table.Name, err)
	}
	if out.ConsumedCapacity != nil {
		units = aws.ToFloat64(out.ConsumedCapacity.CapacityUnits)
	}
	return units, nil
}
