package main

// The command `alerts retry`: what SNS has refused to tell becomes due again.

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"inventoryd/internal/state"
	"inventoryd/notifier"
)

var retryCommand = &cli.Command{
	Name:      "retry",
	Usage:     "makes due again what SNS has refused to tell",
	ArgsUsage: "[STORE ITEM]",
	Description: "What it was refused for should be mended first: `inventoryd alerts --failed` has the reason. What does not hold any more is\n" +
		"not told.\n\n" +
		"Example:\n  inventoryd alerts retry Berlin \"Echo Dot\"\n  inventoryd alerts retry --all\n  inventoryd alerts retry --feed berlin.csv",
	Flags: append(originFlags(),
		&cli.BoolFlag{Name: "all", Usage: "all that failed"},
		&cli.StringFlag{Name: "feed", Usage: "what is to be told of this `FEED`"}),
	Action: retryAlerts,
}

func retryAlerts(c *cli.Context) error {
	args, feed, everything := c.Args().Slice(), c.String("feed"), c.Bool("all")
	ways := 0
	for _, given := range []bool{len(args) > 0, feed != "", everything} {
		if given {
			ways++
		}
	}
	if ways != 1 || len(args) != 0 && len(args) != 2 {
		return usage(errors.New("alerts retry: name a store and an item, or --feed, or --all; see inventoryd alerts retry --help"))
	}
	b, err := openBook(c)
	if err != nil {
		return err
	}
	done, err := retryFailed(c, b, func(s standing) bool {
		return everything || feed != "" && s.Feed == feed || len(args) == 2 && s.Store == args[0] && s.Item == args[1]
	})
	if err == nil && done == 0 {
		fmt.Fprintln(c.App.ErrWriter, "nothing of that kind has failed; see inventoryd alerts --failed")
		return exit{code: exitFindings}
	}
	return err
}

// retryFailed makes due what failed and is wanted, and says so.
func retryFailed(c *cli.Context, b notifier.Book, wanted func(standing) bool) (done int, err error) {
	say := func(made bool, err error, words ...string) error {
		if made && err == nil {
			done++
			_, err = fmt.Fprintln(c.App.Writer, visible(strings.Join(words, " ")), "is due again")
		}
		return err
	}
	items, err := b.Failed(c.Context)
	if err != nil {
		return 0, err
	}
	now := time.Now()
	for _, i := range slices.DeleteFunc(items, func(i state.Item) bool { return !wanted(standingOf(i, now)) }) {
		made, err := b.Retry(c.Context, i)
		if err := say(made, err, i.Store+"/"+i.Item); err != nil {
			return done, err
		}
	}
	feeds, err := b.Feeds(c.Context)
	if err != nil {
		return done, err
	}
	for _, f := range feeds {
		if f.Failed == "" || !wanted(standing{Feed: f.Feed}) {
			continue
		}
		made, err := b.RetryFeed(c.Context, f)
		if err := say(made, err, f.Kind, f.Feed); err != nil {
			return done, err
		}
	}
	return done, nil
}
