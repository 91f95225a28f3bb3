package page

import (
	"context"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"go.uber.org/zap/zaptest"

	"inventoryd/internal/health"
	"inventoryd/internal/inventory"
	"inventoryd/internal/sandbox"
	"inventoryd/internal/web/stock"
)

// world is a page in front of the sandbox's table, in virtual time.
type world struct {
	*Page
	t     *testing.T
	box   *sandbox.Sandbox
	table *dynamodb.Client
}

func inWorld(t *testing.T, change func(*Config, *stock.Config), test func(t *testing.T, w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		box := sandbox.New()
		if err := box.Provision(t.Context()); err != nil {
			t.Fatal(err)
		}
		reading := stock.Config{Table: inventory.DefaultTable, Units: 50, Threshold: func() int64 { return 3 }}
		shown := Config{App: "inventoryd", Version: "test", Logger: zaptest.NewLogger(t)}
		if change != nil {
			change(&shown, &reading)
		}
		shown.Reader = stock.New(dynamodb.NewFromConfig(box.Config("page")), reading)
		w := &world{Page: New(shown), t: t, box: box, table: dynamodb.NewFromConfig(box.Config("feed"))}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { defer close(ended); _ = w.Run(ctx) }()
		test(t, w)
		cancel()
		<-ended
	})
}

func (w *world) put(store, item string, count int64) {
	w.t.Helper()
	_, err := w.table.PutItem(w.t.Context(), &dynamodb.PutItemInput{
		TableName: aws.String(sandbox.Table),
		Item:      inventory.DefaultTable.Attributes(inventory.Item{Key: inventory.Key{Store: store, Item: item}, Count: count}),
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) ask(path string) *httptest.ResponseRecorder {
	r := httptest.NewRequest("GET", path, nil)
	answer := httptest.NewRecorder()
	w.ServeHTTP(answer, r.WithContext(w.t.Context()))
	return answer
}

func TestEveryPageCanBeMade(t *testing.T) {
	inWorld(t, func(c *Config, _ *stock.Config) { c.Sources = everything() }, func(t *testing.T, w *world) {
		for _, filled := range []bool{false, true} {
			if filled {
				time.Sleep(2 * stock.Interval) // nothing that was read before is shown any more
				w.put("Berlin", "Kettle", 0)
				w.put("Berlin", "Lamp", 2)
				w.put("Lisbon", "Kettle", 9)
			}
			for path, code := range map[string]int{
				"/": 200, "/?store=Berlin": 200, "/?store=Nowhere": 200, "/?q=lamp&sort=count&reverse=1": 200, "/?q=nothing": 200,
				"/restock": 200, "/restock?store=Berlin": 200, "/operator": 200, "/?item=Nothing": 404, "/?store=Berlin&item=Nothing": 404,
				"/?store=%ff": 400, "/?sort=x": 400, "/?from=-1": 400, "/?from=70": 200, "/nowhere": 404, "/?store=" + strings.Repeat("x", 2049): 400,
			} {
				if a := w.ask(path); a.Code != code {
					t.Errorf("%s: %d %s", path, a.Code, a.Body)
				}
			}
			if filled {
				for path, code := range map[string]int{"/?item=Kettle": 200, "/?store=Berlin&item=Kettle": 200} {
					if a := w.ask(path); a.Code != code {
						t.Errorf("%s: %d %s", path, a.Code, a.Body)
					}
				}
			}
		}
	})
}

// everything is sources that have something of each kind to tell.
func everything() Sources {
	now := time.Now()
	load := Load{
		Object: "inventory/berlin.csv", Outcome: "loaded", Began: now.Add(-time.Minute), Took: 1234 * time.Millisecond,
		Bytes: 5000, Size: 10_000, Rows: 120_000, Written: 119_990, Rejected: 10, Report: "s3://rejects/berlin.ndjson",
	}
	running, failed := load, load
	running.Outcome = ""
	failed.Outcome, failed.Error = "failed", "no usable header <b>"
	alert := Alert{At: now, Event: "out_of_stock", Store: "Berlin", Text: "Berlin is out of stock of Kettle"}
	return Sources{
		Health: func() health.Report {
			return health.Report{Live: true, Started: now, Parts: []health.State{
				{Name: "loader", OK: true, Since: now}, {Name: "notifier", Since: now, Reason: "SNS: access denied"},
			}, Loops: []health.State{{Name: "receive", OK: true, Since: now}}}
		},
		Loads: func(context.Context) (Loads, error) { return Loads{[]Load{running}, []Load{load, failed}}, nil },
		Feeds: func(context.Context) ([]Feed, error) {
			return []Feed{
				{Name: "on-time", Object: "inventory/lisbon.csv", Last: now, Stores: []string{"Lisbon"}},
				{Name: "late", Late: true, Why: "no object between 00:00 and 06:00", Last: now.Add(-24 * time.Hour), Stores: []string{"Lisbon"}},
				{Name: "held", Held: true, Why: "72 % fewer rows than the last", Command: "inventoryd release inventory/berlin.csv", Stores: []string{"Berlin"}},
			}, nil
		},
		Shards: func(context.Context) ([]Shard, error) {
			return []Shard{{ID: "shardId-1", State: "held", Owner: "a1", Lag: time.Second}, {ID: "shardId-2", State: "held", Owner: "b2", Lag: -1, Trouble: "handler failed"}}, nil
		},
		Alerts: func(context.Context) (Alerts, error) {
			return Alerts{Due: 3, OldestDue: now.Add(-time.Hour), Failed: 1, Recent: []Alert{alert}}, nil
		},
		Since: func(context.Context, []inventory.Key) (map[inventory.Key]time.Time, error) {
			return map[inventory.Key]time.Time{{Store: "Berlin", Item: "Kettle"}: now.Add(-48 * time.Hour)}, nil
		},
		Story: func(context.Context, inventory.Key) (Story, error) {
			return Story{Since: now.Add(-48 * time.Hour), Due: "out of stock, in 4 minutes", Told: []Alert{alert}, Loads: []Load{load}}, nil
		},
	}
}
