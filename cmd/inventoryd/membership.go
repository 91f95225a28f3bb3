package main

// The daemon as one of a group: those that share its state table.

import (
	"context"
	"os"
	"path/filepath"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"go.uber.org/zap"

	"inventoryd/internal/lease"
	"inventoryd/internal/state"
)

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

// loaders counts those that share what the table takes; one that only notifies takes nothing of it.
func loaders(m *lease.Member) func() int {
	return func() int { return 1 + m.Others(partLoader) }
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
