package main

// The command `audit`: whether the table, the rows of its items and the history of what was told fit each other.

import (
	"fmt"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"inventoryd/notifier"
)

var auditCommand = &cli.Command{
	Name:  "audit",
	Usage: "compares the table with what was told, and names what does not fit",
	Description: "Every item that is out of stock is told, due, delayed or failed; everything told stands in the history; every row that says out\n" +
		"has an item that is. It reads the whole table at 2 MB a second, and only reads. What does not fit is looked at again for --wait,\n" +
		"since changes are on their way for a moment. The exit code is 3 where something is found. docs/alerts.md says what each finding\n" +
		"means and what to do.\n\n" +
		"Example:\n  inventoryd audit\n  inventoryd audit --wait 2m -o json",
	Flags: append(originFlags(), outputFlag(),
		&cli.DurationFlag{Name: "wait", Value: 30 * time.Second, Usage: "how `LONG` what does not fit may take to come to fit"}),
	Action: func(c *cli.Context) error {
		cfg, all, err := configured(c)
		if err != nil {
			return err
		}
		shown := onTerminal(c.App.ErrWriter)
		v, err := auditorOf(cfg, all, c.Duration("wait"), func(items int64) {
			if shown {
				writeOver(c.App.ErrWriter, fmt.Sprintf("%d items read", items))
			}
		}).Audit(c.Context)
		if shown {
			writeOver(c.App.ErrWriter, "")
		}
		if err != nil {
			return err
		}
		if err := auditTable(v).print(c); err != nil {
			return err
		}
		fmt.Fprintf(c.App.ErrWriter, "%d items, %d out of stock: %d told, %d due, %d delayed, %d failed; %d messages; %d findings\n",
			v.Read, v.Out, v.Told, v.Due, v.Delayed, v.Failed, v.Messages, len(v.Findings))
		if len(v.Findings) > 0 {
			return exit{code: exitFindings}
		}
		return nil
	},
}

func auditorOf(cfg Config, all clients, wait time.Duration, progress func(int64)) notifier.Auditor {
	rows := persistent(all.Tables)
	return notifier.Auditor{
		Book: bookOf(cfg, rows), Items: rows, Table: cfg.Table,
		Rules: cfg.Notifier.Rules, Reorder: cfg.Notifier.ThresholdAttribute, Patience: wait, Progress: progress,
	}
}

func auditTable(v notifier.Verdict) table {
	if v.Findings == nil {
		v.Findings = []notifier.Finding{} // a list for programs
	}
	t := table{head: []string{"FINDING", "ABOUT", "MESSAGE", "DETAIL"}, json: v}
	for _, f := range v.Findings {
		about := strings.Trim(f.Store+"/"+f.Item, "/")
		if f.Feed != "" {
			about = f.Feed
		}
		t.rows = append(t.rows, []string{f.Code, orNothing(about), orNothing(f.Message), f.Detail})
	}
	return t
}
