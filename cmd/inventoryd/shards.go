package main

// The command `shards`: who reads what of the table's stream, and how far.

import (
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/urfave/cli/v2"

	"inventoryd/stream"
)

var shardsCommand = &cli.Command{
	Name:  "shards",
	Usage: "lists the shards of the table's stream: who reads them, and how far",
	Description: "One line for each shard that has a row in the lease table, oldest first. LAG is the most that it can be: the row of a quiet\n" +
		"shard is written hourly; /status of the daemon that reads it knows better. The exit code is 3 where changes are lost.\n\n" +
		"Example:\n  inventoryd shards\n  inventoryd shards -o json",
	Flags:       append(originFlags(), outputFlag()),
	Subcommands: []*cli.Command{resetCommand},
	Action:      listShards,
}

func listShards(c *cli.Context) error {
	cfg, all, err := configured(c)
	if err != nil {
		return err
	}
	listed, err := stream.List(c.Context, all.Tables, cfg.Stream.LeaseTable, cfg.Table.Name)
	if err != nil {
		return err
	}
	if err := shardTable(listed).print(c); err != nil {
		return err
	}
	remark(c.App.ErrWriter, listed)
	if lost(listed) > 0 {
		return exit{code: exitFindings}
	}
	return nil
}

func shardTable(s stream.Status) table {
	t := table{head: []string{"SHARD", "STREAM", "STATE", "OWNER", "POSITION", "LAG", "LOAD", "GAPS"}, json: s}
	for _, one := range s.Shards {
		t.rows = append(t.rows, []string{
			one.Shard, one.Stream, string(one.State), owner(one, s.Leader), orNothing(one.Checkpoint), lag(one), load(one), gaps(one.Gaps),
		})
	}
	return t
}

// remark tells what concerns all shards.
func remark(w io.Writer, s stream.Status) {
	if len(s.Shards) == 0 {
		fmt.Fprintf(w, "no shard of table %s has a row: its stream was never read with this lease table\n", quoted(s.Table))
	}
	if s.Leader != "" {
		fmt.Fprintln(w, "leader:", visible(s.Leader))
	}
	if len(s.Gaps) > 0 {
		fmt.Fprintln(w, "times without a stream:", gaps(s.Gaps))
	}
}

// owner is who reads a shard, whether that one leads, and who is to have it.
func owner(s stream.ShardStatus, leader string) string {
	text := orNothing(s.Owner)
	if s.Owner != "" && s.Owner == leader {
		text += " (leader)"
	}
	if s.To != "" {
		text += " → " + s.To
	}
	return text
}

func load(s stream.ShardStatus) string { return strconv.FormatFloat(s.Load, 'f', 1, 64) }

func lag(s stream.ShardStatus) string {
	if s.State == "ended" {
		return "-"
	}
	return s.Age.Round(time.Second).String()
}

// gaps counts gaps, and those of which the daemon has not been able to tell yet.
func gaps(all []stream.Gap) string {
	pending := 0
	for _, g := range all {
		if g.Pending {
			pending++
		}
	}
	if pending > 0 {
		return fmt.Sprintf("%d (%d to be told)", len(all), pending)
	}
	return strconv.Itoa(len(all))
}

func lost(s stream.Status) int {
	n := len(s.Gaps)
	for _, one := range s.Shards {
		n += len(one.Gaps)
	}
	return n
}
