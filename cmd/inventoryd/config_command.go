package main

// The commands `config show`, `config validate` and `config schema`.

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"

	"github.com/urfave/cli/v2"

	"inventoryd/internal/config"
)

// originFlags are the flags from which originOf makes an origin.
func originFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{
			Name: "config", Aliases: []string{"c"}, EnvVars: []string{config.PathVariable},
			Usage: "configuration `FILE`", DefaultText: defaultPath + ", if it exists",
		},
		&cli.GenericFlag{Name: "set", Value: new(pairs), Usage: "set a configuration key, over file and environment: `KEY=VALUE`; repeatable"},
	}
}

func originOf(c *cli.Context) origin {
	o := origin{path: c.String("config"), environ: os.Environ()}
	if p, ok := c.Generic("set").(*pairs); ok {
		o.flags = *p
	}
	return o
}

// pairs collects the occurrences of a flag as they are; cli's own slices split them at commas.
type pairs []string

func (p *pairs) Set(s string) error {
	*p = append(*p, s)
	return nil
}

func (p *pairs) String() string { return strings.Join(*p, " ") }

// configCommand shows and checks configurations.
func configCommand() *cli.Command {
	return &cli.Command{
		Name:  "config",
		Usage: "show, check and describe the configuration",
		Subcommands: []*cli.Command{
			{
				Name:  "show",
				Usage: "print each key with its value and where the value comes from; secrets are masked",
				Flags: append(originFlags(), &cli.StringFlag{Name: "output", Aliases: []string{"o"}, Usage: "`FORMAT`: table or json", Value: "table"}),
				Action: func(c *cli.Context) error {
					return showConfig(c.App.Writer, originOf(c), c.String("output"))
				},
			},
			{
				Name:   "validate",
				Usage:  "check the configuration and print all that is wrong",
				Flags:  originFlags(),
				Action: func(c *cli.Context) error { return validateConfig(c.App.Writer, originOf(c)) },
			},
			{
				Name:   "schema",
				Usage:  "print the JSON Schema of the configuration file, for editors",
				Action: func(c *cli.Context) error { return printSchema(c.App.Writer) },
			},
		},
	}
}

func showConfig(w io.Writer, o origin, format string) error {
	if format != "table" && format != "json" {
		return usage(fmt.Errorf("output %q is neither table nor json", format))
	}
	c, sources, err := o.load()
	if err != nil {
		return usage(err)
	}
	settings := config.Settings(&c, sources)
	if format == "json" {
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		return e.Encode(settings)
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "KEY\tSOURCE\tVALUE")
	for _, s := range settings {
		fmt.Fprintf(t, "%s\t%s\t%s\n", s.Key, s.Source, s.Text())
	}
	return t.Flush()
}

func validateConfig(w io.Writer, o origin) error {
	if _, _, err := o.load(); err != nil {
		return usage(err)
	}
	_, err := fmt.Fprintln(w, "the configuration is valid")
	return err
}

func printSchema(w io.Writer) error {
	var docs config.Comments
	if err := json.Unmarshal(comments, &docs); err != nil {
		return err
	}
	schema, err := schemaOf(docs)
	if err != nil {
		return err
	}
	_, err = w.Write(schema)
	return err
}

func schemaOf(docs config.Comments) ([]byte, error) {
	c := defaults()
	schema, err := config.Schema(&c, docs, "inventoryd configuration")
	return append(schema, '\n'), err
}
