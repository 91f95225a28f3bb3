package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/urfave/cli/v2"
	"golang.org/x/sync/errgroup"

	"inventoryd/internal/sandbox"
	"inventoryd/samples"
)

var demoCommand = &cli.Command{
	Name:        "demo",
	Usage:       "runs the daemon against local stand-ins and shows what it does; needs no AWS account",
	Description: "Example:\n  inventoryd demo",
	Flags: []cli.Flag{
		&cli.BoolFlag{Name: "once", Usage: "end when all is quiet: 0 if every row and alert arrived, 1 if not within 30 s"},
	},
	Action: func(c *cli.Context) error { return demo(c.Context, c.App.Writer, c.Bool("once")) },
}

const demoPatience = 30 * time.Second // for the rows and alerts to arrive, with --once

// demo runs sandbox and daemon in this process, uploads the sample feeds as stores would, and prints what reaches the
// subscriber of the topic.
func demo(ctx context.Context, out io.Writer, once bool) error {
	d := &demonstration{out: out}
	if err := d.open(); err != nil {
		return err
	}
	// The stand-ins outlive the daemon, which needs them to stop in order.
	outer, end := context.WithCancel(context.WithoutCancel(ctx))
	defer end()
	var world errgroup.Group
	world.Go(func() error { return d.world.Serve(outer, d.listener) })

	daemon, ctx := errgroup.WithContext(ctx)
	inner, stop := context.WithCancel(ctx)
	defer stop()
	daemon.Go(func() error {
		return run(inner, d.cfg, d.clients, host{listener: d.page, log: d.logger(), started: func() {}})
	})
	daemon.Go(func() error {
		defer stop()
		return d.show(inner, once)
	})
	err := daemon.Wait()
	end()
	return errors.Join(err, world.Wait())
}

// demonstration is the demo's world: the stand-ins, the daemon's configuration and clients, and what was seen so far.
type demonstration struct {
	world    *sandbox.Sandbox
	listener net.Listener // of the stand-ins
	page     net.Listener // of the daemon
	cfg      Config
	clients  clients

	alerts atomic.Int64

	mu  sync.Mutex // guards out
	out io.Writer
}

func (d *demonstration) open() (err error) {
	d.world = sandbox.New()
	if d.listener, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		return err
	}
	d.cfg = defaults()
	d.cfg.Stream.LeaseDuration = 2 * time.Second
	d.cfg.Notifier.GroupItems, d.cfg.Notifier.GroupWait = 1, 0          // each alert as the original sent it, at once
	if d.page, err = net.Listen("tcp", d.cfg.HTTP.Listen); err != nil { // a daemon may run here already
		if d.page, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
			return err
		}
	}
	d.clients = newClients(aws.Config{
		Region:       "us-east-1",
		Credentials:  credentials.NewStaticCredentialsProvider("demo", "demo", ""),
		BaseEndpoint: aws.String("http://" + d.listener.Addr().String()),
	}, d.cfg.AWS)
	return d.world.Provision(context.Background())
}

// show uploads the feeds and reports what arrives, until ctx ends or, with once, until everything has arrived.
func (d *demonstration) show(ctx context.Context, once bool) error {
	d.printf("AWS stand-ins  http://%s", d.listener.Addr())
	d.printf("page           http://%s/", d.page.Addr())
	d.printf("")
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return d.watchInbox(ctx) })
	group.Go(func() error {
		if err := d.upload(ctx); err != nil {
			return ignoreEnd(ctx, err)
		}
		if !once {
			d.printf("\nCtrl-C ends it. For a feed of your own: aws --endpoint-url http://%s s3 cp FILE.csv s3://%s/ (any credentials)\n",
				d.listener.Addr(), sandbox.Bucket)
			return nil
		}
		if err := d.verdict(ctx); err != nil {
			return err
		}
		return errQuiet
	})
	if err := group.Wait(); !errors.Is(err, errQuiet) {
		return err
	}
	return nil
}

// errQuiet ends the demonstration when everything has arrived.
var errQuiet = errors.New("all is quiet")

// upload puts the sample feeds into the bucket, as the stores would.
func (d *demonstration) upload(ctx context.Context) error {
	for name, body := range samples.Feeds() {
		_, err := d.clients.S3.PutObject(ctx, &s3.PutObjectInput{Bucket: aws.String(sandbox.Bucket), Key: &name, Body: bytes.NewReader(body)})
		if err != nil {
			return fmt.Errorf("upload %s: %w", name, err)
		}
		d.printf("uploaded  %s", name)
	}
	return nil
}
