package main

// The command `dead`: the changes that the stream has put aside in its dead-letter queue.

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/urfave/cli/v2"

	"inventoryd/stream"
)

var deadCommand = &cli.Command{
	Name:  "dead",
	Usage: "lists, or handles again, changes that the stream has put into its dead-letter queue",
	Description: "These are records that cannot be read and records over which the daemon failed: stream.dead_letter_queue.\n\n" +
		"Example:\n  inventoryd dead list\n  inventoryd dead replay",
	Subcommands: []*cli.Command{deadListCommand, deadReplayCommand},
}

var deadListCommand = &cli.Command{
	Name:  "list",
	Usage: "lists the changes in the dead-letter queue",
	Description: "SQS has no way of only looking: each message is received, and put back at once. So each listing counts as a receive.\n\n" +
		"Example:\n  inventoryd dead list --limit 20\n  inventoryd dead list -o json",
	Flags: append(originFlags(), outputFlag(), &cli.IntFlag{Name: "limit", Value: 100, Usage: "at most `N` changes"}),
	Action: func(c *cli.Context) error {
		d, err := openDead(c)
		if err != nil {
			return err
		}
		found, err := d.receive(c.Context, c.Int("limit"))
		err = errors.Join(err, d.putBack(found))
		if err != nil {
			return err
		}
		return deadTable(found).print(c)
	},
}

// dead is the dead-letter queue of a configuration.
type dead struct {
	cfg Config
	clients
	url string
}

// letter is one message of the queue.
type letter struct {
	id, receipt string
	sent        string // when it was put aside, RFC 3339
	stream.Letter
	problem string // why it is no letter of this table's
}

func openDead(c *cli.Context) (*dead, error) {
	if limit := c.Int("limit"); limit < 1 {
		return nil, usage(fmt.Errorf("dead: --limit %d is less than 1", limit))
	}
	cfg, all, err := configured(c)
	if err != nil {
		return nil, err
	}
	name := cfg.Stream.DeadLetterQueue
	if name == "" {
		return nil, usage(errors.New("dead: stream.dead_letter_queue names no queue, so nothing was put aside"))
	}
	url, err := all.queueURL(c.Context, name)
	if err != nil {
		return nil, fmt.Errorf("find the dead-letter queue %s: %w", name, err)
	}
	return &dead{cfg: cfg, clients: all, url: url}, nil
}

// held is how long received messages are hidden from others, in seconds.
const held = 300

// receive takes up to that many messages, in the order of their stream.
func (d *dead) receive(ctx context.Context, most int) (found []letter, err error) {
	for empty := 0; len(found) < most && empty < 2; { // a receive may miss messages
		out, err := d.SQS.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{
			QueueUrl: &d.url, MaxNumberOfMessages: int32(min(10, most-len(found))), VisibilityTimeout: held, WaitTimeSeconds: 1,
			MessageSystemAttributeNames: []types.MessageSystemAttributeName{types.MessageSystemAttributeNameSentTimestamp},
		})
		if err != nil {
			return found, fmt.Errorf("receive from queue %s: %w", d.url, err)
		}
		if len(out.Messages) == 0 {
			empty++
		}
		for _, m := range out.Messages {
			found = append(found, d.open(m))
		}
	}
	slices.SortStableFunc(found, func(a, b letter) int {
		return cmp.Or(strings.Compare(a.Record().Position(), b.Record().Position()), strings.Compare(a.id, b.id))
	})
	return found, nil
}

func (d *dead) open(m types.Message) letter {
	l := letter{id: aws.ToString(m.MessageId), receipt: aws.ToString(m.ReceiptHandle), sent: sentAt(m)}
	var err error
	l.Letter, err = stream.ParseLetter(aws.ToString(m.Body))
	switch {
	case err != nil:
		l.problem = "is no change: " + err.Error()
	case l.Table != d.cfg.Table.Name:
		l.problem = "is of table " + l.Table
	case l.Cut:
		l.problem = "was too large for its images; inventoryd resync finds what it left out"
	}
	return l
}

func sentAt(m types.Message) string {
	var ms int64
	if _, err := fmt.Sscan(m.Attributes[string(types.MessageSystemAttributeNameSentTimestamp)], &ms); err != nil {
		return "-"
	}
	return stamp(time.UnixMilli(ms))
}

// putBack shows messages to others again, also where the command was interrupted.
func (d *dead) putBack(found []letter) error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	var errs []error
	for _, l := range found {
		_, err := d.SQS.ChangeMessageVisibility(ctx, &sqs.ChangeMessageVisibilityInput{QueueUrl: &d.url, ReceiptHandle: &l.receipt})
		if err != nil {
			errs = append(errs, fmt.Errorf("put message %s back, which shows by itself after %d s: %w", l.id, held, err))
		}
	}
	return errors.Join(errs...)
}

// letterJSON is a letter for programs.
type letterJSON struct {
	MessageID string         `json:"message_id"`
	Sent      string         `json:"sent"`
	Problem   string         `json:"problem,omitempty"` // why it cannot be handled again
	Letter    *stream.Letter `json:"letter,omitempty"`
}

func deadTable(found []letter) table {
	t := table{head: []string{"PUT ASIDE", "CHANGED", "KIND", "KEYS", "EVENT", "ERROR"}}
	all := []letterJSON{}
	for _, l := range found {
		one := letterJSON{MessageID: l.id, Sent: l.sent, Problem: l.problem}
		changed, text := "-", l.problem
		if l.Sequence != "" {
			one.Letter, changed = &l.Letter, stamp(l.Created)
			if text = l.Error; l.problem != "" {
				text += " (" + l.problem + ")"
			}
		}
		t.rows = append(t.rows, []string{l.sent, changed, orNothing(string(l.Kind)), orNothing(string(l.Keys)), orNothing(l.EventID), text})
		all = append(all, one)
	}
	t.json = all
	return t
}
