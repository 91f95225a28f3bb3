package main

import (
	"os"
	"time"

	"go.uber.org/zap"

	"inventoryd/internal/health"
	"inventoryd/internal/telemetry"
	"inventoryd/loader"
	"inventoryd/notifier"
	"inventoryd/stream"
)

// farewells is how much of the time to stop is left to what comes last: the stream's word to other instances and the
// last push of metrics, 5 s each.
const farewells = 10 * time.Second

// equip gives each part what belongs to all: the names, a logger and a meter of its own, and the watch over its loops.
func (c *Config) equip(metrics *telemetry.Telemetry, loop func(name string) (tick, done func()), queue stream.Queue, log *zap.Logger) {
	c.Loader.Surroundings = loader.Surroundings{
		App: c.App, StateTable: c.StateTable, Table: c.Table, Instance: hostname(),
		Logger: log.Named("loader"), Meter: metrics.Meter("loader"), Loop: loop,
	}
	c.Notifier.Surroundings = notifier.Surroundings{
		App: c.App, StateTable: c.StateTable, Table: c.Table,
		Logger: log.Named("notifier"), Meter: metrics.Meter("notifier"), Loop: loop,
	}
	c.Stream.Runtime = stream.Runtime{
		App: c.App, Shutdown: c.ShutdownTimeout - farewells, Queue: queue,
		Logger: log.Named("stream"), Meter: metrics.Meter("stream"), Loop: loop,
	}
}

// hostname names this machine to people; empty where it has no name.
func hostname() string {
	name, _ := os.Hostname()
	return name
}

// status makes the JSON of /status: health, and each part's own snapshot.
func status(healthy *health.Health, parts []part, c *clock, r *reloads) func() any {
	return func() any {
		all := map[string]any{"version": version, "time": time.Now().UTC(), "health": healthy.Report()}
		if skew, measured := c.Skew(); measured {
			all["clock_skew_seconds"] = skew.Seconds()
		}
		if last := r.Last(); last != nil {
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
