package main

// The command `release`: an upload that was held back is loaded all the same.

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/urfave/cli/v2"

	"inventoryd/internal/state"
	"inventoryd/loader/event"
)

var releaseCommand = &cli.Command{
	Name:      "release",
	Usage:     "has an upload loaded that was held back",
	ArgsUsage: "s3://bucket/key",
	Description: "It marks the upload that was held back as released and sends the object's event to the queue. What was uploaded since takes its\n" +
		"place, and is judged anew. `inventoryd iam-policy --for release` prints what it needs.\n\n" +
		"Example:\n  inventoryd release s3://inventory/berlin.csv",
	Flags: originFlags(),
	Action: func(c *cli.Context) error {
		if c.Args().Len() != 1 {
			return usage(errors.New("release: name one object, s3://bucket/key"))
		}
		bucket, key, ok := objectNamed(c.Args().First())
		if !ok {
			return usage(fmt.Errorf("release: %q is no object: s3://bucket/key", c.Args().First()))
		}
		cfg, all, err := configured(c)
		if err != nil {
			return err
		}
		held, err := release(c.Context, cfg, all, bucket, key)
		if err != nil {
			return err
		}
		fmt.Fprintf(c.App.Writer, "released: s3://%s/%s of %s; it is loaded when its turn comes (inventoryd loads %s)\n",
			visible(bucket), visible(key), stamp(held.Modified), visible(shell("s3://"+bucket+"/"+key)))
		return nil
	},
}

// objectNamed reads s3://bucket/key.
func objectNamed(arg string) (bucket, key string, ok bool) {
	rest, isS3 := strings.CutPrefix(arg, "s3://")
	bucket, key, _ = strings.Cut(rest, "/")
	return bucket, key, isS3 && bucket != "" && key != ""
}

// release marks what is held back of an object as released, and has it looked at again.
func release(ctx context.Context, cfg Config, c clients, bucket, key string) (held state.Version, err error) {
	row, known, err := state.LoadNamed(ctx, c.Tables, cfg.StateTable, cfg.App, bucket, key)
	if err != nil {
		return held, err
	}
	if held = row.Last.Version; !known || row.Last.Status != "held" || held.ETag == "" {
		return held, exit{fmt.Errorf("release: nothing of s3://%s/%s is held back (inventoryd loads --feeds lists what is)", bucket, key), exitFindings}
	}
	if _, err := c.Tables.UpdateItem(ctx, state.ReleaseLoad(cfg.StateTable, cfg.App, bucket, key, held.ETag, time.Now())); err != nil {
		return held, fmt.Errorf("release: note it in table %s: %w", cfg.StateTable, err)
	}
	url, err := c.queueURL(ctx, cfg.Loader.Queue)
	if err != nil {
		return held, fmt.Errorf("release: find queue %s: %w", cfg.Loader.Queue, err)
	}
	body := event.Again(bucket, key)
	if _, err := c.SQS.SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: &url, MessageBody: &body}); err != nil {
		return held, fmt.Errorf("release: send the object's event to queue %s (sqs:SendMessage): %w", cfg.Loader.Queue, err)
	}
	return held, nil
}
