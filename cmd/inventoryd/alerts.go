package main

// The command `alerts`: what was told, and what is out of stock, due or refused.

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/urfave/cli/v2"

	"inventoryd/internal/state"
	"inventoryd/notifier"
)

var alertsCommand = &cli.Command{
	Name:  "alerts",
	Usage: "lists what was told, or what is out of stock, due or refused by SNS",
	Description: "Without a list of its own: the messages since yesterday, oldest first; they are kept for 30 days. --out, --due and --failed\n" +
		"come from an index, which lags by a second or two.\n\n" +
		"Example:\n  inventoryd alerts --since 72h --store Berlin\n  inventoryd alerts --out -o csv\n  inventoryd alerts --failed",
	Flags: append(originFlags(), outputFlag(),
		&cli.StringFlag{Name: "since", Value: "24h", Usage: "of the history: `WHEN` it begins, an age (90m, 72h), a date or an instant (RFC 3339)"},
		&cli.StringFlag{Name: "store", Usage: "only of this `STORE`"},
		&cli.BoolFlag{Name: "out", Usage: "what is out of stock now, since when, and when it was told"},
		&cli.BoolFlag{Name: "due", Usage: "what is to be told, now or when a cooldown is over"},
		&cli.BoolFlag{Name: "failed", Usage: "what SNS refuses to tell, and why"}),
	Subcommands: []*cli.Command{retryCommand},
	Action:      listAlerts,
}

func listAlerts(c *cli.Context) error {
	since, err := sinceWhen(c.String("since"), time.Now())
	if err != nil {
		return usage(fmt.Errorf("alerts: %w", err))
	}
	var lists []string
	for _, name := range []string{"out", "due", "failed"} {
		if c.Bool(name) {
			lists = append(lists, name)
		}
	}
	if len(lists) > 1 || len(lists) == 1 && c.IsSet("since") {
		return usage(errors.New("alerts: give one of --since, --out, --due, --failed"))
	}
	b, err := openBook(c)
	if err != nil {
		return err
	}
	if len(lists) == 0 {
		told, err := b.History(c.Context, since, time.Time{}, c.String("store"))
		return errors.Join(historyTable(told).print(c), err) // single rows may be broken
	}
	found, err := standings(c.Context, b, lists[0], c.String("store"))
	if err != nil {
		return err
	}
	return standingTable(found).print(c)
}

// openBook is the book of the configuration that the flags name.
func openBook(c *cli.Context) (notifier.Book, error) {
	cfg, all, err := configured(c)
	if err != nil {
		return notifier.Book{}, err
	}
	return bookOf(cfg, persistent(all.Tables)), nil
}

// bookOf is the book of a configuration.
func bookOf(cfg Config, rows *dynamodb.Client) notifier.Book {
	return notifier.Book{Rows: rows, Table: cfg.StateTable, App: cfg.App}
}

// persistent is a client that repeats its calls: a command has no loop of its own that would.
func persistent(c *dynamodb.Client) *dynamodb.Client {
	return dynamodb.New(c.Options(), func(o *dynamodb.Options) {
		o.Retryer = retry.NewStandard(func(s *retry.StandardOptions) { s.MaxAttempts, s.MaxBackoff = 10, 5*time.Second })
	})
}

// alertJSON is a message of the history for programs.
type alertJSON struct {
	Told      time.Time `json:"told"`
	Event     string    `json:"event"`
	Store     string    `json:"store,omitempty"`
	Feed      string    `json:"feed,omitempty"`
	Items     []string  `json:"items,omitempty"`
	Subject   string    `json:"subject"`
	Body      string    `json:"body"`  // of a very long one the beginning
	Bytes     int       `json:"bytes"` // of the whole
	ID        string    `json:"id"`
	MessageID string    `json:"message_id,omitempty"` // SNS's; absent: notifier.send was false
}

func historyTable(told []state.History) table {
	t := table{head: []string{"TOLD", "EVENT", "STORE", "ITEMS", "TEXT"}}
	all := []alertJSON{}
	for _, h := range told {
		one := alertJSON{Told: h.At, Event: h.Event, Store: h.Store, Subject: h.Subject, Body: h.Body, Bytes: h.Bytes, ID: h.ID, MessageID: h.MessageID}
		about := orNothing(h.Store)
		for _, s := range h.Subjects {
			one.Items = append(one.Items, s.Item)
		}
		if h.Kind == "" {
			one.Feed, one.Items = strings.Join(one.Items, " "), nil
		}
		text := firstLine(h.Body)
		if h.MessageID == "" {
			text += " (not sent: notifier.send was false)"
		}
		t.rows = append(t.rows, []string{stamp(h.At), h.Event, about, strconv.Itoa(len(h.Subjects)), text})
		all = append(all, one)
	}
	t.json = all
	return t
}

// standing is one item, or feed, that is out of stock, due or failed.
type standing struct {
	State  string     `json:"state"` // told, due, delayed, failed
	Event  string     `json:"event"` // out, restocked, reminder, or a feed's
	Store  string     `json:"store,omitempty"`
	Item   string     `json:"item,omitempty"`
	Feed   string     `json:"feed,omitempty"`
	Count  *int64     `json:"count,omitempty"` // when it crossed its threshold
	Since  time.Time  `json:"since"`
	Told   *time.Time `json:"told,omitempty"`
	Next   *time.Time `json:"next,omitempty"` // when it is looked at again
	Reason string     `json:"reason,omitempty"`
}

// standings reads one of the lists.
func standings(ctx context.Context, b notifier.Book, list, store string) ([]standing, error) {
	read := map[string]func(context.Context) ([]state.Item, error){"out": b.Out, "due": b.Due, "failed": b.Failed}[list]
	items, err := read(ctx)
	if err != nil {
		return nil, err
	}
	now := time.Now()
	all := []standing{}
	for _, i := range items {
		if store == "" || i.Store == store {
			all = append(all, standingOf(i, now))
		}
	}
	if list == "out" || store != "" {
		return all, nil
	}
	feeds, err := b.Feeds(ctx)
	for _, f := range feeds {
		if s := (standing{State: "due", Event: f.Kind, Feed: f.Feed, Since: f.At, Reason: f.Reason}); (f.Failed != "") == (list == "failed") {
			if f.Failed != "" {
				s.State, s.Reason = "failed", f.Failed
			}
			all = append(all, s)
		}
	}
	return all, err
}

func standingOf(i state.Item, now time.Time) standing {
	s := standing{State: "told", Event: string(i.Due.Kind), Store: i.Store, Item: i.Item, Count: &i.Count, Since: i.At, Reason: i.Failed}
	if i.Stock == state.Out {
		s.Since = i.Began.At
	}
	if !i.Told.V.IsZero() {
		s.Told = &i.Told.V
	}
	if i.Look != nil && !i.Look.At.IsZero() {
		s.Next = &i.Look.At
	}
	switch {
	case i.Failed != "":
		s.State = "failed"
	case i.Due.Kind != "" && s.Next != nil && s.Next.After(now):
		s.State = "delayed"
	case i.Due.Kind != "":
		s.State = "due"
	}
	if s.Event == "" {
		s.Event = string(state.Shortage)
	}
	return s
}

func standingTable(all []standing) table {
	t := table{head: []string{"STATE", "EVENT", "STORE", "ITEM", "COUNT", "SINCE", "TOLD", "NEXT", "REASON"}, json: all}
	for _, s := range all {
		count := "-"
		if s.Count != nil {
			count = strconv.FormatInt(*s.Count, 10)
		}
		t.rows = append(t.rows, []string{
			s.State, s.Event, orNothing(s.Store), orNothing(s.Item + s.Feed), count, stamp(s.Since), stampOf(s.Told), stampOf(s.Next), orNothing(s.Reason),
		})
	}
	return t
}
