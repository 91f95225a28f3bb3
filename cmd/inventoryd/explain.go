package main

// The command `explain`: what is known of one item.

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/urfave/cli/v2"

	"inventoryd/internal/inventory"
	"inventoryd/internal/state"
)

var explainCommand = &cli.Command{
	Name:      "explain",
	Usage:     "tells what is known of one item: count, threshold, state, alerts told and due",
	ArgsUsage: "STORE ITEM",
	Description: "Reads the item, its row and the history of --since.\n\n" +
		"Example:\n  inventoryd explain Berlin \"Echo Dot\"\n  inventoryd explain --since 720h -o json Berlin \"Echo Dot\"",
	Flags: append(originFlags(), outputFlag(),
		&cli.StringFlag{Name: "since", Value: "72h", Usage: "`WHEN` messages about it begin to count, an age (72h), a date or an instant (RFC 3339)"}),
	Action: func(c *cli.Context) error {
		since, err := sinceWhen(c.String("since"), time.Now())
		if err != nil || c.Args().Len() != 2 {
			return usage(errors.Join(err, errors.New("explain: name a store and an item; see inventoryd explain --help")))
		}
		cfg, all, err := configured(c)
		if err != nil {
			return err
		}
		e, err := explain(c.Context, cfg, persistent(all.Tables), inventory.Key{Store: c.Args().Get(0), Item: c.Args().Get(1)}, since)
		if err != nil {
			return err
		}
		if err := e.table().print(c); err != nil {
			return err
		}
		if e.Count == nil && e.Problem == "" && e.State == "" {
			fmt.Fprintln(c.App.ErrWriter, "neither the table nor the daemon knows this item")
			return exit{code: exitFindings}
		}
		return nil
	},
}

// explanation is what is known of an item, for programs.
type explanation struct {
	Store     string      `json:"store"`
	Item      string      `json:"item"`
	Count     *int64      `json:"count"`             // absent: the table does not have it
	Problem   string      `json:"problem,omitempty"` // why its count is no usable one
	Threshold int64       `json:"threshold"`
	Own       bool        `json:"own_threshold"`   // the item's, not the configuration's
	State     string      `json:"state,omitempty"` // out, in; absent: there is no row
	Since     *time.Time  `json:"since,omitempty"` // out: when the shortage began; in: the last change that was noted
	Told      *time.Time  `json:"told,omitempty"`  // when its last shortage was
	Due       string      `json:"due,omitempty"`
	Next      *time.Time  `json:"next,omitempty"`     // when somebody looks at it again
	Failed    string      `json:"failed,omitempty"`   // why SNS refuses what is due
	Outgoing  []string    `json:"outgoing,omitempty"` // messages about it that are on their way
	Alerts    []alertJSON `json:"alerts"`
	Feeds     []feedJSON  `json:"feeds"` // that load its store, the latest first
}

func explain(ctx context.Context, cfg Config, tables *dynamodb.Client, k inventory.Key, since time.Time) (*explanation, error) {
	e := &explanation{Store: k.Store, Item: k.Item, Threshold: cfg.Notifier.Threshold, Alerts: []alertJSON{}, Feeds: []feedJSON{}}
	b := bookOf(cfg, tables)
	if err := e.stock(ctx, cfg, tables, k); err != nil {
		return nil, err
	}
	row, there, err := b.Item(ctx, k)
	switch {
	case there && err != nil:
		e.Problem = joined(e.Problem, err.Error())
	case err != nil:
		return nil, err
	case there:
		e.row(row)
	}
	outgoing, err := b.Outgoing(ctx)
	if err != nil {
		return nil, err
	}
	for _, o := range outgoing {
		if tellsOf(o.Notice, k) {
			e.Outgoing = append(e.Outgoing, o.ID)
		}
	}
	told, err := b.History(ctx, since, time.Time{}, k.Store)
	if err != nil && told == nil {
		return nil, err
	}
	told = slices.DeleteFunc(told, func(h state.History) bool { return !tellsOf(h.Notice, k) })
	e.Alerts = historyTable(told).json.([]alertJSON)
	feeds, err := feedsOfStore(ctx, cfg, tables, k.Store)
	for _, f := range feeds {
		e.Feeds = append(e.Feeds, feedForPrograms(f))
	}
	return e, err
}

// stock reads the item itself.
func (e *explanation) stock(ctx context.Context, cfg Config, tables *dynamodb.Client, k inventory.Key) error {
	out, err := tables.GetItem(ctx, &dynamodb.GetItemInput{TableName: &cfg.Table.Name, Key: cfg.Table.KeyAttributes(k), ConsistentRead: aws.Bool(true)})
	if err != nil {
		return fmt.Errorf("read %s in table %s: %w", k, cfg.Table.Name, err)
	}
	if len(out.Item) == 0 {
		return nil
	}
	i, err := cfg.Table.ItemOf(out.Item)
	if err != nil {
		e.Problem = err.Error()
		return nil
	}
	e.Count = &i.Count
	if own := inventory.ThresholdOf(out.Item, cfg.Notifier.ThresholdAttribute); own != nil {
		e.Threshold, e.Own = *own, true
	}
	return nil
}

// row takes over what the item's row says.
func (e *explanation) row(i state.Item) {
	s := standingOf(i, time.Now())
	e.State, e.Since, e.Told, e.Next, e.Due, e.Failed = string(i.Stock), &s.Since, s.Told, s.Next, string(i.Due.Kind), i.Failed
}

func tellsOf(n state.Notice, k inventory.Key) bool {
	return n.Store == k.Store && slices.ContainsFunc(n.Subjects, func(s state.Subject) bool { return s.Item == k.Item })
}

func joined(a, b string) string {
	if a == "" {
		return b
	}
	return a + "; " + b
}

// table is a line for each thing that is known.
func (e *explanation) table() table {
	t := table{head: []string{"WHAT", "IS"}, json: e}
	add := func(what, is string) {
		if is != "" && is != "-" {
			t.rows = append(t.rows, []string{what, is})
		}
	}
	add("store", e.Store)
	add("item", e.Item)
	count := "not in the table"
	if e.Count != nil {
		count = strconv.FormatInt(*e.Count, 10)
	}
	if e.Problem != "" {
		count = e.Problem
	}
	add("count", count)
	threshold := strconv.FormatInt(e.Threshold, 10)
	if e.Own {
		threshold += " (its own)"
	}
	add("threshold", threshold)
	add("state", orNothing(e.State))
	add("since", stampOf(e.Since))
	add("told", stampOf(e.Told))
	add("due", e.Due)
	add("looked at again", stampOf(e.Next))
	add("refused by SNS", e.Failed)
	for _, id := range e.Outgoing {
		add("on its way", id)
	}
	for _, f := range e.Feeds {
		add("feed", f.line())
	}
	for _, a := range e.Alerts {
		add("alert", stamp(a.Told)+" "+a.Event+": "+firstLine(a.Body))
	}
	return t
}
