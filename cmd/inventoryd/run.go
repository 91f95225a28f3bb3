package main

import (
	"cmp"
	"context"
	"errors"
	"net"

	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

	"inventoryd/internal/config"
	"inventoryd/internal/health"
	"inventoryd/internal/web"
	"inventoryd/internal/web/page"
	"inventoryd/loader"
	"inventoryd/notifier"
	"inventoryd/stream"
)

// host is what the outside gives to run.
type host struct {
	listener net.Listener   // of the HTTP server; nil: none
	log      *zap.Logger    // its level is the host's business
	reload   <-chan Config  // each brings a valid configuration that is to take effect; may be nil
	started  func()         // called once, when the parts run
	only     half           // which of the two lines to run
	health   *health.Health // nil: one of run's own
	reloads  *reloads       // how the last reload went; nil: there are none
	ticked   func(string)   // called by each loop, which it names, at each tick; nil: nothing. Tests hold loops up in it
}

// half chooses among the daemon's two lines.
type half string

const (
	both         half = ""
	onlyLoader   half = "loader"
	onlyNotifier half = "notifier"
)

// run is the whole daemon, without sockets, signals and service manager. It wires the parts, runs them until ctx ends
// or one fails for good, and stops them in order. Data flows one way, in two lines that meet only in the table:
//
//	S3, SQS → loader → table          table's stream → stream → notifier → SNS
func run(ctx context.Context, cfg Config, c clients, h host) error {
	h.health, h.reloads = cmp.Or(h.health, health.New()), cmp.Or(h.reloads, new(reloads))
	metrics, err := newMetrics(cfg, c, h)
	if err != nil {
		return err
	}
	cfg.equip(metrics, h.watch(), c.SQS, h.log)

	own := &tables{cfg: cfg, client: c.Tables, log: h.log, claimed: make(chan struct{})}
	member := h.only.member(cfg, c.Tables, h.log)
	parts := []part{
		{name: "tables", ready: own.Ready},
		{name: "aws", ready: c.calls.Ready},
		{name: "instance", ready: member.Ready, status: func() any { return member.Status() }},
	}
	var lines []func(context.Context) error
	sources := page.Sources{Health: h.health.Report, Feeds: feedsOf(cfg, c.Tables)}
	if h.only != onlyLoader {
		cfg.Notifier.Lead, cfg.Notifier.Others, cfg.Notifier.Yield = teller(member)
	} else {
		cfg.Notifier.Meter = nil // what the loader has to say of feeds is written down here and told elsewhere
	}
	n, err := notifier.New(c.notifier(), cfg.Notifier)
	if err != nil {
		return err
	}
	if h.only != onlyNotifier {
		cfg.Loader.Tell, cfg.Loader.Lead = feedTeller(n.Tell), watcher(member)
		cfg.Loader.Instances = loaders(member)
		l, err := loader.New(c.loader(), cfg.Loader)
		if err != nil {
			return err
		}
		lines = append(lines, l.Run)
		sources.Loads = loadsOf(l.Status, newestOf(cfg, c.Tables))
		parts = append(parts, part{"loader", l.Ready, func() any { return l.Status() }, func(next Config) { l.Apply(next.Loader) }})
	}
	if h.only != onlyLoader {
		cfg.Stream.OnGap = func(ctx context.Context, _ stream.Gap) error { return n.RequestResync(ctx) }
		s, err := stream.New(c.Streams, c.Tables, cfg.Table.Name, handler(cfg.Table, cfg.Notifier.ThresholdAttribute, n.Handle), cfg.Stream)
		if err != nil {
			return err
		}
		lines = append(lines, after(n.Start, n.Run, s.Run))
		sources.Shards = shardsOf(s.Status)
		book := bookOf(cfg, c.Tables)
		sources.Alerts, sources.Since, sources.Story = alertsOf(book), sinceOf(book), storyOf(cfg, book, c.Tables)
		parts = append(parts,
			part{"notifier", n.Ready, func() any { return n.Status() }, func(next Config) { n.Apply(next.Notifier) }},
			part{"stream", s.Ready, func() any { return s.Status() }, func(next Config) { s.Apply(next.Stream) }})
	}

	look, applyToPage, err := newPage(cfg, c, sources, metrics.Meter("page"), h.log.Named("page"))
	if err != nil {
		return err
	}
	parts = append(parts, part{name: "page", apply: applyToPage})
	server, err := web.New(cfg.HTTP, web.Parts{
		Health: h.health, Metrics: metrics.Handler(), Status: status(h, parts, &c.calls.clock), Page: look,
		Logger: h.log.Named("http"), Meter: metrics.Meter("http"),
	})
	if err != nil {
		return config.Within("http", err)
	}
	watchOver(h.health, parts)

	// The frame outlives the lines, so that one sees how they stop and the last metrics are sent.
	outer, end := context.WithCancel(context.WithoutCancel(ctx))
	defer end()
	frame, ctx := errgroup.WithContext(ctx) // a server that fails ends the lines too
	frame.Go(func() error { h.health.Watch(outer); return nil })
	frame.Go(func() error { metrics.Run(outer); return nil })
	frame.Go(func() error { return own.afterClaim(outer, member.Run) }) // what is led ends before the membership
	if h.listener != nil {
		frame.Go(func() error { return look.Run(outer) })
		frame.Go(func() error { return server.Run(outer, h.listener) })
	}
	err = operate(ctx, own, lines, parts, h)
	end()
	return errors.Join(err, frame.Wait())
}

// operate claims the tables and runs the lines until ctx ends or one of them fails, which ends the other. From the first
// moment on it hands new settings to the parts.
func operate(ctx context.Context, own *tables, lines []func(context.Context) error, parts []part, h host) error {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { passOn(ctx, h.reload, parts); return nil })
	group.Go(func() error {
		if err := own.Claim(ctx); err != nil {
			return ignoreEnd(ctx, err)
		}
		close(own.claimed)
		for _, run := range lines {
			group.Go(func() error { return run(ctx) })
		}
		h.started()
		return nil
	})
	return group.Wait()
}

// passOn hands the settings that come to all parts until ctx ends.
func passOn(ctx context.Context, reload <-chan Config, parts []part) {
	for {
		select {
		case next := <-reload:
			for _, p := range parts {
				if p.apply != nil {
					p.apply(next)
				}
			}
		case <-ctx.Done():
			return
		}
	}
}
