package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"sync"
	"syscall"

	"github.com/urfave/cli/v2"
	"go.uber.org/zap"
	"golang.org/x/term"

	"inventoryd/internal/config"
	"inventoryd/internal/logs"
	"inventoryd/internal/state"
	"inventoryd/internal/web"
	"inventoryd/loader"
	"inventoryd/stream"
)

// The command `run`: what the daemon gets from the machine it runs on — configuration, socket and signals.

var runCommand = &cli.Command{
	Name:  "run",
	Usage: "runs the daemon until SIGTERM; SIGHUP reloads the configuration",
	Flags: append(originFlags(),
		&cli.StringFlag{Name: "only", Usage: "run one `HALF`: loader (files to table) or notifier (table's stream to alerts)"}),
	Action: func(c *cli.Context) error {
		only := half(c.String("only"))
		if only != both && only != onlyLoader && only != onlyNotifier {
			return usage(fmt.Errorf("--only %s: there are loader and notifier", only))
		}
		return runHere(c.Context, originOf(c), only)
	},
}

// runHere runs the daemon on this machine. An error of the configuration is one of usage: starting again as it is does
// not help.
func runHere(ctx context.Context, o origin, only half) error {
	hangups := make(chan os.Signal, 1) // from here to the process' end: without a handler SIGHUP ends it
	signal.Notify(hangups, syscall.SIGHUP)
	cfg, _, err := o.load()
	if err != nil {
		return usage(err)
	}
	base, err := awsConfig(ctx, cfg.AWS)
	if err != nil {
		return err
	}
	listener, err := web.Listen(ctx, cfg.HTTP)
	if err != nil {
		return err
	}
	out := logs.New(cfg.Log, os.Stdout, term.IsTerminal(int(os.Stdout.Fd())))
	defer out.Logger.Sync()
	base.Logger = remarks(out.Logger.Named("aws"))

	outer, end := context.WithCancel(context.WithoutCancel(ctx)) // the logs outlive the daemon's orderly stop
	defer end()
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	reloads := make(chan Config)
	var beside sync.WaitGroup
	beside.Go(func() { watchReload(ctx, hangups, o, cfg, out, reloads) })
	beside.Go(func() { out.Run(outer) })
	h := host{listener: listener, log: out.Logger, reload: reloads, only: only, started: func() {
		out.Logger.Info("daemon started", zap.String("version", version), zap.String("app", cfg.App))
	}}
	if listener != nil {
		out.Logger.Info("http server listening", zap.String("address", listener.Addr().String()))
	}
	err = run(ctx, cfg, newClients(base, cfg.AWS), h)
	stop()
	end()
	beside.Wait()
	if err != nil {
		out.Logger.Error("daemon failed", zap.Error(err))
		return exit{code: codeOf(err)} // the log has said it
	}
	out.Logger.Info("daemon stopped")
	return nil
}

// watchReload reads the configuration again on each SIGHUP until ctx ends, and passes on what can take effect. Those that
// come while it does so are one.
func watchReload(ctx context.Context, hangups <-chan os.Signal, o origin, cfg Config, out *logs.Logs, reloads chan<- Config) {
	for {
		select {
		case <-hangups:
		case <-ctx.Done():
			return
		}
		next, changes, err := o.reload(cfg)
		if err != nil {
			out.Logger.Error("configuration not reloaded", zap.Error(err))
			continue
		}
		cfg = next
		out.Apply(cfg.Log)
		select {
		case reloads <- cfg:
			logChanges(out.Logger, changes)
		case <-ctx.Done():
		}
	}
}

// codeOf tells a configuration that cannot work, where starting again does not help, from other failures.
func codeOf(err error) int {
	var wrong *config.Problem
	if errors.As(err, &wrong) {
		return exitUsage
	}
	for _, setUp := range []error{state.ErrUnfit, loader.ErrNoQueue, stream.ErrNoStream} {
		if errors.Is(err, setUp) {
			return exitUsage
		}
	}
	return exitFailed
}

// logChanges says what a reload did with each key that differs.
func logChanges(log *zap.Logger, changes []config.Change) {
	var applied, waiting []string
	for _, c := range changes {
		if c.Class == config.Restart {
			waiting = append(waiting, c.Key)
		} else {
			applied = append(applied, c.Key)
		}
	}
	log.Info("configuration reloaded", zap.Strings("changed", applied))
	if len(waiting) > 0 {
		log.Warn("changed settings need a restart", zap.Strings("keys", waiting))
	}
}
