package main

// The command `loads`: what the ledger says of objects.

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/urfave/cli/v2"

	"inventoryd/internal/state"
)

var loadsCommand = &cli.Command{
	Name:      "loads",
	Usage:     "lists what was loaded: the ledger of the last 30 days",
	ArgsUsage: "[s3://bucket/key]",
	Description: "One line for each object, those being loaded first, then the latest first; or all that is known of one object. With --feeds one\n" +
		"line for each feed, those that are held back or late first.\n" +
		"The ledger is read whole, a row of about half a kilobyte for each object.\n\n" +
		"Example:\n  inventoryd loads --limit 20\n  inventoryd loads --feeds\n  inventoryd loads -o json s3://inventory/berlin.csv",
	Flags: append(originFlags(), outputFlag(), &cli.IntFlag{Name: "limit", Value: 50, Usage: "list at most `N` objects"},
		&cli.BoolFlag{Name: "feeds", Usage: "list feeds instead: what each last brought, and which are held back or late"}),
	Action: func(c *cli.Context) error {
		cfg, all, err := configured(c)
		if err != nil {
			return err
		}
		if c.Bool("feeds") {
			if c.Args().Present() || c.IsSet("limit") {
				return usage(errors.New("loads --feeds lists all feeds: it takes neither an object nor --limit"))
			}
			feeds, err := state.Feeds(c.Context, all.Tables, cfg.StateTable, cfg.App)
			if err != nil {
				return err
			}
			return feedsTable(feeds).print(c)
		}
		found, err := loads(c.Context, all.Tables, cfg, c.Int("limit"), c.Args().Slice())
		if err != nil {
			return err
		}
		return loadsTable(found, time.Now()).print(c)
	},
}

// loads reads the rows that the arguments ask for.
func loads(ctx context.Context, c state.Ledger, cfg Config, limit int, args []string) ([]state.Load, error) {
	switch {
	case len(args) > 1:
		return nil, usage(errors.New("loads: name one object, s3://bucket/key, or none"))
	case limit < 1:
		return nil, usage(fmt.Errorf("loads: --limit %d is less than 1", limit))
	case len(args) == 0:
		return state.NewestLoads(ctx, c, cfg.StateTable, cfg.App, limit)
	}
	bucket, key, ok := objectNamed(args[0])
	if !ok {
		return nil, usage(fmt.Errorf("loads: %q is no object: s3://bucket/key", args[0]))
	}
	one, ok, err := state.LoadNamed(ctx, c, cfg.StateTable, cfg.App, bucket, key)
	if err == nil && !ok {
		err = exit{fmt.Errorf("loads: the ledger has nothing of %q: it was not loaded within 30 days", args[0]), exitFindings}
	}
	return []state.Load{one}, err
}

// loadStatus is how an object stands: being loaded, or how its last load ended.
func loadStatus(l state.Load, now time.Time) string {
	for _, m := range l.Marks {
		if !state.Lapsed(m, now) {
			return "loading"
		}
	}
	return l.Last.Status
}

// loadsTable lists rows of the ledger.
func loadsTable(found []state.Load, now time.Time) table {
	t := table{head: []string{"ENDED", "STATUS", "READ", "WRITTEN", "REJECTED", "TOOK", "OBJECT", "ERROR"}}
	all := []loadJSON{}
	for _, l := range found {
		ended, took := "-", "-"
		if !l.Last.At.IsZero() {
			ended, took = stamp(l.Last.At), l.Last.Took.String()
		}
		rows := func(column string) string { return strconv.FormatInt(l.Last.Books[column], 10) }
		t.rows = append(t.rows, []string{
			ended, loadStatus(l, now), rows("read"), rows("written"), rows("rejected"), took, "s3://" + l.Bucket + "/" + l.Key, l.Last.Error,
		})
		all = append(all, loadForPrograms(l, now))
	}
	t.json = all
	return t
}

// loadJSON is a row of the ledger for programs.
type loadJSON struct {
	Bucket   string           `json:"bucket"`
	Key      string           `json:"key"`
	Status   string           `json:"status"`
	Loading  int              `json:"loading"` // who is at it
	Ended    *time.Time       `json:"ended,omitempty"`
	TookMS   int64            `json:"took_ms"`
	Size     int64            `json:"size"`
	Books    map[string]int64 `json:"books,omitempty"`
	Instance string           `json:"instance,omitempty"`
	Error    string           `json:"error,omitempty"`
	Object   *versionJSON     `json:"object,omitempty"`   // that was read last
	Finished *versionJSON     `json:"finished,omitempty"` // that the table holds; absent: not known
}

type versionJSON struct {
	ETag     string    `json:"etag"`
	Version  string    `json:"version,omitempty"`
	Modified time.Time `json:"modified"`
}

func loadForPrograms(l state.Load, now time.Time) loadJSON {
	version := func(v *state.Version) *versionJSON {
		if v == nil || v.ETag == "" {
			return nil
		}
		return &versionJSON{v.ETag, v.Version, v.Modified}
	}
	one := loadJSON{
		Bucket: l.Bucket, Key: l.Key, Status: loadStatus(l, now), Loading: len(l.Marks), TookMS: l.Last.Took.Milliseconds(), Size: l.Last.Size,
		Books: l.Last.Books, Instance: l.Last.Instance, Error: l.Last.Error, Object: version(&l.Last.Version), Finished: version(l.Finished),
	}
	if !l.Last.At.IsZero() {
		one.Ended = &l.Last.At
	}
	return one
}
