// Command inventoryd loads the inventory feeds that stores upload to S3 into a DynamoDB table, follows the table's
// stream, and alerts an SNS topic when an item runs out.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/urfave/cli/v2"

	"inventoryd/internal/collector"
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
	collector.Tune()
	os.Exit(execute(os.Args))
}

// execute runs one command line and returns its exit code. SIGINT and SIGTERM end the context in order; a second
// one ends the process at once.
func execute(args []string) int {
	// A panic, and the watchdog's SIGABRT, would end with status 2, which means a wrong configuration: not to be started again.
	// So they end by a signal.
	debug.SetTraceback("crash")
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // from here on a signal has its default effect

	return tell(application().RunContext(ctx, args), os.Stderr)
}

// tell says what went wrong, and returns the exit code for it.
func tell(err error, w io.Writer) int {
	if err == nil {
		return 0
	}
	if text := err.Error(); text != "" {
		fmt.Fprintln(w, "inventoryd:", visibleLines(text)) // it may hold a key or a row
	}
	var coded cli.ExitCoder
	if errors.As(err, &coded) {
		return coded.ExitCode()
	}
	return exitFailed
}

// application is the command line.
func application() *cli.App {
	cli.VersionPrinter = func(c *cli.Context) { fmt.Fprintln(c.App.Writer, "inventoryd", version) }
	app := &cli.App{
		Name:        "inventoryd",
		Usage:       "loads inventory feeds from S3 into DynamoDB and tells SNS when an item runs out",
		Description: "Example:\n  inventoryd demo",
		Version:     version,
		Commands: mannered([]*cli.Command{
			// One a line: they come from many hands.
			runCommand,
			checkCommand(),
			setupCommand,
			loadCommand,
			loadsCommand,
			releaseCommand,
			shardsCommand,
			alertsCommand,
			resyncCommand,
			auditCommand,
			deadCommand,
			explainCommand,
			configCommand(),
			policyCommand(),
			demoCommand,
			sandboxCommand,
			versionCommand,
			completionCommand(),
			manCommand(),
			helpCommand(),
		}),
		UseShortOptionHandling: true,
		Flags:                  []cli.Flag{cli.HelpFlag}, // cli has none for an app with a command of that name
		HideHelpCommand:        true,                     // helpCommand has the manners
		Action:                 helpOr,
		OnUsageError:           wrongFlag,
		ExitErrHandler:         func(*cli.Context, error) {},
	}
	return app
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
	Name:        "version",
	Usage:       "prints the version",
	Description: "Example:\n  inventoryd version",
	Action: func(c *cli.Context) error {
		cli.VersionPrinter(c)
		return nil
	},
}
