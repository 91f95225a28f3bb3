package main

// The command `load`: feeds loaded by hand, by the daemon's own pipeline.

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync/atomic"
	"time"

	"github.com/urfave/cli/v2"

	"inventoryd/loader"
	"inventoryd/loader/feed"
)

var loadCommand = &cli.Command{
	Name:      "load",
	Usage:     "loads files, objects, all objects of a prefix, or standard input into the table",
	ArgsUsage: "PATH|s3://bucket/key|s3://bucket/prefix/|- ...",
	Description: "The same pipeline as the daemon's, without its queue. Objects of a prefix are loaded one after the other, the oldest first,\n" +
		"but for those that the ledger says are in the table.\n" +
		"The exit status is 0 when every row is in the table, 3 when rows were rejected, 1 when a feed failed.\n\n" +
		"--dry-run foretells the load: rejected rows, rows that would change, alerts that would be told, units and their price. It reads\n" +
		"the table; where that cannot be asked, it looks at the feed alone and says so. Of a feed that would not load it says which\n" +
		"settings would load it.\n\n" +
		"Example:\n  inventoryd load --dry-run feed.csv\n  inventoryd load s3://inventory/2026/",
	Flags: append(originFlags(),
		&cli.StringFlag{Name: "since", Usage: "of a prefix, only objects modified since `WHEN`: an age (36h), a date or an instant (RFC 3339)"},
		&cli.BoolFlag{Name: "dry-run", Usage: "foretell the load, without writing"},
		&cli.IntFlag{Name: "show", Value: 20, Usage: "print the first `N` rejected rows of each feed"}),
	Action: func(c *cli.Context) error {
		if c.Args().Len() == 0 {
			return usage(errors.New("load: name what to load: files, s3://bucket/key, s3://bucket/prefix/, or - for standard input"))
		}
		var since time.Time
		if c.IsSet("since") {
			var err error
			if since, err = sinceWhen(c.String("since"), time.Now()); err != nil {
				return usage(fmt.Errorf("load: %w", err))
			}
		}
		cfg, _, err := originOf(c).load()
		if err != nil {
			return usage(err)
		}
		all, alone, err := reach(c.Context, cfg.AWS, c.Bool("dry-run"), c.Args().Slice())
		if err != nil {
			return err
		}
		job := loadJob{
			clients: all, alone: alone, since: since, dry: c.Bool("dry-run"), show: int64(c.Int("show")),
			in: os.Stdin, out: c.App.Writer, notes: c.App.ErrWriter, terminal: onTerminal(c.App.ErrWriter) && os.Getenv("TERM") != "dumb",
		}
		return job.run(c.Context, cfg, c.Args().Slice())
	},
}

// loadJob is one call of the command.
type loadJob struct {
	clients  clients
	alone    error     // why a dry run asks nobody; nil: it asks the table
	since    time.Time // of prefixes
	dry      bool
	show     int64 // rejects per feed that are printed
	in       io.Reader
	out      io.Writer // a line for each feed
	notes    io.Writer // progress, rejects
	terminal bool      // of notes: what is there can be written over

	loader *loader.Loader
	failed int
	bad    int64 // rejected rows
}

// run loads what the arguments name, in their order. A feed that fails does not keep the others from being loaded.
func (j *loadJob) run(ctx context.Context, cfg Config, args []string) error {
	cfg.Loader.Surroundings = loader.Surroundings{App: cfg.App, StateTable: cfg.StateTable, Table: cfg.Table, Logger: troubleLogger(j.notes)}
	var err error
	if j.loader, err = loader.New(j.clients.loader(), cfg.Loader); err != nil {
		return usage(err)
	}
	if j.dry && j.alone == nil {
		j.alone = j.loader.TableAnswers(ctx)
	}
	if j.dry && j.alone != nil {
		fmt.Fprintf(j.notes, "load: looking at the feed alone, since the table cannot be asked: %s\n", visible(j.alone.Error()))
	}
	for _, arg := range args {
		inputs, err := j.inputs(ctx, cfg, arg)
		if err != nil {
			return err
		}
		for _, in := range inputs {
			j.load(ctx, cfg, in)
			if ctx.Err() != nil {
				return exit{errors.New("load: interrupted"), exitFailed}
			}
		}
	}
	switch {
	case j.failed > 0:
		return exit{fmt.Errorf("load: %d of the feeds failed", j.failed), exitFailed}
	case j.bad > 0:
		return exit{code: exitFindings}
	}
	return nil
}

// load loads one feed and says how it went.
func (j *loadJob) load(ctx context.Context, cfg Config, in loader.Input) {
	name := visible(inputName(in))
	var shown atomic.Int64
	progress := newLoadProgress(j.notes, j.terminal, name)
	alerts := &foretold{rules: cfg.Notifier.Rules}
	p, err := j.loader.Load(ctx, in, loader.Hand{
		Dry: j.dry, Foretell: j.foretelling(alerts),
		Began: progress.start,
		Rejected: func(r *feed.Reject) {
			if n := shown.Add(1); n <= j.show {
				progress.say(fmt.Sprintf("%s:%d: %s: %s: %s", name, r.Line, r.Code, visible(r.Message), quoted(r.Raw)))
			}
		},
	})
	progress.stop()
	if more := shown.Load() - j.show; more > 0 && j.show > 0 {
		fmt.Fprintf(j.notes, "%s: and %d more rejected rows\n", name, more)
	}
	j.bad += p.Books.Rejected
	if err != nil {
		j.failed++
		fmt.Fprintf(j.out, "%s: %s: %s (%s)\n", name, p.Outcome, visible(err.Error()), books(p.Books, false))
		if j.dry && p.Outcome == "failed" {
			for _, line := range j.remedies(ctx, cfg, in) {
				fmt.Fprintf(j.out, "%s: %s\n", name, line)
			}
		}
		return
	}
	switch {
	case p.Forecast != nil:
		fmt.Fprintf(j.out, "%s: checked in %v: %s\n", name, p.Took.Round(time.Millisecond), forecast(p, alerts))
	case j.dry:
		fmt.Fprintf(j.out, "%s: checked in %v: %s\n", name, p.Took.Round(time.Millisecond), books(p.Books, true))
	default:
		fmt.Fprintf(j.out, "%s: loaded in %v: %s; %s\n", name, p.Took.Round(time.Millisecond), books(p.Books, false), price(p.Cost))
	}
}

func books(b loader.Books, dry bool) string {
	if dry {
		return fmt.Sprintf("%d rows read, %d would be written, %d rejected", b.Read, b.Unwritten, b.Rejected)
	}
	s := fmt.Sprintf("%d rows read, %d written, %d merged, %d rejected", b.Read, b.Written, b.Merged, b.Rejected)
	if b.Unchanged > 0 {
		s += fmt.Sprintf(", %d unchanged", b.Unchanged)
	}
	if b.Unwritten > 0 {
		s += fmt.Sprintf(", %d not written", b.Unwritten)
	}
	return s
}
