package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

	"inventoryd/internal/health"
	"inventoryd/internal/inventory"
	"inventoryd/internal/lease"
	"inventoryd/internal/sleep"
	"inventoryd/internal/state"
)

// part is what the frame sees of a component: whether it can work, a snapshot for /status, and where new settings go.
type part struct {
	name   string
	ready  func() error
	status func() any
	apply  func(Config)
}

// watchOver has the parts asked whether they are ready.
func watchOver(h *health.Health, parts []part) {
	for _, p := range parts {
		if p.ready != nil {
			h.Part(p.name, p.ready)
		}
	}
}

// after makes a line of a preparation and what runs once it has succeeded, together until ctx ends or one fails.
func after(start func(context.Context) error, runs ...func(context.Context) error) func(context.Context) error {
	return func(ctx context.Context) error {
		if err := start(ctx); err != nil {
			return ignoreEnd(ctx, err)
		}
		group, ctx := errgroup.WithContext(ctx)
		for _, run := range runs {
			group.Go(func() error { return run(ctx) })
		}
		return group.Wait()
	}
}

// ignoreEnd returns nil where err comes of the end of ctx.
func ignoreEnd(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}

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

// Parts that a daemon has in the group of those that share its state table.
const (
	partLoader   = "loader"
	partNotifier = "notifier"
)

// member makes the daemon a member of its group.
func (h half) member(cfg Config, client *dynamodb.Client, log *zap.Logger) *lease.Member {
	parts := map[half][]string{both: {partLoader, partNotifier}, onlyLoader: {partLoader}, onlyNotifier: {partNotifier}}[h]
	return lease.NewMember(lease.Membership{
		Group:    lease.Group{Rows: client, Table: cfg.StateTable, PK: state.InstancesPK(cfg.App)},
		Parts:    parts,
		Duration: lease.DefaultDuration,
		HostLock: hostLock(cfg.App),
		Logger:   log.Named("instance"),
	})
}

// teller is what the notifier has to do with the group: who tells, whether there are others, and how to give it up.
func teller(m *lease.Member) (lead func(context.Context, func(context.Context) error) error, others func() bool, yield func(context.Context) error) {
	lead = func(ctx context.Context, f func(context.Context) error) error { return m.Lead(ctx, partNotifier, f) }
	others = func() bool { return m.Others(partNotifier) > 0 }
	yield = func(ctx context.Context) error { return m.Yield(ctx, partNotifier) }
	return lead, others, yield
}

// watcher is what the loader has to do with the group: who watches for late feeds.
func watcher(m *lease.Member) func(context.Context, func(context.Context) error) error {
	return func(ctx context.Context, f func(context.Context) error) error { return m.Lead(ctx, partLoader, f) }
}

// hostLock is the file by which a daemon that was killed and starts again on its host takes over at once; "" where the
// service manager gives no directory for state.
func hostLock(app string) string {
	dir := os.Getenv("STATE_DIRECTORY") // systemd's StateDirectory=
	if dir == "" {
		return ""
	}
	return filepath.Join(dir, app+".instance")
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
