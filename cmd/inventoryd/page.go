package main

// The page: what it reads, and what the parts tell it of themselves.

import (
	"context"
	"slices"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/metric"
	"go.uber.org/zap"

	"inventoryd/internal/state"
	"inventoryd/internal/web/page"
	"inventoryd/internal/web/stock"
	"inventoryd/loader"
	"inventoryd/stream"
)

// newPage makes the page, and what gives it new settings. It shares nothing with the lines but their snapshots: it reads the
// table by itself.
func newPage(cfg Config, c clients, sources page.Sources, meter metric.Meter, log *zap.Logger) (*page.Page, func(Config), error) {
	var threshold atomic.Int64
	threshold.Store(cfg.Notifier.Threshold)
	reader := stock.New(c.Tables, stock.Config{
		Table: cfg.Table, Units: cfg.HTTP.PageReadUnits, Threshold: threshold.Load, ThresholdAttribute: cfg.Notifier.ThresholdAttribute, Logger: log,
	})
	shown := page.New(page.Config{App: cfg.App, Version: version, Reader: reader, Sources: sources, Logger: log})
	return shown, func(next Config) {
		threshold.Store(next.Notifier.Threshold)
		reader.SetUnits(next.HTTP.PageReadUnits)
	}, reader.Measure(meter)
}

// ledgerInterval is how often the ledger is read for the page: it has a row for each object of 30 days.
const ledgerInterval = time.Minute

// loadsOf tells the page of the loads: of this instance as they are, of all of them as the ledger last had them.
func loadsOf(status func() loader.Status, ledger func(context.Context) ([]state.Load, error)) func(context.Context) (page.Loads, error) {
	var others []page.Load // the page asks one question at a time
	var at time.Time
	return func(ctx context.Context) (page.Loads, error) {
		if time.Since(at) >= ledgerInterval || at.IsZero() {
			rows, err := ledger(ctx)
			if err != nil {
				return page.Loads{}, err
			}
			others, at = ledgerShown(rows), time.Now()
		}
		s := status()
		return page.Loads{Running: loadsShown(s.Loading), Recent: newest(loadsShown(s.Recent), others)}, nil
	}
}

// newestOf reads the loads of all instances that the page shows.
func newestOf(cfg Config, c state.Ledger) func(context.Context) ([]state.Load, error) {
	return func(ctx context.Context) ([]state.Load, error) {
		return state.NewestLoads(ctx, c, cfg.StateTable, cfg.App, shownLoads)
	}
}

// shownLoads is how many loads that have ended the page shows.
const shownLoads = 50

// newest is both lists with the latest first, and of each object its last load.
func newest(ours, others []page.Load) []page.Load {
	all := slices.Concat(ours, others)
	ended := func(l page.Load) time.Time { return l.Began.Add(l.Took) }
	slices.SortStableFunc(all, func(a, b page.Load) int { return ended(b).Compare(ended(a)) })
	seen := map[string]bool{}
	all = slices.DeleteFunc(all, func(l page.Load) bool {
		again := seen[l.Object]
		seen[l.Object] = true
		return again
	})
	return all[:min(shownLoads, len(all))]
}

func ledgerShown(rows []state.Load) []page.Load {
	var shown []page.Load
	for _, l := range rows {
		e := l.Last
		if e.Status == "" { // its first load has not ended
			continue
		}
		shown = append(shown, page.Load{
			Object: l.Bucket + "/" + l.Key, Outcome: e.Status, Began: e.At.Add(-e.Took), Took: e.Took, Bytes: e.Size, Size: e.Size,
			Rows: e.Books["read"], Written: e.Books["written"], Rejected: e.Books["rejected"], Error: e.Error,
		})
	}
	return shown
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
			shard := page.Shard{ID: one.Shard, State: string(one.State), Owner: one.Owner, Lag: one.Age, Trouble: one.Blocked}
			if one.Owner != s.Instance {
				shard.Lag = -1 // only who reads it knows
			}
			shown = append(shown, shard)
		}
		return shown, nil
	}
}
