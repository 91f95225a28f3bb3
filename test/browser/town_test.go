package browser

// A shop with some life in it, for the tests and the pictures.

import (
	"context"
	"testing"
	"time"

	"inventoryd/internal/health"
	"inventoryd/internal/inventory"
	"inventoryd/internal/web/page"
	"inventoryd/internal/web/stock"
)

// town is a shop with the sample feeds and some life in them, and what its operator sees.
func town(t *testing.T) *shop {
	s := open(t, func(c *page.Config, _ *stock.Config) { c.Sources = life() })
	s.loadSamples()
	return s
}

func life() page.Sources {
	now := time.Now()
	at := func(d time.Duration) time.Time { return now.Add(-d) }
	load := func(store string, ago time.Duration, rows, rejected int64) page.Load {
		l := page.Load{Object: "inventory/" + store + ".csv", Outcome: "loaded", Began: at(ago), Took: 180 * time.Millisecond, Bytes: 900, Size: 900, Rows: rows, Written: rows - rejected, Rejected: rejected}
		if rejected > 0 {
			l.Report = "s3://inventory/rejects/" + store + ".ndjson"
		}
		return l
	}
	running := load("osaka", 4*time.Second, 412_000, 0)
	running.Outcome, running.Bytes, running.Size = "", 14_200_000, 33_000_000
	failed := load("quito", 50*time.Minute, 0, 0)
	failed.Outcome, failed.Error = "failed", "no usable header: it must name store, item and count; found: Artikel, Menge"
	told := func(d time.Duration, store, item string) page.Alert {
		return page.Alert{At: at(d), Event: "out_of_stock", Store: store, Text: store + " is out of stock of " + item}
	}
	return page.Sources{
		Health: func() health.Report {
			return health.Report{Live: true, Ready: true, Started: at(31 * time.Hour), Parts: []health.State{
				{Name: "aws", OK: true, Since: at(31 * time.Hour)},
				{Name: "loader", OK: true, Since: at(31 * time.Hour)},
				{Name: "notifier", OK: true, Since: at(2 * time.Hour)},
				{Name: "stream", OK: true, Since: at(31 * time.Hour)},
			}}
		},
		Loads: func(context.Context) (page.Loads, error) {
			return page.Loads{Running: []page.Load{running}, Recent: []page.Load{load("amsterdam", 3*time.Minute, 6, 0), load("lisbon", 12*time.Minute, 7, 1), failed}}, nil
		},
		Feeds: func(context.Context) ([]page.Feed, error) {
			return []page.Feed{
				{Name: "amsterdam", Object: "inventory/amsterdam.csv", Last: at(3 * time.Minute), Stores: []string{"Amsterdam"}},
				{Name: "nairobi", Object: "inventory/nairobi.csv", Last: at(27 * time.Hour), Stores: []string{"Nairobi"}, Late: true, Why: "expected by 06:00 Africa/Nairobi", Command: "inventoryd loads --feeds"},
			}, nil
		},
		Shards: func(context.Context) ([]page.Shard, error) {
			return []page.Shard{
				{ID: "shardId-00000001764145000000-3f9a1c2d", State: "held", Owner: "ip-10-0-1-17-8c21"},
				{ID: "shardId-00000001764145000001-71be09aa", State: "held", Owner: "ip-10-0-2-40-11d7", Lag: -1},
			}, nil
		},
		Alerts: func(context.Context) (page.Alerts, error) {
			return page.Alerts{Recent: []page.Alert{told(2*time.Minute, "Lisbon", "Kettle 1.7 l"), told(40*time.Minute, "Nairobi", "Notebook A5"), told(3*time.Hour, "Osaka", "Umbrella")}}, nil
		},
		Since: func(context.Context, []inventory.Key) (map[inventory.Key]time.Time, error) {
			return map[inventory.Key]time.Time{
				{Store: "Osaka", Item: "Umbrella"}:      at(51 * time.Hour),
				{Store: "Nairobi", Item: "Notebook A5"}: at(27 * time.Hour),
				{Store: "Amsterdam", Item: "Desk Lamp"}: at(9 * time.Hour),
				{Store: "Lisbon", Item: "Kettle 1.7 l"}: at(2 * time.Minute),
			}, nil
		},
		Story: func(context.Context, inventory.Key) (page.Story, error) {
			return page.Story{Since: at(2 * time.Minute), Told: []page.Alert{told(2*time.Minute, "Lisbon", "Kettle 1.7 l"), told(16*24*time.Hour, "Lisbon", "Kettle 1.7 l")}, Loads: []page.Load{load("lisbon", 12*time.Minute, 7, 1)}}, nil
		},
	}
}
