package main

// What all commands have in common: wrong usage is told on standard error with what was meant, and exits with 2.

import (
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"

	"inventoryd/internal/config"
)

// mannered returns the commands, and those below them, with their manners.
func mannered(commands []*cli.Command) []*cli.Command {
	var all []*cli.Command
	for _, plain := range commands {
		c := *plain
		c.OnUsageError = wrongFlag
		c.HideHelpCommand = true // there is one, for all
		c.Action = func(ctx *cli.Context) error {
			if err := strayArgument(ctx); err != nil {
				return err
			}
			return plain.Action(ctx)
		}
		if c.Subcommands = mannered(c.Subcommands); len(c.Subcommands) > 0 && plain.Action == nil {
			c.Action = helpOr
		}
		all = append(all, &c)
	}
	return all
}

// strayArgument refuses arguments that nothing takes, and flags behind arguments, where they would be taken for more of
// them.
func strayArgument(c *cli.Context) error {
	for _, arg := range c.Args().Slice() {
		if below := commandNames(c.Command.Subcommands); len(below) > 0 {
			return usage(fmt.Errorf("there is no command %s%s; see %s --help", quoted(arg), nearest(arg, below, ""), fullName(c)))
		}
		if c.Command.ArgsUsage == "" {
			return usage(fmt.Errorf("%s takes no argument, but there is %s%s; see %s --help",
				c.Command.Name, quoted(arg), meantFlag(c.Command, arg), fullName(c)))
		}
		if len(arg) > 1 && strings.HasPrefix(arg, "-") {
			return usage(fmt.Errorf("%s: the flag %s stands behind an argument: flags go first (a file of this name is ./%s)",
				c.Command.Name, quoted(arg), visible(arg)))
		}
	}
	return nil
}

// fullName is how the command is called.
func fullName(c *cli.Context) string { return c.Command.HelpName }

// wrongFlag makes an error of what the flag package refuses.
func wrongFlag(c *cli.Context, err error, _ bool) error {
	text := err.Error()
	if name, ok := strings.CutPrefix(text, "flag provided but not defined: -"); ok {
		flags := c.App.Flags
		if c.Command != nil && c.Command.Name != "" && c.Command.Name != c.App.Name {
			flags = c.Command.Flags
		}
		text = "there is no flag --" + visible(strings.TrimLeft(name, "-")) + nearest(name, flagNames(flags), "--")
	}
	see := c.App.Name
	if c.Command != nil && c.Command.HelpName != "" {
		see = c.Command.HelpName
	}
	return usage(fmt.Errorf("%s; see %s --help", text, see))
}

// meantFlag proposes the flag that an argument may have been meant for.
func meantFlag(c *cli.Command, arg string) string {
	return nearest(strings.TrimLeft(arg, "-"), flagNames(c.Flags), "--")
}

func flagNames(flags []cli.Flag) []string {
	var names []string
	for _, f := range flags {
		for _, n := range f.Names() {
			if len(n) > 1 {
				names = append(names, n)
			}
		}
	}
	return append(names, "help")
}

// nearest proposes the name that is nearest to s, in words to append; empty where none is near.
func nearest(s string, names []string, prefix string) string {
	if best := config.Nearest(s, names); best != "" {
		return "; did you mean " + prefix + best + "?"
	}
	return ""
}

// helpOr shows the help where no command is named; a name that reaches it is none.
func helpOr(c *cli.Context) error {
	if !c.Args().Present() {
		return cli.ShowSubcommandHelp(c)
	}
	commands := c.App.Commands
	called := c.App.Name
	if c.Command != nil && len(c.Command.Subcommands) > 0 && c.Command.Name != c.App.Name {
		commands, called = c.Command.Subcommands, c.Command.HelpName
	}
	name := c.Args().First()
	return usage(fmt.Errorf("there is no command %s%s; see %s --help", quoted(name), nearest(name, commandNames(commands), ""), called))
}

func commandNames(commands []*cli.Command) []string {
	var names []string
	for _, c := range commands {
		if !c.Hidden {
			names = append(names, c.Name)
		}
	}
	return names
}

// helpCommand is `help`, for those who look for it there.
func helpCommand() *cli.Command {
	return &cli.Command{
		Name: "help", Usage: "shows what a command does", ArgsUsage: "[COMMAND...]",
		Description: "Example:\n  inventoryd help config validate",
		Action: func(c *cli.Context) error {
			app := application()
			app.Writer = c.App.Writer
			return app.RunContext(c.Context, append(append([]string{c.App.Name}, c.Args().Slice()...), "--help"))
		},
	}
}
