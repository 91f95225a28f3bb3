package main

import (
	"fmt"

	"github.com/urfave/cli/v2"

	"inventoryd/internal/sandbox"
)

var sandboxCommand = &cli.Command{
	Name:  "sandbox",
	Usage: "serves local stand-ins of S3, SQS, SNS, STS, DynamoDB with streams and CloudWatch",
	Description: "Holds a bucket `inventory` that tells the queue `inventory-events` of new objects, a table `Inventory` with its\n" +
		"stream, and a topic `NoStock` with the queue `nostock-inbox` subscribed. Everything is in memory and gone at the end.\n\n" +
		"Example:\n  inventoryd sandbox --listen 127.0.0.1:4566",
	Flags: []cli.Flag{
		&cli.StringFlag{Name: "listen", Value: "127.0.0.1:4566", Usage: "the loopback `ADDRESS` to serve"},
	},
	Action: func(c *cli.Context) error {
		l, err := sandbox.Listen(c.String("listen"))
		if err != nil {
			return usage(fmt.Errorf("--listen: %w", err))
		}
		world := sandbox.New()
		if err := world.Provision(c.Context); err != nil {
			l.Close()
			return err
		}
		fmt.Fprintf(c.App.Writer, "# AWS stand-ins at http://%s; for other clients (S3: path style):\n", l.Addr())
		for _, variable := range sandbox.Environment(l.Addr().String(), "sandbox") {
			fmt.Fprintln(c.App.Writer, "export "+variable)
		}
		return world.Serve(c.Context, l)
	},
}
