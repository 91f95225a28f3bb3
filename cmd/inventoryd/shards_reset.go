package main

// The command `shards reset`: the stream is read again from an earlier place.

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/urfave/cli/v2"
	"golang.org/x/term"

	"inventoryd/stream"
)

var resetCommand = &cli.Command{
	Name:      "reset",
	Usage:     "forgets how far shards were read, so that they are read again",
	ArgsUsage: "[SHARD…]",
	Description: "Stop the daemons first: a shard that a living one holds is refused, and one that died is waited for until its lease is\n" +
		"over. Changes are then handled again, and may be alerted again. DynamoDB holds changes for 24 hours.\n\n" +
		"Example:\n  inventoryd shards reset --all --to trim_horizon\n  inventoryd shards reset --to 2026-11-26T06:00:00Z shardId-00000001764155976123-1a2b3c4d",
	Flags: append(originFlags(),
		&cli.BoolFlag{Name: "all", Usage: "all shards of the table's streams"},
		&cli.StringFlag{Name: "to", Usage: "`WHERE` reading begins again: trim_horizon (all that DynamoDB still holds) or an instant (RFC 3339)"},
		&cli.BoolFlag{Name: "yes", Usage: "do not ask"}),
	Action: resetShards,
}

func resetShards(c *cli.Context) error {
	options, err := resetOptions(c.Args().Slice(), c.Bool("all"), c.String("to"))
	if err != nil {
		return usage(err)
	}
	cfg, all, err := configured(c)
	if err != nil {
		return err
	}
	what := "all shards"
	if len(options.Shards) > 0 {
		what = strings.Join(options.Shards, ", ")
	}
	if !c.Bool("yes") {
		if err := confirm(c, fmt.Sprintf("Read %s of table %s again from %s", visible(what), visible(cfg.Table.Name), c.String("to"))); err != nil {
			return err
		}
	}
	options.Waiting = func(instance string, most time.Duration) {
		fmt.Fprintf(c.App.ErrWriter, "%s has not stopped in order; waiting up to %v to see whether it lives\n", visible(instance), most)
	}
	done, err := stream.Reset(c.Context, all.Tables, cfg.Stream.LeaseTable, cfg.Table.Name, options)
	for _, id := range done {
		fmt.Fprintln(c.App.Writer, visible(id), "is read again from", c.String("to"))
	}
	if err == nil && len(done) == 0 {
		fmt.Fprintln(c.App.Writer, "there is no shard to reset")
	}
	return err
}

// resetOptions are what the command line says.
func resetOptions(shards []string, all bool, to string) (stream.ResetOptions, error) {
	o := stream.ResetOptions{Shards: shards}
	switch {
	case all == (len(shards) > 0):
		return o, errors.New("shards reset: name shards, or --all")
	case to == "":
		return o, errors.New("shards reset: say --to where: trim_horizon or an instant such as 2026-11-26T06:00:00Z")
	case to == "trim_horizon":
		return o, nil
	}
	at, err := time.Parse(time.RFC3339, to)
	if err != nil {
		return o, fmt.Errorf("shards reset: --to %q is neither trim_horizon nor an instant such as 2026-11-26T06:00:00Z", to)
	}
	o.To = at
	return o, nil
}

// confirm asks whoever sits before the terminal.
func confirm(c *cli.Context, question string) error {
	if f, ok := c.App.Reader.(*os.File); ok && !term.IsTerminal(int(f.Fd())) {
		return usage(fmt.Errorf("%s: nobody can be asked here; --yes means it", strings.TrimPrefix(fullName(c), c.App.Name+" ")))
	}
	fmt.Fprintf(c.App.ErrWriter, "%s? [y/N] ", question)
	answer, err := bufio.NewReader(c.App.Reader).ReadString('\n')
	if answer = strings.ToLower(strings.TrimSpace(answer)); err != nil || answer != "y" && answer != "yes" {
		return exit{errors.New("nothing was changed"), exitFailed}
	}
	return nil
}
