package lanes

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"inventoryd/internal/inventory"
)

// Bulk is what Dynamo needs of DynamoDB's client, which must not retry: the lanes do.
type Bulk interface {
	BatchWriteItem(context.Context, *dynamodb.BatchWriteItemInput, ...func(*dynamodb.Options)) (*dynamodb.BatchWriteItemOutput, error)
	DescribeTable(context.Context, *dynamodb.DescribeTableInput, ...func(*dynamodb.Options)) (*dynamodb.DescribeTableOutput, error)
}

// Dynamo is the Table that puts rows by BatchWriteItem. Make it by NewDynamo.
type Dynamo struct {
	Direct Direct // nil: all calls are the client's

	client  Bulk
	table   inventory.Table
	encoder *encoder
	input   *dynamodb.BatchWriteItemInput // names the table to the SDK; the rows are in the body
	usual   atomic.Pointer[usual]         // the last one
}

// NewDynamo makes the Table of a client.
func NewDynamo(client Bulk, table inventory.Table) *Dynamo {
	return &Dynamo{
		client: client, table: table, encoder: newEncoder(table),
		input: &dynamodb.BatchWriteItemInput{RequestItems: map[string][]types.WriteRequest{table.Name: nil}},
	}
}

// Admits is what the table takes at once, in write units per second; 0: it does not say. A table on demand takes more once
// it has been used more; its throughput is bounded where somebody has set a maximum ("DynamoDB warm throughput").
func (d *Dynamo) Admits(ctx context.Context) (units float64, err error) {
	out, err := d.client.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: &d.table.Name})
	if err != nil {
		return 0, fmt.Errorf("describe table %s: %w", d.table.Name, err)
	}
	t := out.Table
	if p := t.ProvisionedThroughput; p != nil && aws.ToInt64(p.WriteCapacityUnits) > 0 {
		return float64(*p.WriteCapacityUnits), nil
	}
	if w := t.WarmThroughput; w != nil {
		units = float64(aws.ToInt64(w.WriteUnitsPerSecond))
	}
	if o := t.OnDemandThroughput; o != nil {
		if most := float64(aws.ToInt64(o.MaxWriteRequestUnits)); most > 0 && (units == 0 || most < units) { // -1: none
			units = most
		}
	}
	return units, nil
}

// Put implements Table.
func (d *Dynamo) Put(ctx context.Context, rows []Row) (left []Row, units float64, err error) {
	began := time.Now()
	if left, units, ok := d.direct(ctx, rows); ok {
		return left, units, nil
	}
	ctx, cancel := context.WithDeadline(ctx, began.Add(PutTimeout))
	defer cancel()
	out, err := d.call(ctx, d.encoder.body(nil, rows))
	if err != nil {
		return rows, 0, fmt.Errorf("write to table %s: %w", d.table.Name, err)
	}
	for _, c := range out.ConsumedCapacity {
		units += aws.ToFloat64(c.CapacityUnits)
	}
	left, err = d.unprocessed(rows, out.UnprocessedItems)
	return left, units, err
}

// unprocessed moves those of rows that the answer names to the front.
func (d *Dynamo) unprocessed(rows []Row, items map[string][]types.WriteRequest) ([]Row, error) {
	if len(items) == 0 {
		return rows[:0], nil
	}
	named := map[inventory.Key]bool{}
	for _, requests := range items {
		for _, r := range requests {
			if r.PutRequest == nil {
				continue
			}
			item, err := d.table.ItemOf(r.PutRequest.Item)
			if err != nil {
				return rows, fmt.Errorf("unprocessed items of table %s: %w", d.table.Name, err)
			}
			named[item.Key] = true
		}
	}
	n := toFront(rows, named)
	if n != len(named) {
		return rows, fmt.Errorf("table %s names %d unprocessed items that were not sent", d.table.Name, len(named)-n)
	}
	return rows[:n], nil
}

// toFront moves the rows of the keys named to the front, and says how many there are.
func toFront(rows []Row, named map[inventory.Key]bool) (n int) {
	for i := range rows {
		if named[inventory.Key{Store: string(rows[i].Store), Item: string(rows[i].Item)}] {
			rows[n], rows[i] = rows[i], rows[n]
			n++
		}
	}
	return n
}
