package main

// The page: what it reads, and what the parts tell it of themselves.

import (
	"context"
	"sync/atomic"

	"go.uber.org/zap"

	"inventoryd/internal/health"
	"inventoryd/internal/web/page"
	"inventoryd/internal/web/stock"
	"inventoryd/loader"
	"inventoryd/stream"
)

// newPage makes the page, and what gives it new settings. It shares nothing with the lines but their snapshots: it reads the
// table by itself.
func newPage(cfg Config, c clients, healthy *health.Health, sources page.Sources, log *zap.Logger) (*page.Page, func(Config)) {
	var threshold atomic.Int64
	threshold.Store(cfg.Notifier.Threshold)
	reader := stock.New(c.Tables, stock.Config{Table: cfg.Table, Units: cfg.HTTP.PageReadUnits, Threshold: threshold.Load, Logger: log})
	sources.Health = healthy.Report
	shown := page.New(page.Config{App: cfg.App, Version: version, Reader: reader, Sources: sources, Logger: log})
	return shown, func(next Config) {
		threshold.Store(next.Notifier.Threshold)
		reader.SetUnits(next.HTTP.PageReadUnits)
	}
}

// loadsOf tells the page of the loads of this instance.
func loadsOf(status func() loader.Status) func(context.Context) (page.Loads, error) {
	return func(context.Context) (page.Loads, error) {
		s := status()
		return page.Loads{Running: loadsShown(s.Loading), Recent: loadsShown(s.Recent)}, nil
	}
}

func loadsShown(list []loader.Progress) []page.Load {
	shown := make([]page.Load, len(list))
	for i, p := range list {
		shown[i] = page.Load{
			Object: p.Bucket + "/" + p.Key, Outcome: p.Outcome, Began: p.Started, Took: p.Took, Bytes: p.Bytes, Size: p.Size,
			Rows: p.Books.Read, Written: p.Books.Written, Rejected: p.Books.Rejected, Error: p.Error,
		}
	}
	return shown
}

// shardsOf tells the page of the shards that are not done with.
func shardsOf(status func() stream.Status) func(context.Context) ([]page.Shard, error) {
	return func(context.Context) ([]page.Shard, error) {
		s := status()
		var shown []page.Shard
		for _, one := range s.Shards {
			if one.State == "ended" {
				continue
			}
			shard := page.Shard{ID: one.Shard, State: one.State, Owner: one.Owner, Lag: one.Age, Trouble: one.Blocked}
			if one.Owner != s.Instance {
				shard.Lag = -1 // only who reads it knows
			}
			shown = append(shown, shard)
		}
		return shown, nil
	}
}
