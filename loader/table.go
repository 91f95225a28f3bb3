package loader

// The inventory's table as the loader uses it: how it is written, how it is read, and how fast.

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"inventoryd/internal/inventory"
	"inventoryd/loader/delta"
	"inventoryd/loader/lanes"
)

// table is the loader's.
type table struct {
	*lanes.Dynamo
	client Tables
	is     inventory.Table
	memory *delta.Budget
	paces  *paces
}

// paces are those of one table, which all that use it share.
type paces struct{ write, read lanes.Pace }

func newTable(c Clients, cfg *Config) table {
	d := lanes.NewDynamo(c.Tables, cfg.Table)
	if cfg.FastPath && c.Wire != nil {
		d.Direct = c.Wire
	}
	return table{d, c.Tables, cfg.Table, delta.NewBudget(int64(cfg.DeltaMemory)), &paces{}}
}

// writes is how the table is written by a configuration.
func (t table) writes(c *Config) lanes.Table {
	if c.Attributes == "keep" {
		return lanes.Keeper{Client: t.client, Table: t.is}
	}
	return t.Dynamo
}

// admitsReads is what the table gives at once, in read units per second; 0: it does not say.
func (t table) admitsReads(ctx context.Context) (units float64, err error) {
	out, err := t.client.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: &t.is.Name})
	if err != nil {
		return 0, fmt.Errorf("describe table %s: %w", t.is.Name, err)
	}
	return delta.Admits(out.Table), nil
}
