package main

// The commands `config show`, `config validate` and `config schema`.

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

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

// configured is the configuration that the flags name, and clients.
func configured(c *cli.Context) (Config, clients, error) {
	cfg, _, err := originOf(c).load()
	if err != nil {
		return cfg, clients{}, usage(err)
	}
	all, err := connect(c.Context, cfg.AWS)
	return cfg, all, err
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
		Name:        "config",
		Usage:       "show, check and describe the configuration",
		Description: "Example:\n  inventoryd config validate config.yaml",
		Subcommands: []*cli.Command{
			{
				Name:        "show",
				Usage:       "print each key with its value and where the value comes from; secrets are masked",
				Description: "Example:\n  inventoryd config show -o json --set loader.workers=8",
				Flags:       append(originFlags(), outputFlag()),
				Action:      showConfig,
			},
			{
				Name:      "validate",
				Usage:     "check the configuration and print all that is wrong",
				ArgsUsage: "[FILE]",
				Description: "Looks at what it names, too: directories, files. Whether AWS has what it names, inventoryd check tells.\n\n" +
					"Example:\n  inventoryd config validate /etc/inventoryd/config.yaml",
				Flags:  originFlags(),
				Action: validateConfig,
			},
			{
				Name:        "schema",
				Usage:       "print the JSON Schema of the configuration file, for editors",
				Description: "Example:\n  inventoryd config schema > schema.json",
				Action:      func(c *cli.Context) error { return printSchema(c.App.Writer) },
			},
		},
	}
}

func showConfig(c *cli.Context) error {
	cfg, sources, err := originOf(c).load()
	if err != nil {
		return usage(err)
	}
	settings := config.Settings(&cfg, sources)
	t := table{head: []string{"KEY", "SOURCE", "VALUE"}, json: settings}
	for _, s := range settings {
		t.rows = append(t.rows, []string{s.Key, s.Source, s.Text()})
	}
	return t.print(c)
}

func validateConfig(c *cli.Context) error {
	o := originOf(c)
	switch {
	case c.Args().Len() > 1:
		return usage(fmt.Errorf("config validate checks one file, not %d", c.Args().Len()))
	case c.Args().Present() && c.IsSet("config"):
		return usage(errors.New("config validate: the file is named twice, as an argument and by --config"))
	case c.Args().Present():
		o.path = c.Args().First()
	}
	if _, _, err := o.load(); err != nil {
		return usage(err)
	}
	_, err := fmt.Fprintln(c.App.Writer, "the configuration is valid")
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
