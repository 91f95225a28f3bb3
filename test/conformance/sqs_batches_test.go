package conformance

// Cases of SQS: batches.

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"inventoryd/internal/sandbox/fault"
)

func entry(id, body string) sqstypes.SendMessageBatchRequestEntry {
	return sqstypes.SendMessageBatchRequestEntry{Id: &id, MessageBody: &body}
}

func (q queue) sendBatch(entries ...sqstypes.SendMessageBatchRequestEntry) (*sqs.SendMessageBatchOutput, error) {
	return q.SendMessageBatch(context.Background(), &sqs.SendMessageBatchInput{QueueUrl: q.url, Entries: entries})
}

// numbered are n ids of entries.
func numbered(n int) (ids []string) {
	for i := range n {
		ids = append(ids, strconv.Itoa(i))
	}
	return ids
}

// deleteBatch deletes one message by as many entries as there are ids.
func (q queue) deleteBatch(m sqstypes.Message, ids ...string) (*sqs.DeleteMessageBatchOutput, error) {
	in := &sqs.DeleteMessageBatchInput{QueueUrl: q.url, Entries: []sqstypes.DeleteMessageBatchRequestEntry{}}
	for _, id := range ids {
		in.Entries = append(in.Entries, sqstypes.DeleteMessageBatchRequestEntry{Id: &id, ReceiptHandle: m.ReceiptHandle})
	}
	return q.DeleteMessageBatch(context.Background(), in)
}

// hideBatch changes the visibility of one message by as many entries as there are ids.
func (q queue) hideBatch(m sqstypes.Message, seconds int32, ids ...string) (*sqs.ChangeMessageVisibilityBatchOutput, error) {
	in := &sqs.ChangeMessageVisibilityBatchInput{QueueUrl: q.url, Entries: []sqstypes.ChangeMessageVisibilityBatchRequestEntry{}}
	for _, id := range ids {
		in.Entries = append(in.Entries, sqstypes.ChangeMessageVisibilityBatchRequestEntry{Id: &id, ReceiptHandle: m.ReceiptHandle, VisibilityTimeout: seconds})
	}
	return q.ChangeMessageVisibilityBatch(context.Background(), in)
}

var _ = add("sqs",
	Case{Name: "a batch sends up to ten messages", Doc: "SendMessageBatch", Run: func(t *T, e *Env) {
		q := newQueue(t, e, "q", nil)
		var entries []sqstypes.SendMessageBatchRequestEntry
		for i := range 10 {
			entries = append(entries, entry(fmt.Sprint(i), fmt.Sprint("m", i)))
		}
		out, err := q.sendBatch(entries...)
		t.ok(err)
		t.equal("successful", len(out.Successful), 10)
		_, err = q.sendBatch(append(entries, entry("10", "m10"))...)
		t.refused(err, "AWS.SimpleQueueService.TooManyEntriesInBatchRequest", "Maximum number of entries per request are 10. You have sent 11.")
	}},
	Case{Name: "entries of a batch fail inside an answer of status 200", Doc: "SendMessageBatch", Run: func(t *T, e *Env) {
		q := newQueue(t, e, "q", nil)
		bad := entry("bad", "x")
		bad.DelaySeconds = 901
		out, err := q.sendBatch(entry("good", "y"), bad)
		t.ok(err)
		t.equal("successful", len(out.Successful), 1)
		t.equal("failed", len(out.Failed), 1)
		t.equal("which", *out.Failed[0].Id, "bad")
		t.equal("the sender's fault", out.Failed[0].SenderFault, true)
		q.receives("y")
	}},
	Case{Name: "a batch without entries is refused", Doc: "SendMessageBatch", Run: func(t *T, e *Env) {
		_, err := newQueue(t, e, "q", nil).sendBatch([]sqstypes.SendMessageBatchRequestEntry{}...)
		t.refused(err, "AWS.SimpleQueueService.EmptyBatchRequest")
	}},
	Case{Name: "ids of a batch differ and are well formed", Doc: "SendMessageBatch", Run: func(t *T, e *Env) {
		q := newQueue(t, e, "q", nil)
		_, err := q.sendBatch(entry("a", "x"), entry("a", "y"))
		t.refused(err, "AWS.SimpleQueueService.BatchEntryIdsNotDistinct", "Id a repeated.")
		_, err = q.sendBatch(entry("a b", "x"))
		t.refused(err, "AWS.SimpleQueueService.InvalidBatchEntryId")
	}},
	Case{Name: "a batch of more than 1 MiB in all is refused", Doc: "SendMessageBatch", Run: func(t *T, e *Env) {
		q := newQueue(t, e, "q", nil)
		_, err := q.sendBatch(entry("a", strings.Repeat("x", 1<<19)), entry("b", strings.Repeat("x", 1<<19+1)))
		t.refused(err, "AWS.SimpleQueueService.BatchRequestTooLong", "Batch requests cannot be longer than 1048576 bytes. You have sent 1048577 bytes.")
	}},
	Case{Name: "a batch deletes ten messages at most, with ids that differ", Doc: "DeleteMessageBatch", Run: func(t *T, e *Env) {
		q := newQueue(t, e, "q", nil)
		q.sent("x")
		m := q.receives("x")[0]
		batch := func(ids ...string) error { _, err := q.deleteBatch(m, ids...); return err }
		t.refused(batch(numbered(11)...), "AWS.SimpleQueueService.TooManyEntriesInBatchRequest", "You have sent 11.")
		t.refused(batch("a", "a"), "AWS.SimpleQueueService.BatchEntryIdsNotDistinct")
		t.refused(batch(), "AWS.SimpleQueueService.EmptyBatchRequest")
		t.ok(batch(numbered(10)...))
	}},
	Case{Name: "a batch changes the visibility of ten messages at most, with ids that differ", Doc: "ChangeMessageVisibilityBatch", Run: func(t *T, e *Env) {
		q := newQueue(t, e, "q", nil)
		q.sent("x")
		m := q.receives("x")[0]
		batch := func(ids ...string) error { _, err := q.hideBatch(m, 60, ids...); return err }
		t.refused(batch(numbered(11)...), "AWS.SimpleQueueService.TooManyEntriesInBatchRequest", "You have sent 11.")
		t.refused(batch("a", "a"), "AWS.SimpleQueueService.BatchEntryIdsNotDistinct")
		t.refused(batch(), "AWS.SimpleQueueService.EmptyBatchRequest")
		t.ok(batch("a"))
	}},
	Case{Name: "in a batch, an older receipt handle succeeds without effect", Doc: "DeleteMessageBatch", Run: func(t *T, e *Env) {
		q := newQueue(t, e, "q", nil)
		q.sent("x")
		older := q.seen("x")[0]
		q.seen("x")
		out, err := q.deleteBatch(older, "a")
		t.ok(err)
		t.equal("successful", len(out.Successful), 1)
		q.receives("x")
	}},
	Case{Name: "in a batch, the visibility of a message received again since is the sender's fault", Doc: "ChangeMessageVisibilityBatch", Run: func(t *T, e *Env) {
		q := newQueue(t, e, "q", nil)
		q.sent("x")
		older := q.seen("x")[0]
		q.receives("x")
		out, err := q.hideBatch(older, 60, "a")
		t.ok(err)
		t.equal("failed", len(out.Failed), 1)
		t.equal("the sender's fault", out.Failed[0].SenderFault, true)
	}},
	Case{Name: "in a batch, a message that is gone is the sender's fault", Doc: "ChangeMessageVisibilityBatch", Run: func(t *T, e *Env) {
		q := newQueue(t, e, "q", nil)
		q.sent("x")
		m := q.receives("x")[0]
		t.ok(q.remove(m))
		out, err := q.hideBatch(m, 60, "a")
		t.ok(err)
		t.equal("failed", len(out.Failed), 1)
		t.equal("the sender's fault", out.Failed[0].SenderFault, true)
	}},
	Case{Name: "in a batch, too, the 12 hours begin with the receive", Doc: "ChangeMessageVisibilityBatch", Sandbox: true, Run: func(t *T, e *Env) {
		q := newQueue(t, e, "q", nil)
		q.sent("x")
		m := q.receives("x", visibility(43_200))[0]
		pass(e, 11*time.Hour)
		out, err := q.hideBatch(m, 3601, "a")
		t.ok(err)
		t.equal("failed", len(out.Failed), 1)
		t.equal("the code, the sender's fault", fmt.Sprint(*out.Failed[0].Code, out.Failed[0].SenderFault), "InvalidParameterValuetrue")
		out, err = q.hideBatch(m, 3599, "a")
		t.ok(err)
		t.equal("successful", len(out.Successful), 1)
	}},
	Case{Name: "entries of a batch may fail by no fault of the sender", Doc: "BatchResultErrorEntry", Sandbox: true, Run: func(t *T, e *Env) {
		q := newQueue(t, e, "q", nil)
		q.sent("x")
		m := q.receives("x")[0]
		e.Sandbox.Fault(fault.Rule{Effect: fault.Effect{Unprocessed: 1}})
		hidden, err := q.hideBatch(m, 0, "a")
		t.ok(err)
		t.equal("the sender's fault", hidden.Failed[0].SenderFault, false)
		deleted, err := q.deleteBatch(m, "a")
		t.ok(err)
		t.equal("the sender's fault", deleted.Failed[0].SenderFault, false)
	}},
	Case{Name: "a batch deletes, and names the entries that it cannot", Doc: "DeleteMessageBatch", Run: func(t *T, e *Env) {
		q := newQueue(t, e, "q", nil)
		q.sent("x")
		m := q.receives("x")[0]
		out, err := q.DeleteMessageBatch(context.Background(), &sqs.DeleteMessageBatchInput{QueueUrl: q.url, Entries: []sqstypes.DeleteMessageBatchRequestEntry{
			{Id: aws.String("good"), ReceiptHandle: m.ReceiptHandle}, {Id: aws.String("bad"), ReceiptHandle: aws.String("not-a-handle")},
		}})
		t.ok(err)
		t.equal("successful", len(out.Successful), 1)
		t.equal("failed", len(out.Failed), 1)
		t.equal("the code", *out.Failed[0].Code, "ReceiptHandleIsInvalid")
		t.equal("left", q.attributes("All")["ApproximateNumberOfMessagesNotVisible"], "0")
	}},
	Case{Name: "a batch changes visibility, and names the entries that it cannot", Doc: "ChangeMessageVisibilityBatch", Run: func(t *T, e *Env) {
		q := newQueue(t, e, "q", nil)
		q.sent("x")
		m := q.receives("x")[0]
		out, err := q.ChangeMessageVisibilityBatch(context.Background(), &sqs.ChangeMessageVisibilityBatchInput{QueueUrl: q.url, Entries: []sqstypes.ChangeMessageVisibilityBatchRequestEntry{
			{Id: aws.String("good"), ReceiptHandle: m.ReceiptHandle, VisibilityTimeout: 0}, {Id: aws.String("bad"), ReceiptHandle: m.ReceiptHandle, VisibilityTimeout: 43_201},
		}})
		t.ok(err)
		t.equal("successful", len(out.Successful), 1)
		t.equal("failed", len(out.Failed), 1)
		t.equal("the code", *out.Failed[0].Code, "InvalidParameterValue")
		q.receives("x")
	}},
)
