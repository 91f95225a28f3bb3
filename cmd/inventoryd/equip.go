package main

import (
	"errors"
	"os"
	"time"

	"go.uber.org/zap"

	"inventoryd/internal/telemetry"
	"inventoryd/loader"
	"inventoryd/notifier"
	"inventoryd/stream"
)

// farewells is how much of the time to stop is left to what comes last: the stream's word to other instances and the
// last push of metrics, 5 s each.
const farewells = 10 * time.Second

// watch is the watch over the daemon's loops.
func (h host) watch() watch { return watch{h.health, h.ticked} }

// newMetrics makes the meters, and measures what is of the daemon as a whole.
func newMetrics(cfg Config, c clients, h host) (*telemetry.Telemetry, error) {
	cfg.Metrics.Service, cfg.Metrics.Client = cfg.App, c.CloudWatch
	cfg.Metrics.Logger, cfg.Metrics.Loop = h.log.Named("metrics"), h.watch().Loop
	metrics, err := telemetry.New(cfg.Metrics)
	if err != nil {
		return nil, err
	}
	whole := metrics.Meter("")
	return metrics, errors.Join(h.health.Measure(whole), measure(whole, &c.calls.clock, h.reloads))
}

// equip gives each part what belongs to all: the names, a logger and a meter of its own, and the watch over its loops.
func (c *Config) equip(metrics *telemetry.Telemetry, w watch, queue stream.Queue, log *zap.Logger) {
	c.Loader.Surroundings = loader.Surroundings{
		App: c.App, StateTable: c.StateTable, Table: c.Table, Instance: hostname(),
		Logger: log.Named("loader"), Meter: metrics.Meter("loader"), Loop: w.Loop, Work: w.Work,
	}
	c.Notifier.Surroundings = notifier.Surroundings{
		App: c.App, StateTable: c.StateTable, Table: c.Table,
		Logger: log.Named("notifier"), Meter: metrics.Meter("notifier"), Loop: w.Loop,
	}
	c.Stream.Runtime = stream.Runtime{
		App: c.App, Shutdown: c.ShutdownTimeout - farewells,
		Logger: log.Named("stream"), Meter: metrics.Meter("stream"), Loop: w.Loop,
	}
	if name := c.Stream.DeadLetterQueue; name != "" {
		c.Stream.Divert = stream.DeadLetters(queue, name, c.Table.Name)
	}
}

// hostname names this machine to people; empty where it has no name.
func hostname() string {
	name, _ := os.Hostname()
	return name
}

// status makes the JSON of /status: health, and each part's own snapshot.
func status(h host, parts []part, c *clock) func() any {
	return func() any {
		all := map[string]any{"version": version, "time": time.Now().UTC(), "health": h.health.Report()}
		if skew, measured := c.Skew(); measured {
			all["clock_skew_seconds"] = skew.Seconds()
		}
		if last := h.reloads.Last(); last != nil {
			all["last_reload"] = last
		}
		for _, p := range parts {
			if p.status != nil {
				all[p.name] = inSeconds(p.status())
			}
		}
		return all
	}
}
