package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	dynamotypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"inventoryd/internal/sandbox"
	"inventoryd/internal/sleep"
	"inventoryd/samples"
)

// What the demonstration shows: the daemon's log as short lines, the subscriber's inbox, and the verdict.

func (d *demonstration) printf(format string, args ...any) {
	d.mu.Lock()
	defer d.mu.Unlock()
	fmt.Fprintf(d.out, format+"\n", args...)
}

// watchInbox reads the queue that is subscribed to the topic and prints each alert, until ctx ends.
func (d *demonstration) watchInbox(ctx context.Context) error {
	url, err := d.clients.queueURL(ctx, sandbox.Inbox)
	if err != nil {
		return ignoreEnd(ctx, fmt.Errorf("the subscriber's queue: %w", err))
	}
	for {
		out, err := d.clients.SQS.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: &url, MaxNumberOfMessages: 10, WaitTimeSeconds: 20})
		if err != nil {
			return ignoreEnd(ctx, fmt.Errorf("receive alerts: %w", err))
		}
		for _, m := range out.Messages {
			var envelope struct{ Subject, Message string }
			if err := json.Unmarshal([]byte(aws.ToString(m.Body)), &envelope); err != nil {
				return fmt.Errorf("alert %s: %w", aws.ToString(m.MessageId), err)
			}
			d.printf("alert     %s", envelope.Message)
			d.alerts.Add(1)
			if _, err := d.clients.SQS.DeleteMessage(ctx, &sqs.DeleteMessageInput{QueueUrl: &url, ReceiptHandle: m.ReceiptHandle}); err != nil {
				return ignoreEnd(ctx, fmt.Errorf("delete an alert: %w", err))
			}
		}
	}
}

// verdict waits until every row and every alert has arrived and nothing is left to do, prints the summary, and fails
// where that does not happen in time.
func (d *demonstration) verdict(ctx context.Context) error {
	var rows, alerts, quiet int
	var unseen error
	for began := time.Now(); quiet < 5 && time.Since(began) < demoPatience; {
		n, left, err := d.count(ctx)
		if unseen = err; err == nil {
			rows = n
		}
		alerts = int(d.alerts.Load())
		if quiet++; err != nil || rows < samples.Rows || alerts < samples.Zeros || left > 0 {
			quiet = 0
		}
		if sleep.For(ctx, 100*time.Millisecond) != nil {
			return errors.New("interrupted")
		}
	}
	d.printf("\n%d rows, %d alerts", rows, alerts)
	switch {
	case unseen != nil:
		return fmt.Errorf("expected %d rows and %d alerts; not all could be counted: %w", samples.Rows, samples.Zeros, unseen)
	case rows != samples.Rows, alerts != samples.Zeros:
		return fmt.Errorf("expected %d rows and %d alerts", samples.Rows, samples.Zeros)
	case quiet < 5:
		return errors.New("all has arrived, but messages are left in the queue " + sandbox.EventQueue)
	}
	return nil
}

// count returns the rows in the table and the messages that the events' queue still has.
func (d *demonstration) count(ctx context.Context) (rows, left int, err error) {
	table, err := d.clients.Tables.Scan(ctx, &dynamodb.ScanInput{
		TableName: &d.cfg.Table.Name, Select: dynamotypes.SelectCount, ConsistentRead: aws.Bool(true),
	})
	if err != nil {
		return 0, 0, err
	}
	url, err := d.clients.queueURL(ctx, sandbox.EventQueue)
	if err != nil {
		return 0, 0, err
	}
	names := []sqstypes.QueueAttributeName{
		sqstypes.QueueAttributeNameApproximateNumberOfMessages, sqstypes.QueueAttributeNameApproximateNumberOfMessagesNotVisible,
	}
	queue, err := d.clients.SQS.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{QueueUrl: &url, AttributeNames: names})
	if err != nil {
		return 0, 0, err
	}
	for _, n := range names {
		if queue.Attributes[string(n)] != "0" {
			left++
		}
	}
	return int(table.Count), left, nil
}

// logger is the daemon's log, shown as short lines: what was loaded, and whatever is a warning or worse.
func (d *demonstration) logger() *zap.Logger {
	return zap.New(&shortLines{LevelEnabler: zapcore.InfoLevel, print: d.printf})
}

// shortLines is a zapcore.Core that prints a loaded object as one line, and warnings and errors in full.
type shortLines struct {
	zapcore.LevelEnabler
	print func(format string, args ...any)
	with  []zapcore.Field
}

func (s *shortLines) With(fields []zapcore.Field) zapcore.Core {
	return &shortLines{s.LevelEnabler, s.print, append(s.with[:len(s.with):len(s.with)], fields...)}
}

func (s *shortLines) Check(e zapcore.Entry, ce *zapcore.CheckedEntry) *zapcore.CheckedEntry {
	if s.Enabled(e.Level) {
		return ce.AddCore(e, s)
	}
	return ce
}

func (s *shortLines) Write(e zapcore.Entry, fields []zapcore.Field) error {
	all := zapcore.NewMapObjectEncoder()
	for _, f := range append(s.with[:len(s.with):len(s.with)], fields...) {
		f.AddTo(all)
	}
	switch {
	case e.Level >= zapcore.WarnLevel:
		s.print("%-9s %s %v", e.Level, e.Message, all.Fields)
	case e.LoggerName == "loader" && e.Message == "object loaded":
		books, _ := all.Fields["books"].(map[string]any)
		s.print("loaded    %v: %v rows", all.Fields["key"], books["read"])
	}
	return nil
}

func (s *shortLines) Sync() error { return nil }
