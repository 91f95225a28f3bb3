package main

// The tables that the daemon works on, before any line runs.

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"go.uber.org/zap"

	"inventoryd/internal/inventory"
	"inventoryd/internal/sleep"
	"inventoryd/internal/state"
)

// tables makes sure of the tables before any line runs: the inventory's exists with the configured keys, the state
// table exists (it is created where permitted) and is this app's.
type tables struct {
	cfg    Config
	client *dynamodb.Client
	log    *zap.Logger

	claimed chan struct{} // closed once the tables are this app's

	mu      sync.Mutex // guards problem
	problem error
}

// afterClaim runs f once the tables are this app's.
func (t *tables) afterClaim(ctx context.Context, f func(context.Context) error) error {
	select {
	case <-t.claimed:
		return f(ctx)
	case <-ctx.Done():
		return nil
	}
}

// Ready is nil, or why the tables cannot be used yet.
func (t *tables) Ready() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.problem
}

func (t *tables) setProblem(err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.problem = err
}

// Claim returns once the tables can be used. Outages and denied access are retried until ctx ends; a table that does
// not fit is an error.
func (t *tables) Claim(ctx context.Context) error {
	for pause := time.Second; ; pause = min(2*pause, 30*time.Second) {
		err := t.claim(ctx)
		t.setProblem(err)
		if err == nil || errors.Is(err, state.ErrUnfit) || ctx.Err() != nil {
			return err
		}
		t.log.Warn("tables cannot be used yet", zap.Error(err), zap.Duration("retry_in", pause))
		if err := sleep.For(ctx, pause); err != nil {
			return err
		}
	}
}

func (t *tables) claim(ctx context.Context) error {
	cfg := t.cfg
	out, err := t.client.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: &cfg.Table.Name})
	var absent *types.ResourceNotFoundException
	if errors.As(err, &absent) {
		return fmt.Errorf("%w: there is no table %s in this account and region; create it, or set table.name", state.ErrUnfit, cfg.Table.Name)
	}
	if err != nil {
		return fmt.Errorf("describe table %s: %w", cfg.Table.Name, err)
	}
	if err := checkKeys(cfg.Table, out.Table); err != nil {
		return fmt.Errorf("%w: table %s %w", state.ErrUnfit, cfg.Table.Name, err)
	}
	created, err := state.EnsureState(ctx, t.client, cfg.StateTable)
	if created {
		t.log.Info("table created", zap.String("table", cfg.StateTable))
	}
	if err != nil {
		return err
	}
	return state.Claim(ctx, t.client, cfg.StateTable, cfg.App, aws.ToString(out.Table.TableArn))
}

// checkKeys compares the primary key of the inventory's table with the configuration.
func checkKeys(want inventory.Table, t *types.TableDescription) error {
	kinds := map[string]types.ScalarAttributeType{}
	for _, a := range t.AttributeDefinitions {
		kinds[aws.ToString(a.AttributeName)] = a.AttributeType
	}
	var names []string
	for _, k := range t.KeySchema {
		names = append(names, aws.ToString(k.AttributeName))
	}
	if len(names) != 2 || names[0] != want.Store || names[1] != want.Item {
		return fmt.Errorf("has the primary key %v, the configuration says [%s %s]; set table.store and table.item", names, want.Store, want.Item)
	}
	for _, n := range names {
		if kinds[n] != types.ScalarAttributeTypeS {
			return fmt.Errorf("has the key %s of type %s; inventoryd needs strings (S)", n, kinds[n])
		}
	}
	return nil
}
