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
	Usage:       "creates the daemon's own two tables where they are absent",
	Description: "Example:\n  inventoryd setup --dry-run",
	Flags:       append(originFlags(), &cli.BoolFlag{Name: "dry-run", Usage: "only say what would be created"}),
	Action: func(c *cli.Context) error {
		cfg, _, err := originOf(c).load()
		if err != nil {
			return usage(err)
		}
		all, err := connect(c.Context, cfg.AWS)
		if err != nil {
			return err
		}
		tables := all.Tables
		for _, name := range []string{cfg.StateTable, cfg.Stream.LeaseTable} {
			said, err := setup(c.Context, tables, name, c.Bool("dry-run"))
			if err != nil {
				return err
			}
			fmt.Fprintf(c.App.Writer, "table %s: %s\n", name, said)
		}
		return nil
	},
}

func setup(ctx context.Context, tables *dynamodb.Client, name string, dry bool) (string, error) {
	if dry {
		_, err := tables.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: &name})
		var absent *types.ResourceNotFoundException
		if errors.As(err, &absent) {
			return "would be created, on-demand billing", nil
		}
		return "exists", err
	}
	created, err := state.Ensure(ctx, tables, name)
	if created {
		return "created, on-demand billing", err
	}
	return "exists", err
}
