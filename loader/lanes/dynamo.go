package lanes

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"inventoryd/internal/inventory"
)

// Bulk is what Dynamo needs of DynamoDB's client, which must not retry: the lanes do.
type Bulk interface {
	BatchWriteItem(context.Context, *dynamodb.BatchWriteItemInput, ...func(*dynamodb.Options)) (*dynamodb.BatchWriteItemOutput, error)
}

// Dynamo is the Table that puts rows by BatchWriteItem.
type Dynamo struct {
	Client   Bulk
	Table    inventory.Table
	Consumed func(units float64) // told of the write capacity units of each call
}

// Put implements Table.
func (d *Dynamo) Put(ctx context.Context, rows []Row) ([]Row, error) {
	requests := make([]types.WriteRequest, len(rows))
	for i, r := range rows {
		requests[i].PutRequest = &types.PutRequest{Item: d.Table.Attributes(inventory.Item{
			Key: inventory.Key{Store: string(r.Store), Item: string(r.Item)}, Count: r.Count,
		})}
	}
	out, err := d.Client.BatchWriteItem(ctx, &dynamodb.BatchWriteItemInput{
		RequestItems:           map[string][]types.WriteRequest{d.Table.Name: requests},
		ReturnConsumedCapacity: types.ReturnConsumedCapacityTotal,
	})
	if err != nil {
		return rows, fmt.Errorf("write to table %s: %w", d.Table.Name, err)
	}
	for _, c := range out.ConsumedCapacity {
		if c.CapacityUnits != nil {
			d.Consumed(*c.CapacityUnits)
		}
	}
	return d.unprocessed(rows, out.UnprocessedItems)
}

// unprocessed moves those of rows that the answer names to the front.
func (d *Dynamo) unprocessed(rows []Row, items map[string][]types.WriteRequest) ([]Row, error) {
	if len(items) == 0 {
		return rows[:0], nil
	}
	named := make(map[inventory.Key]bool)
	for _, requests := range items {
		for _, r := range requests {
			if r.PutRequest == nil {
				continue
			}
			item, err := d.Table.ItemOf(r.PutRequest.Item)
			if err != nil {
				return rows, fmt.Errorf("unprocessed items of table %s: %w", d.Table.Name, err)
			}
			named[item.Key] = true
		}
	}
	n := 0
	for i := range rows {
		if named[inventory.Key{Store: string(rows[i].Store), Item: string(rows[i].Item)}] {
			rows[n], rows[i] = rows[i], rows[n]
			n++
		}
	}
	if n != len(named) {
		return rows, fmt.Errorf("table %s names %d unprocessed items that were not sent", d.Table.Name, len(named)-n)
	}
	return rows[:n], nil
}
