package conformance

// Cases of SQS: sending, receiving, visibility. sqs_batches_test.go has batches, sqs_queues_test.go queues, redrive and FIFO.

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"
)

func receiveUpToTen(url *string) *sqs.ReceiveMessageInput {
	return &sqs.ReceiveMessageInput{QueueUrl: url, MaxNumberOfMessages: 10}
}

func visibility(seconds int32) func(*sqs.ReceiveMessageInput) {
	return func(in *sqs.ReceiveMessageInput) { in.VisibilityTimeout = seconds }
}

var _ = add("sqs",
	Case{Name: "a message is received as it was sent", Doc: "SendMessage", Run: func(t *T, e *Env) {
		q := newQueue(t, e, "q", nil)
		out := q.sent("héllo\n", func(in *sqs.SendMessageInput) {
			in.MessageAttributes = map[string]sqstypes.MessageAttributeValue{
				"store": {DataType: aws.String("String"), StringValue: aws.String("Berlin")},
				"raw":   {DataType: aws.String("Binary"), BinaryValue: []byte{0, 255}},
			}
		})
		got, err := q.ReceiveMessage(context.Background(), &sqs.ReceiveMessageInput{QueueUrl: q.url, MessageAttributeNames: []string{"All"}})
		t.ok(err)
		t.equal("how many", len(got.Messages), 1)
		m := got.Messages[0]
		t.equal("the body", *m.Body, "héllo\n")
		t.equal("the id", *m.MessageId, *out.MessageId)
		t.equal("the digest", *m.MD5OfBody, *out.MD5OfMessageBody)
		t.equal("the digest of the attributes", aws.ToString(m.MD5OfMessageAttributes), aws.ToString(out.MD5OfMessageAttributes))
		t.equal("an attribute", *m.MessageAttributes["store"].StringValue, "Berlin")
		t.equal("a binary attribute", m.MessageAttributes["raw"].BinaryValue, []byte{0, 255})
	}},
	Case{Name: "the digest of attributes is calculated as documented", Doc: "Amazon SQS message metadata", Run: func(t *T, e *Env) {
		q := newQueue(t, e, "q", nil)
		out := q.sent("x", func(in *sqs.SendMessageInput) {
			in.MessageAttributes = map[string]sqstypes.MessageAttributeValue{"count": {DataType: aws.String("Number"), StringValue: aws.String("12")}}
		})
		t.equal("the digest", aws.ToString(out.MD5OfMessageAttributes), "861b7368c8774e15134c675dcd4d9c12")
	}},
	Case{Name: "attributes are returned only on demand, also by prefix", Doc: "ReceiveMessage", Run: func(t *T, e *Env) {
		q := newQueue(t, e, "q", nil)
		one := sqstypes.MessageAttributeValue{DataType: aws.String("String"), StringValue: aws.String("1")}
		for range 2 {
			q.sent("x", func(in *sqs.SendMessageInput) {
				in.MessageAttributes = map[string]sqstypes.MessageAttributeValue{"a.x": one, "a.y": one, "b": one}
			})
		}
		m := q.receives("x", func(in *sqs.ReceiveMessageInput) { in.MessageAttributeNames, in.MaxNumberOfMessages = nil, 1 })
		t.equal("without names", len(m[0].MessageAttributes), 0)
		m = q.receives("x", func(in *sqs.ReceiveMessageInput) { in.MessageAttributeNames = []string{"a.*"} })
		t.equal("by prefix", len(m[0].MessageAttributes), 2)
	}},
	Case{Name: "system attributes tell when it was sent and how often received", Doc: "ReceiveMessage", Run: func(t *T, e *Env) {
		q := newQueue(t, e, "q", nil)
		before := time.Now().Add(-time.Second).UnixMilli()
		q.sent("x")
		for n := 1; n <= 2; n++ {
			m := q.seen("x")[0]
			sent, err := strconv.ParseInt(m.Attributes["SentTimestamp"], 10, 64)
			t.ok(err)
			t.equal("sent in this second", sent >= before && sent <= time.Now().Add(time.Second).UnixMilli(), true)
			t.equal("the receive count", m.Attributes["ApproximateReceiveCount"], fmt.Sprint(n))
			t.equal("first received", m.Attributes["ApproximateFirstReceiveTimestamp"] >= m.Attributes["SentTimestamp"], true)
		}
	}},
	Case{Name: "an empty message is refused", Doc: "SendMessage", Run: func(t *T, e *Env) {
		_, err := newQueue(t, e, "q", nil).send("")
		t.refused(err, "MissingParameter")
	}},
	Case{Name: "characters that XML cannot hold are refused", Doc: "SendMessage", Run: func(t *T, e *Env) {
		q := newQueue(t, e, "q", nil)
		_, err := q.send("bell \x07")
		t.refused(err, "InvalidMessageContents")
		q.sent("tab\tline\nreturn\r")
	}},
	Case{Name: "a message of 1 MiB is taken, of a byte more refused", Doc: "Amazon SQS message quotas", Run: func(t *T, e *Env) {
		q := newQueue(t, e, "q", nil)
		_, err := q.send(strings.Repeat("x", 1<<20+1))
		t.refused(err, "InvalidParameterValue", "Message must be shorter than 1048576 bytes")
		q.sent(strings.Repeat("x", 1<<20))
	}},
	Case{Name: "attributes count towards the size", Doc: "Amazon SQS message metadata", Run: func(t *T, e *Env) {
		q := newQueue(t, e, "q", map[string]string{"MaximumMessageSize": "1024"})
		attribute := func(in *sqs.SendMessageInput) {
			in.MessageAttributes = map[string]sqstypes.MessageAttributeValue{"a": {DataType: aws.String("String"), StringValue: aws.String("v")}}
		}
		_, err := q.send(strings.Repeat("x", 1024), attribute)
		t.refused(err, "InvalidParameterValue")
		q.sent(strings.Repeat("x", 1024-len("aStringv")), attribute)
	}},
	Case{Name: "a delayed message is not to be seen before its time", Doc: "Amazon SQS message timers", Run: func(t *T, e *Env) {
		q := newQueue(t, e, "q", nil)
		q.sent("later", func(in *sqs.SendMessageInput) { in.DelaySeconds = brief })
		q.receives("")
		t.equal("delayed", q.attributes("All")["ApproximateNumberOfMessagesDelayed"], "1")
		pass(e, afterBrief)
		q.receives("later")
	}},
	Case{Name: "a delay beyond 15 minutes is refused", Doc: "Amazon SQS message timers", Run: func(t *T, e *Env) {
		_, err := newQueue(t, e, "q", nil).send("x", func(in *sqs.SendMessageInput) { in.DelaySeconds = 901 })
		t.refused(err, "InvalidParameterValue", "DelaySeconds")
	}},
	Case{Name: "a received message is hidden for its visibility time-out", Doc: "Amazon SQS visibility timeout", Run: func(t *T, e *Env) {
		q := newQueue(t, e, "q", nil)
		q.sent("x")
		first := q.receives("x", visibility(brief))
		q.receives("")
		pass(e, afterBrief)
		again := q.receives("x")
		t.equal("the same message", *again[0].MessageId, *first[0].MessageId)
		t.equal("another handle", *again[0].ReceiptHandle != *first[0].ReceiptHandle, true)
	}},
	Case{Name: "the queue's visibility time-out applies where the receive names none", Doc: "Amazon SQS visibility timeout", Run: func(t *T, e *Env) {
		q := newQueue(t, e, "q", map[string]string{"VisibilityTimeout": strconv.Itoa(brief)})
		q.sent("x")
		q.receives("x")
		pass(e, afterBrief)
		q.receives("x")
	}},
	Case{Name: "a long poll is answered at once when a message comes", Doc: "Amazon SQS short and long polling", Run: func(t *T, e *Env) {
		q := newQueue(t, e, "q", nil)
		sent := make(chan error, 1)
		go func() {
			time.Sleep(200 * time.Millisecond)
			_, err := q.send("x")
			sent <- err
		}()
		begin := time.Now()
		q.receives("x", func(in *sqs.ReceiveMessageInput) { in.WaitTimeSeconds = 20 })
		t.ok(<-sent)
		t.equal("in good time", time.Since(begin) < 5*time.Second, true)
	}},
	Case{Name: "a long poll of more than 20 seconds is refused", Doc: "ReceiveMessage", Run: func(t *T, e *Env) {
		q := newQueue(t, e, "q", nil)
		_, err := q.ReceiveMessage(context.Background(), &sqs.ReceiveMessageInput{QueueUrl: q.url, WaitTimeSeconds: 21})
		t.refused(err, "InvalidParameterValue", "WaitTimeSeconds")
	}},
	Case{Name: "a receive brings ten messages at most", Doc: "ReceiveMessage", Run: func(t *T, e *Env) {
		q := newQueue(t, e, "q", nil)
		for i := range 12 {
			q.sent(fmt.Sprint(i))
		}
		out, err := q.ReceiveMessage(context.Background(), receiveUpToTen(q.url))
		t.ok(err)
		t.equal("how many", len(out.Messages), 10)
		_, err = q.ReceiveMessage(context.Background(), &sqs.ReceiveMessageInput{QueueUrl: q.url, MaxNumberOfMessages: 11})
		t.refused(err, "InvalidParameterValue", "MaxNumberOfMessages")
	}},
	Case{Name: "a deleted message does not come back", Doc: "DeleteMessage", Run: func(t *T, e *Env) {
		q := newQueue(t, e, "q", nil)
		q.sent("x")
		m := q.receives("x", visibility(brief))[0]
		t.ok(q.remove(m))
		t.ok(q.remove(m))
		pass(e, afterBrief)
		q.receives("")
	}},
	Case{Name: "a message is deleted although its visibility is over", Doc: "DeleteMessage", Run: func(t *T, e *Env) {
		q := newQueue(t, e, "q", nil)
		q.sent("x")
		m := q.receives("x", visibility(brief))[0]
		pass(e, afterBrief)
		t.ok(q.remove(m))
		q.receives("")
	}},
	Case{Name: "an older receipt handle succeeds without effect", Doc: "DeleteMessage", Run: func(t *T, e *Env) {
		q := newQueue(t, e, "q", nil)
		q.sent("x")
		older := q.seen("x")[0]
		q.seen("x")
		t.ok(q.remove(older))
		q.receives("x")
	}},
	Case{Name: "what is no receipt handle is refused", Doc: "DeleteMessage", Run: func(t *T, e *Env) {
		q := newQueue(t, e, "q", nil)
		err := q.remove(sqstypes.Message{ReceiptHandle: aws.String("not-a-handle")})
		t.refused(err, "ReceiptHandleIsInvalid", `The input receipt handle "not-a-handle" is not a valid receipt handle.`)
	}},
	Case{Name: "visibility is extended from now on", Doc: "ChangeMessageVisibility", Run: func(t *T, e *Env) {
		q := newQueue(t, e, "q", nil)
		q.sent("x")
		m := q.receives("x", visibility(brief))[0]
		t.ok(q.hide(m, 30))
		pass(e, afterBrief)
		q.receives("")
	}},
	Case{Name: "visibility 0 hands a message back at once", Doc: "ChangeMessageVisibility", Run: func(t *T, e *Env) {
		q := newQueue(t, e, "q", nil)
		q.sent("x")
		t.ok(q.hide(q.receives("x")[0], 0))
		q.receives("x")
	}},
	Case{Name: "visibility beyond 12 hours is refused", Doc: "ChangeMessageVisibility", Run: func(t *T, e *Env) {
		q := newQueue(t, e, "q", nil)
		q.sent("x")
		t.refused(q.hide(q.receives("x")[0], 43_201), "InvalidParameterValue", "VisibilityTimeout")
	}},
	Case{Name: "the 12 hours begin with the receive", Doc: "ChangeMessageVisibility", Sandbox: true, Run: func(t *T, e *Env) {
		q := newQueue(t, e, "q", nil)
		q.sent("x")
		m := q.receives("x", visibility(3600))[0]
		pass(e, 30*time.Minute)
		t.ok(q.hide(m, 11*3600))
		pass(e, 10*time.Hour)
		t.refused(q.hide(m, 2*3600), "InvalidParameterValue", "Total VisibilityTimeout for the message is beyond the limit [43200 seconds]")
	}},
	Case{Name: "the visibility of a message that is to be seen cannot be changed", Doc: "ChangeMessageVisibility", Run: func(t *T, e *Env) {
		q := newQueue(t, e, "q", nil)
		q.sent("x")
		m := q.receives("x", visibility(brief))[0]
		pass(e, afterBrief)
		t.refused(q.hide(m, 30), "AWS.SimpleQueueService.MessageNotInflight")
	}},
	Case{Name: "the visibility of a message that is gone cannot be changed", Doc: "ChangeMessageVisibility", Run: func(t *T, e *Env) {
		q := newQueue(t, e, "q", nil)
		q.sent("x")
		m := q.receives("x")[0]
		t.ok(q.remove(m))
		// AWS's page promises MessageNotInflight; SQS was also seen to say InvalidParameterValue. A client copes with both.
		var api smithy.APIError
		t.equal("an error of the API", errors.As(q.hide(m, 30), &api), true)
		t.equal("the code: "+api.ErrorCode(), slices.Contains([]string{"MessageNotInflight", "InvalidParameterValue"}, unprefixed(api.ErrorCode())), true)
	}},
	Case{Name: "a receipt handle is one of the queue's", Doc: "DeleteMessage", Run: func(t *T, e *Env) {
		q, other := newQueue(t, e, "q", nil), newQueue(t, e, "other", nil)
		q.sent("x")
		t.refused(other.remove(q.receives("x")[0]), "ReceiptHandleIsInvalid")
	}},
	Case{Name: "a parameter that the sandbox lacks is refused by name", Doc: "ReceiveMessage", Sandbox: true, Run: func(t *T, e *Env) {
		q := newQueue(t, e, "q", nil)
		_, err := q.ReceiveMessage(context.Background(), &sqs.ReceiveMessageInput{QueueUrl: q.url, ReceiveRequestAttemptId: aws.String("1")})
		t.refused(err, "SerializationException", "ReceiveRequestAttemptId")
	}},
)
