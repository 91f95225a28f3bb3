package main

// Tables: aligned on a terminal, with tabs when piped, CSV or JSON.

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/urfave/cli/v2"
	"golang.org/x/term"
)

// outputFlag chooses how a table is printed.
func outputFlag() cli.Flag {
	return &cli.StringFlag{Name: "output", Aliases: []string{"o"}, Usage: "`FORMAT`: table, plain (tabs between columns), csv or json", DefaultText: "table on a terminal, else plain"}
}

// table is what a command lists.
type table struct {
	head []string
	rows [][]string
	json any // the same for machines
}

// print writes the table as the flag --output says. Cells come from outside, more often than not: they are made visible.
func (t table) print(c *cli.Context) error {
	w := c.App.Writer
	format := c.String("output")
	terminal := onTerminal(w)
	if format == "" {
		format = "plain"
		if terminal {
			format = "table"
		}
	}
	switch format {
	case "json":
		return printJSON(w, t.json)
	case "csv":
		return t.csv(w, terminal)
	case "plain":
		return t.lines(w, false)
	case "table":
		tabs := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
		if err := t.lines(tabs, true); err != nil {
			return err
		}
		return tabs.Flush()
	}
	return usage(fmt.Errorf("--output %s: there are table, plain, csv and json", quoted(format)))
}

// printJSON writes v for programs.
func printJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

func (t table) lines(w io.Writer, heads bool) error {
	rows := t.rows
	if heads {
		rows = append([][]string{t.head}, rows...)
	}
	for _, row := range rows {
		cells := make([]string, len(row))
		for i, cell := range row {
			cells[i] = visible(cell)
		}
		if _, err := fmt.Fprintln(w, strings.Join(cells, "\t")); err != nil {
			return err
		}
	}
	return nil
}

// csv writes cells as they are, with their heads, for a spreadsheet; a terminal gets them made visible.
func (t table) csv(w io.Writer, terminal bool) error {
	out := csv.NewWriter(w)
	_ = out.Write(t.head) // the error is kept, and is Flush's
	for _, row := range t.rows {
		if terminal {
			row = slices.Clone(row)
			for i, cell := range row {
				row[i] = visible(cell)
			}
		}
		_ = out.Write(row)
	}
	out.Flush()
	return out.Error()
}

// onTerminal tells whether a person reads what is written to w.
func onTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// colour paints text on a terminal that is to have colours (https://no-color.org).
func colour(w io.Writer, code, text string) string {
	if !onTerminal(w) || os.Getenv("NO_COLOR") != "" || os.Getenv("TERM") == "dumb" {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

// writeOver writes over the line that a terminal is at, and stays in it; "" clears it. What does not fit the terminal cuts off
// (DECAWM): a line that went on in the next one could not be written over.
func writeOver(w io.Writer, line string) { fmt.Fprint(w, "\r\x1b[?7l"+line+"\x1b[K\x1b[?7h") }
