package main

// The command `dead replay`: changes that were put aside are handled again, in the order of their stream.

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/urfave/cli/v2"
	"go.uber.org/zap"

	"inventoryd/notifier"
	"inventoryd/stream"
)

var deadReplayCommand = &cli.Command{
	Name:  "replay",
	Usage: "handles the changes in the dead-letter queue again, and deletes those that worked",
	Description: "What is newer stands: a change that something later has overtaken alters nothing, and what does not hold any more is not told.\n" +
		"The instance that tells finds what is due within a minute. The exit code is 3 where some are left.\n\n" +
		"Example:\n  inventoryd dead replay\n  inventoryd dead replay --limit 1 --yes",
	Flags: append(originFlags(),
		&cli.IntFlag{Name: "limit", Value: 1000, Usage: "at most `N` changes"},
		&cli.BoolFlag{Name: "yes", Usage: "do not ask"}),
	Action: func(c *cli.Context) error {
		d, err := openDead(c)
		if err != nil {
			return err
		}
		cfg := d.cfg.Notifier
		cfg.Surroundings = notifier.Surroundings{Logger: zap.NewNop(), App: d.cfg.App, StateTable: d.cfg.StateTable, Table: d.cfg.Table}
		n, err := notifier.New(d.clients.notifier(), cfg)
		if err != nil {
			return usage(err)
		}
		found, err := d.receive(c.Context, c.Int("limit"))
		if err != nil || len(found) == 0 {
			if err == nil {
				fmt.Fprintln(c.App.Writer, "the dead-letter queue is empty")
			}
			return errors.Join(err, d.putBack(found))
		}
		if !c.Bool("yes") {
			if err := confirm(c, fmt.Sprintf("Handle %d changes of queue %s again", len(found), visible(d.url))); err != nil {
				return errors.Join(err, d.putBack(found))
			}
		}
		return d.replay(c.Context, found, handler(d.cfg.Table, cfg.ThresholdAttribute, n.Handle), c.App.Writer)
	},
}

// replay handles letters one by one.
func (d *dead) replay(ctx context.Context, found []letter, handle stream.Handler, w io.Writer) error {
	var left []letter
	for _, l := range found {
		err := d.again(ctx, l, handle)
		if err != nil {
			left = append(left, l)
			fmt.Fprintf(w, "%s is left: %s\n", visible(l.name()), visibleLines(err.Error()))
			continue
		}
		fmt.Fprintln(w, visible(l.name()), "was handled")
	}
	fmt.Fprintf(w, "%d handled, %d left\n", len(found)-len(left), len(left))
	if err := d.putBack(left); err != nil || len(left) == 0 {
		return err
	}
	return exit{code: exitFindings}
}

// name is what a letter is called before people.
func (l letter) name() string {
	if l.Sequence == "" {
		return "message " + l.id
	}
	return fmt.Sprintf("%s of %s", l.EventID, l.Keys)
}

// again handles one letter, and deletes it.
func (d *dead) again(ctx context.Context, l letter, handle stream.Handler) (err error) {
	if l.problem != "" {
		return errors.New("it " + l.problem)
	}
	defer func() {
		if p := recover(); p != nil { // what it was put aside for, perhaps
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	if err := handle(ctx, []stream.Record{l.Record()}); err != nil {
		return err
	}
	if _, err := d.SQS.DeleteMessage(ctx, &sqs.DeleteMessageInput{QueueUrl: &d.url, ReceiptHandle: &l.receipt}); err != nil {
		return fmt.Errorf("it was handled, and cannot be deleted: %w", err)
	}
	return nil
}
