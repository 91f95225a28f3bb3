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
	"inventoryd/internal/health"
	"inventoryd/internal/logs"
	"inventoryd/internal/state"
	"inventoryd/internal/web"
	"inventoryd/loader"
	"inventoryd/stream"
)

// The command `run`: what the daemon gets from the machine it runs on — configuration, socket and signals.

var runCommand = &cli.Command{
	Name:        "run",
	Usage:       "runs the daemon until SIGTERM; SIGHUP reloads the configuration",
	Description: "Example:\n  inventoryd run --config /etc/inventoryd/config.yaml",
	Flags: append(originFlags(),
		&cli.StringFlag{Name: "only", Usage: "run one `HALF`: loader (files to table) or notifier (table's stream to alerts)"}),
	Action: func(c *cli.Context) error {
		only, err := halfOf(c)
		if err != nil {
			return err
		}
		return runHere(c.Context, originOf(c), only)
	},
}

// halfOf reads the flag --only.
func halfOf(c *cli.Context) (half, error) {
	switch h := half(c.String("only")); h {
	case both, onlyLoader, onlyNotifier:
		return h, nil
	default:
		return both, usage(fmt.Errorf("--only %s: there are loader and notifier", quoted(string(h))))
	}
}

// runHere runs the daemon on this machine. An error of the configuration is one of usage: starting again as it is does
// not help. Once it is called, standard output has nothing but log lines.
func runHere(ctx context.Context, o origin, only half) error {
	hangups := make(chan os.Signal, 1) // from here to the process' end: without a handler SIGHUP ends it
	signal.Notify(hangups, syscall.SIGHUP)
	terminal := term.IsTerminal(int(os.Stdout.Fd()))
	cfg, _, err := o.load()
	if err != nil {
		if terminal {
			return usage(err)
		}
		logs.New(logs.DefaultConfig(), os.Stdout, false).Logger.Error("daemon failed", zap.Error(err))
		return exit{code: exitUsage}
	}
	out := logs.New(cfg.Log, os.Stdout, terminal)
	defer out.Logger.Sync()
	if err := serve(ctx, hangups, o, cfg, only, out); err != nil {
		out.Logger.Error("daemon failed", zap.Error(err))
		return exit{code: codeOf(err)} // the log has said it
	}
	out.Logger.Info("daemon stopped")
	return nil
}

// serve runs the daemon with what belongs to the machine beside it: reloads on hangups, the logs' own loop, and what the
// service manager is told.
func serve(ctx context.Context, hangups <-chan os.Signal, o origin, cfg Config, only half, out *logs.Logs) error {
	base, creds, err := awsConfig(ctx, cfg.AWS, remarks(out.Logger.Named("aws")))
	if err != nil {
		return err
	}
	all := newClients(base, cfg.AWS)
	if err := all.endpointsWork(); err != nil {
		return usage(err)
	}
	listener, err := web.Listen(ctx, cfg.HTTP)
	if err != nil {
		return err
	}
	outer, end := context.WithCancel(context.WithoutCancel(ctx)) // the logs outlive the daemon's orderly stop
	defer end()
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	r := reloader{
		origin: o, log: out, credentials: creds, next: make(chan Config), told: make(chan reloading), outcome: new(reloads),
	}
	healthy := health.New()
	manager := newServiceManager(healthy, out.Logger)
	var beside sync.WaitGroup
	beside.Go(func() { r.Run(ctx, hangups, cfg) })
	beside.Go(func() { out.Run(outer) })
	beside.Go(func() { manager.Run(outer, ctx.Done(), r.told) })
	h := host{
		listener: listener, log: out.Logger, reload: r.next, only: only, health: healthy, reloads: r.outcome,
		started: func() {
			out.Logger.Info("daemon started", zap.String("version", version), zap.String("app", cfg.App))
		},
	}
	if listener != nil {
		out.Logger.Info("http server listening", zap.String("address", listener.Addr().String()))
	}
	err = run(ctx, cfg, all, h)
	stop()
	end()
	beside.Wait()
	return err
}

// reloader reads the configuration again on each SIGHUP.
type reloader struct {
	origin      origin
	log         *logs.Logs
	credentials *renewed
	next        chan Config    // takes what is to be in force
	told        chan reloading // the service manager's
	outcome     *reloads
}

// Run reloads on each of hangups until ctx ends; those that come while it does so are one.
func (r *reloader) Run(ctx context.Context, hangups <-chan os.Signal, cfg Config) {
	for {
		select {
		case <-hangups:
		case <-ctx.Done():
			return
		}
		at := reloading{begun: make(chan struct{}), over: make(chan struct{})}
		select {
		case r.told <- at:
			<-at.begun
		case <-ctx.Done():
			return
		}
		cfg = r.reload(ctx, cfg)
		close(at.over)
	}
}

// reload returns what is in force now. The credentials are looked for anew whatever the file says.
func (r *reloader) reload(ctx context.Context, cfg Config) Config {
	r.credentials.Renew()
	next, changes, err := r.origin.reload(cfg)
	r.outcome.note(err)
	if err != nil {
		r.log.Logger.Error("configuration not reloaded", zap.Error(err))
		return cfg
	}
	r.log.Apply(next.Log)
	select {
	case r.next <- next:
		logChanges(r.log.Logger, changes)
	case <-ctx.Done():
	}
	return next
}

// codeOf tells a configuration that cannot work, where starting again does not help, from other failures.
func codeOf(err error) int {
	var coded cli.ExitCoder
	if errors.As(err, &coded) {
		return coded.ExitCode()
	}
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
