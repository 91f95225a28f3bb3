package loader

// The queue: one message at a time for those who read, batches on the wire.

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

const (
	longPoll    = 20 * time.Second
	shortPoll   = time.Second // the least that waits at all
	pollTimeout = 25 * time.Second
	queueBatch  = 10 // entries of a batch ("ReceiveMessage", "DeleteMessageBatch")
	callTimeout = 10 * time.Second
)

// queue is the queue the loader reads.
type queue struct {
	sqs        Queue
	name       string // as configured
	url        string
	visibility time.Duration
}

// message is one message in hand.
type message struct {
	id, receipt, body string
	receives          int       // how often it was received, this time included
	sent              time.Time // zero: unknown
	received          time.Time // by this machine's clock, with its monotonic part
	asleep            time.Duration
	slot              *slot
}

// ErrNoQueue is the error of Run for a queue that is not there.
var ErrNoQueue = errors.New("does not exist (loader.queue): create it and let the bucket's notifications reach it, or name the right one")

// resolve finds the queue's URL.
func (q *queue) resolve(ctx context.Context) error {
	if strings.Contains(q.name, "://") {
		q.url = q.name
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	out, err := q.sqs.GetQueueUrl(ctx, &sqs.GetQueueUrlInput{QueueName: &q.name})
	if err != nil {
		return q.explain(err)
	}
	q.url = aws.ToString(out.QueueUrl)
	return nil
}

// explain names the queue in an error.
func (q *queue) explain(err error) error {
	var absent *types.QueueDoesNotExist
	if errors.As(err, &absent) || failed(toQueue, err).fate == noQueue {
		return fmt.Errorf("queue %s %w", q.name, ErrNoQueue)
	}
	return fmt.Errorf("queue %s: %w", q.name, err)
}

// receive waits for up to limit messages.
func (q *queue) receive(ctx context.Context, limit int, wait time.Duration) ([]message, error) {
	ctx, cancel := context.WithTimeout(ctx, pollTimeout)
	defer cancel()
	out, err := q.sqs.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{
		QueueUrl:            &q.url,
		MaxNumberOfMessages: int32(min(limit, queueBatch)),
		WaitTimeSeconds:     int32(wait / time.Second),
		VisibilityTimeout:   seconds(q.visibility),
		MessageSystemAttributeNames: []types.MessageSystemAttributeName{
			types.MessageSystemAttributeNameApproximateReceiveCount, types.MessageSystemAttributeNameSentTimestamp,
		},
	})
	if err != nil {
		return nil, q.explain(err)
	}
	messages := make([]message, len(out.Messages))
	for i, m := range out.Messages {
		messages[i] = message{
			id: aws.ToString(m.MessageId), receipt: aws.ToString(m.ReceiptHandle), body: aws.ToString(m.Body),
			receives: 1, received: time.Now(), asleep: asleep(),
		}
		if n, err := strconv.Atoi(m.Attributes["ApproximateReceiveCount"]); err == nil {
			messages[i].receives = n
		}
		if ms, err := strconv.ParseInt(m.Attributes["SentTimestamp"], 10, 64); err == nil {
			messages[i].sent = time.UnixMilli(ms)
		}
	}
	return messages, nil
}

// errNotHeld is the error of a message that is no longer ours: deleted, or its visibility has lapsed.
var errNotHeld = errors.New("the message is no longer held")

// change sets the visibility of up to queueBatch messages. failed has a place for each, with why it was not changed.
func (q *queue) change(ctx context.Context, messages []message, visibility time.Duration) (failed []error, err error) {
	entries := make([]types.ChangeMessageVisibilityBatchRequestEntry, len(messages))
	for i, m := range messages {
		entries[i] = types.ChangeMessageVisibilityBatchRequestEntry{
			Id: aws.String(strconv.Itoa(i)), ReceiptHandle: aws.String(m.receipt), VisibilityTimeout: seconds(visibility),
		}
	}
	out, err := q.sqs.ChangeMessageVisibilityBatch(ctx, &sqs.ChangeMessageVisibilityBatchInput{QueueUrl: &q.url, Entries: entries})
	if err != nil {
		return nil, q.explain(err)
	}
	return entryErrors(len(messages), out.Failed), nil
}

// delete deletes a message.
func (q *queue) delete(ctx context.Context, m message) error {
	out, err := q.sqs.DeleteMessageBatch(ctx, &sqs.DeleteMessageBatchInput{
		QueueUrl: &q.url, Entries: []types.DeleteMessageBatchRequestEntry{{Id: aws.String("0"), ReceiptHandle: &m.receipt}},
	})
	if err != nil {
		return q.explain(err)
	}
	return entryErrors(1, out.Failed)[0]
}

// entryErrors reads the entries of a batch of n that failed inside an answer of success.
func entryErrors(n int, failed []types.BatchResultErrorEntry) []error {
	errs := make([]error, n)
	for _, f := range failed {
		i, err := strconv.Atoi(aws.ToString(f.Id))
		if err != nil || i < 0 || i >= n {
			continue
		}
		errs[i] = fmt.Errorf("%s: %s", aws.ToString(f.Code), aws.ToString(f.Message))
		if f.SenderFault || fateOf(answer{of: toQueue, code: aws.ToString(f.Code)}) == notHeld { // expired, or not in flight
			errs[i] = fmt.Errorf("%w: %w", errNotHeld, errs[i])
		}
	}
	return errs
}

// seconds is d in whole seconds, rounded up.
func seconds(d time.Duration) int32 { return int32((d + time.Second - 1) / time.Second) }
