package main

// The command `resync`: the teller compares the whole table with what was told.

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/urfave/cli/v2"

	"inventoryd/internal/sleep"
	"inventoryd/internal/state"
	"inventoryd/notifier"
)

var resyncCommand = &cli.Command{
	Name:  "resync",
	Usage: "has the whole table compared with what was told",
	Description: "What is out of stock and was not seen to run out becomes due, and rows that say out of what is in stock are closed. The\n" +
		"instance that tells does it, at 2 MB a second, and goes on after a crash; this command shows how far it is. Interrupting it does\n" +
		"not interrupt the comparison.\n\n" +
		"Example:\n  inventoryd resync\n  inventoryd resync --detach\n  inventoryd resync --status -o json",
	Flags: append(originFlags(), outputFlag(),
		&cli.BoolFlag{Name: "detach", Usage: "ask for it, and do not wait"},
		&cli.BoolFlag{Name: "status", Usage: "only show what was asked for and how far it is"}),
	Action: func(c *cli.Context) error {
		b, err := openBook(c)
		if err != nil {
			return err
		}
		if !c.Bool("status") {
			if err := askResync(c.Context, b, c.App.ErrWriter, !c.Bool("detach")); err != nil {
				return err
			}
		}
		r, err := b.Resync(c.Context)
		if err != nil {
			return err
		}
		return resyncTable(r).print(c)
	},
}

// resyncPatience is how long nothing may begin before it is said that perhaps nobody is there: the teller looks every 30 s.
const resyncPatience = 45 * time.Second

// askResync asks, and follows the comparison to its end.
func askResync(ctx context.Context, b notifier.Book, w io.Writer, follow bool) error {
	number, err := b.RequestResync(ctx)
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "request %d: the instance that tells looks for it every 30 s\n", number)
	began, said, rows := time.Now(), false, int64(-1)
	for follow {
		r, err := b.Resync(ctx)
		switch {
		case err != nil:
			return err
		case r.Answered >= number:
			return nil
		case r.Scan != nil && r.Scan.Rows != rows:
			rows = r.Scan.Rows
			fmt.Fprintf(w, "%d items read, %d found out of stock, %d closed\n", rows, r.Scan.Told, r.Scan.Closed)
		case r.Scan == nil && !said && time.Since(began) > resyncPatience:
			said = true
			fmt.Fprintln(w, "nobody has begun yet: does a daemon with the notifier run, and has it the threshold", r.Threshold, "of the last request?")
		}
		if err := sleep.For(ctx, 2*time.Second); err != nil {
			return err
		}
	}
	return nil
}

// resyncJSON is the state of the comparisons for programs.
type resyncJSON struct {
	Requested int64      `json:"requested"` // number of the last request
	Answered  int64      `json:"answered"`
	Threshold int64      `json:"threshold"`
	Began     *time.Time `json:"began,omitempty"` // of the comparison under way; absent: there is none
	Rows      int64      `json:"rows"`
	Found     int64      `json:"found"`
	Closed    int64      `json:"closed"`
}

func resyncTable(r state.Resync) table {
	j := resyncJSON{Requested: r.Requested, Answered: r.Answered, Threshold: r.Threshold}
	if s := r.Scan; s != nil {
		j.Began, j.Rows, j.Found, j.Closed = &s.Began, s.Rows, s.Told, s.Closed
	}
	return table{
		head: []string{"REQUESTED", "ANSWERED", "THRESHOLD", "BEGAN", "ROWS", "FOUND", "CLOSED"}, json: j,
		rows: [][]string{{fmt.Sprint(j.Requested), fmt.Sprint(j.Answered), fmt.Sprint(j.Threshold), stampOf(j.Began), fmt.Sprint(j.Rows), fmt.Sprint(j.Found), fmt.Sprint(j.Closed)}},
	}
}
