// Command inventoryd loads the inventory feeds that stores upload to S3 into a DynamoDB table, follows the table's
// stream, and alerts an SNS topic when an item runs out.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/urfave/cli/v2"
)

// version is set by the linker.
var version = "unknown"

// Exit codes.
const (
	exitFailed   = 1
	exitUsage    = 2 // wrong usage or configuration: systemd does not restart on it
	exitFindings = 3 // done, with rejects or findings
)

func main() {
	tuneGC()
	os.Exit(execute(os.Args))
}

// execute runs one command line and returns its exit code. SIGINT and SIGTERM end the context in order; a second
// one ends the process at once.
func execute(args []string) int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // from here on a signal has its default effect

	err := application().RunContext(ctx, args)
	if err == nil {
		return 0
	}
	if text := err.Error(); text != "" {
		fmt.Fprintln(os.Stderr, "inventoryd:", text)
	}
	var coded cli.ExitCoder
	if errors.As(err, &coded) {
		return coded.ExitCode()
	}
	return exitFailed
}

// application is the command line.
func application() *cli.App {
	app := &cli.App{
		Name:                   "inventoryd",
		Usage:                  "loads inventory feeds from S3 into DynamoDB and tells SNS when an item runs out",
		Version:                version,
		HideVersion:            true,
		UseShortOptionHandling: true,
		Commands: []*cli.Command{
			runCommand, loadCommand, loadsCommand, setupCommand, configCommand(), demoCommand, sandboxCommand, versionCommand,
		},
		Action:         helpOr,
		OnUsageError:   func(_ *cli.Context, err error, _ bool) error { return usage(err) },
		ExitErrHandler: func(*cli.Context, error) {},
	}
	for _, c := range app.Commands {
		c.OnUsageError = app.OnUsageError
		if len(c.Subcommands) > 0 {
			c.Action = helpOr
		}
	}
	return app
}

// helpOr shows the help where no command is named; a name that reaches it is none.
func helpOr(c *cli.Context) error {
	if c.Args().Present() {
		return usage(fmt.Errorf("there is no command %q; see %s --help", c.Args().First(), c.App.Name))
	}
	return cli.ShowSubcommandHelp(c)
}

// usage marks an error as one of usage or configuration.
func usage(err error) error {
	if err == nil {
		return nil
	}
	return exit{err, exitUsage}
}

// exit is an error with its exit code; without an error, everything has been said already.
type exit struct {
	err  error
	code int
}

func (e exit) Error() string {
	if e.err == nil {
		return ""
	}
	return e.err.Error()
}

func (e exit) ExitCode() int { return e.code }

func (e exit) Unwrap() error { return e.err }

var versionCommand = &cli.Command{
	Name:  "version",
	Usage: "prints the version",
	Action: func(c *cli.Context) error {
		_, err := fmt.Fprintln(c.App.Writer, "inventoryd", version)
		return err
	},
}
