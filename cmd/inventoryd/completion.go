package main

// The commands `completion` and `man`: made of the commands themselves, so that they never lack one.

import (
	"fmt"
	"io"
	"strings"

	"github.com/urfave/cli/v2"
)

func completionCommand() *cli.Command {
	return &cli.Command{
		Name: "completion", Usage: "prints a script that completes commands and flags", ArgsUsage: "bash|zsh|fish",
		Description: "Example:\n  inventoryd completion bash > /usr/share/bash-completion/completions/inventoryd\n  inventoryd completion fish > ~/.config/fish/completions/inventoryd.fish",
		Action: func(c *cli.Context) error {
			w := c.App.Writer
			switch shell := c.Args().First(); {
			case c.Args().Len() > 1 || !c.Args().Present():
				return usage(fmt.Errorf("completion: name one shell: bash, zsh or fish"))
			case shell == "bash":
				return completeBash(w, application())
			case shell == "zsh":
				if _, err := fmt.Fprintln(w, "autoload -U +X compinit && compinit\nautoload -U +X bashcompinit && bashcompinit"); err != nil {
					return err
				}
				return completeBash(w, application())
			case shell == "fish":
				script, err := application().ToFishCompletion()
				if err != nil {
					return err
				}
				_, err = io.WriteString(w, script)
				return err
			default:
				return usage(fmt.Errorf("completion: there is none for %s%s", quoted(shell), nearest(shell, []string{"bash", "zsh", "fish"}, "")))
			}
		},
	}
}

// completeBash writes a function that finds the command among the words and offers what can follow it.
func completeBash(w io.Writer, app *cli.App) error {
	var paths, words []string
	offer := func(path string, commands []*cli.Command, flags []cli.Flag) {
		all := commandNames(commands)
		for _, f := range flagNames(flags) {
			all = append(all, "--"+f)
		}
		words = append(words, fmt.Sprintf("    %q) words=%q ;;", path, strings.Join(all, " ")))
	}
	offer("", app.Commands, nil)
	each(app.Commands, nil, func(c *cli.Command, path []string) {
		p := strings.Join(path, " ")
		paths = append(paths, fmt.Sprintf("%q", p))
		offer(p, c.Subcommands, c.Flags)
	})
	_, err := fmt.Fprintf(w, `_inventoryd() {
  local cur=${COMP_WORDS[COMP_CWORD]} command= next word words=
  for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    next=${command:+$command }$word
    case "$next" in
    %s) command=$next ;;
    esac
  done
  case "$command" in
%s
  esac
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
}
complete -o default -F _inventoryd inventoryd
`, strings.Join(paths, "|"), strings.Join(words, "\n"))
	return err
}

// each calls visit for each command with its words.
func each(commands []*cli.Command, words []string, visit func(c *cli.Command, words []string)) {
	for _, c := range commands {
		own := append(words[:len(words):len(words)], c.Name)
		visit(c, own)
		each(c.Subcommands, own, visit)
	}
}

func manCommand() *cli.Command {
	return &cli.Command{
		Name: "man", Usage: "prints the manual page",
		Description: "Example:\n  inventoryd man | man -l -",
		Action: func(c *cli.Context) error {
			page, err := application().ToManWithSection(8)
			if err != nil {
				return err
			}
			_, err = io.WriteString(c.App.Writer, page)
			return err
		},
	}
}
