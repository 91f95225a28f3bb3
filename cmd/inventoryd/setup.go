package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/urfave/cli/v2"

	"inventoryd/internal/state"
)

var setupCommand = &cli.Command{
	Name:        "setup",
	Usage:       "creates the daemon's own two tables where they are absent, and the state table's index",
	Description: "Example:\n  inventoryd setup --dry-run",
	Flags:       append(originFlags(), &cli.BoolFlag{Name: "dry-run", Usage: "only say what would be created"}),
	Action: func(c *cli.Context) error {
		cfg, all, err := configured(c)
		if err != nil {
			return err
		}
		for _, table := range []struct {
			name   string
			ensure func(context.Context, state.Creator, string) (bool, error)
		}{{cfg.StateTable, state.EnsureState}, {cfg.Stream.LeaseTable, state.Ensure}} {
			var said string
			if c.Bool("dry-run") {
				said, err = foretell(c.Context, all.Tables, table.name, table.name == cfg.StateTable)
			} else {
				said, err = setup(c.Context, all.Tables, table.name, table.ensure)
			}
			if err != nil {
				return err
			}
			fmt.Fprintf(c.App.Writer, "table %s: %s\n", table.name, said)
		}
		return nil
	},
}

// foretell says what setup would do about a table, which wants the index where look is true.
func foretell(ctx context.Context, tables *dynamodb.Client, name string, look bool) (string, error) {
	out, err := tables.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: &name})
	var absent *types.ResourceNotFoundException
	switch {
	case errors.As(err, &absent):
		return "would be created, on-demand billing", nil
	case err == nil && look && len(out.Table.GlobalSecondaryIndexes) == 0:
		return "exists; its index " + state.LookIndex + " would be added", nil
	}
	return "exists", err
}

// setup makes sure of a table, and of its index where ensure misses that.
func setup(ctx context.Context, tables *dynamodb.Client, name string, ensure func(context.Context, state.Creator, string) (bool, error)) (string, error) {
	created, err := ensure(ctx, tables, name)
	if errors.Is(err, state.ErrNoIndex) {
		return "exists; its index " + state.LookIndex + " was added", state.AddIndex(ctx, tables, name)
	}
	if created {
		return "created, on-demand billing", err
	}
	return "exists", err
}
