package conformance

// Cases of SQS: queues and their attributes, redrive, FIFO.

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// redriven makes a queue with a dead-letter queue that gets what was received more often than max.
func redriven(t *T, e *Env, kind string, max int) (q, dead queue) {
	dead = newQueue(t, e, "dead"+kind, nil)
	q = newQueue(t, e, "q"+kind, map[string]string{"RedrivePolicy": fmt.Sprintf(`{"deadLetterTargetArn":%q,"maxReceiveCount":"%d"}`, dead.arn(), max)})
	return q, dead
}

// again creates the case's queue q with these attributes.
func (q queue) again(attributes map[string]string) (*sqs.CreateQueueOutput, error) {
	return q.CreateQueue(context.Background(), &sqs.CreateQueueInput{QueueName: &q.name, Attributes: attributes})
}

var _ = add("sqs",
	Case{Name: "the URL of a queue is found by its name", Doc: "GetQueueUrl", Run: func(t *T, e *Env) {
		q := newQueue(t, e, "q", nil)
		out, err := q.GetQueueUrl(context.Background(), &sqs.GetQueueUrlInput{QueueName: &q.name})
		t.ok(err)
		t.equal("the URL", *out.QueueUrl, *q.url)
		_, err = q.GetQueueUrl(context.Background(), &sqs.GetQueueUrlInput{QueueName: aws.String("no-such-queue")})
		t.refused(err, "AWS.SimpleQueueService.NonExistentQueue", "The specified queue does not exist")
	}},
	Case{Name: "a queue that is not there takes and gives nothing", Doc: "ReceiveMessage", Run: func(t *T, e *Env) {
		q := newQueue(t, e, "q", nil)
		q.url = aws.String(*q.url + "-nowhere")
		_, err := q.send("x")
		t.refused(err, "AWS.SimpleQueueService.NonExistentQueue")
		_, err = q.ReceiveMessage(context.Background(), receiveUpToTen(q.url))
		t.refused(err, "AWS.SimpleQueueService.NonExistentQueue")
		message := sqstypes.Message{ReceiptHandle: aws.String("x")}
		t.refused(q.remove(message), "AWS.SimpleQueueService.NonExistentQueue")
		_, err = q.deleteBatch(message, "a")
		t.refused(err, "AWS.SimpleQueueService.NonExistentQueue")
		t.refused(q.hide(message, 0), "AWS.SimpleQueueService.NonExistentQueue")
		_, err = q.hideBatch(message, 0, "a")
		t.refused(err, "AWS.SimpleQueueService.NonExistentQueue")
		_, err = q.GetQueueAttributes(context.Background(), &sqs.GetQueueAttributesInput{QueueUrl: q.url, AttributeNames: []sqstypes.QueueAttributeName{"All"}})
		t.refused(err, "AWS.SimpleQueueService.NonExistentQueue")
	}},
	Case{Name: "creating a queue again with the same attributes returns it", Doc: "CreateQueue", Run: func(t *T, e *Env) {
		q := newQueue(t, e, "q", map[string]string{"VisibilityTimeout": "45"})
		out, err := q.again(map[string]string{"VisibilityTimeout": "45"})
		t.ok(err)
		t.equal("the URL", *out.QueueUrl, *q.url)
		_, err = q.again(map[string]string{"VisibilityTimeout": "46"})
		t.refused(err, "QueueAlreadyExists")
	}},
	Case{Name: "the defaults of a queue", Doc: "CreateQueue", Run: func(t *T, e *Env) {
		all := newQueue(t, e, "q", nil).attributes("All")
		for name, want := range map[string]string{
			"VisibilityTimeout": "30", "MessageRetentionPeriod": "345600", "DelaySeconds": "0", "ReceiveMessageWaitTimeSeconds": "0", "MaximumMessageSize": "1048576",
		} {
			t.equal(name, all[name], want)
		}
	}},
	Case{Name: "attributes are changed within their bounds", Doc: "SetQueueAttributes", Run: func(t *T, e *Env) {
		q := newQueue(t, e, "q", nil)
		set := func(name, value string) error {
			_, err := q.SetQueueAttributes(context.Background(), &sqs.SetQueueAttributesInput{QueueUrl: q.url, Attributes: map[string]string{name: value}})
			return err
		}
		t.ok(set("VisibilityTimeout", "120"))
		t.equal("the visibility time-out", q.attributes("VisibilityTimeout")["VisibilityTimeout"], "120")
		t.refused(set("VisibilityTimeout", "43201"), "InvalidAttributeValue")
		t.refused(set("MessageRetentionPeriod", "59"), "InvalidAttributeValue")
		t.refused(set("Colour", "red"), "InvalidAttributeName")
	}},
	Case{Name: "a policy is stored and returned", Doc: "SetQueueAttributes", Run: func(t *T, e *Env) {
		policy := `{"Version":"2012-10-17","Statement":[]}`
		q := newQueue(t, e, "q", map[string]string{"Policy": policy})
		t.equal("the policy", q.attributes("Policy")["Policy"], policy)
	}},
	Case{Name: "a queue counts what is to be seen, in flight and delayed", Doc: "GetQueueAttributes", Run: func(t *T, e *Env) {
		q := newQueue(t, e, "q", nil)
		q.sent("flying")
		q.receives("flying")
		q.sent("visible")
		q.sent("delayed", func(in *sqs.SendMessageInput) { in.DelaySeconds = 60 })
		all := q.attributes("All")
		t.equal("visible", all["ApproximateNumberOfMessages"], "1")
		t.equal("in flight", all["ApproximateNumberOfMessagesNotVisible"], "1")
		t.equal("delayed", all["ApproximateNumberOfMessagesDelayed"], "1")
	}},
	Case{Name: "queues are listed by prefix, in pages", Doc: "ListQueues", Run: func(t *T, e *Env) {
		prefix := own(t, e, "list")
		client := newQueue(t, e, "other", nil)
		for i := range 3 {
			_, err := client.CreateQueue(context.Background(), &sqs.CreateQueueInput{QueueName: aws.String(fmt.Sprint(prefix, i))})
			t.ok(err)
		}
		pages := 0
		var urls []string
		for p := sqs.NewListQueuesPaginator(client, &sqs.ListQueuesInput{QueueNamePrefix: &prefix, MaxResults: aws.Int32(2)}); p.HasMorePages(); pages++ {
			out, err := p.NextPage(context.Background())
			t.ok(err)
			urls = append(urls, out.QueueUrls...)
		}
		t.equal("how many", len(urls), 3)
		t.equal("how many pages", pages, 2)
	}},
	Case{Name: "a purged queue is empty, and is not purged twice a minute", Doc: "PurgeQueue", Run: func(t *T, e *Env) {
		q := newQueue(t, e, "q", nil)
		q.sent("a")
		q.sent("b")
		q.receives("a b")
		purge := func() error {
			_, err := q.PurgeQueue(context.Background(), &sqs.PurgeQueueInput{QueueUrl: q.url})
			return err
		}
		t.ok(purge())
		t.equal("in flight", q.attributes("All")["ApproximateNumberOfMessagesNotVisible"], "0")
		t.refused(purge(), "AWS.SimpleQueueService.PurgeQueueInProgress")
	}},
	Case{Name: "the name of a deleted queue is free after a minute", Doc: "DeleteQueue", Sandbox: true, Run: func(t *T, e *Env) {
		q := newQueue(t, e, "q", nil)
		_, err := q.DeleteQueue(context.Background(), &sqs.DeleteQueueInput{QueueUrl: q.url})
		t.ok(err)
		_, err = q.again(nil)
		t.refused(err, "AWS.SimpleQueueService.QueueDeletedRecently", "You must wait 60 seconds after deleting a queue before you can create another with the same name.")
		pass(e, time.Minute)
		_, err = q.again(nil)
		t.ok(err)
	}},
	Case{Name: "messages are dropped after their retention", Doc: "Amazon SQS message quotas", Sandbox: true, Run: func(t *T, e *Env) {
		q := newQueue(t, e, "q", map[string]string{"MessageRetentionPeriod": "60"})
		q.sent("old")
		pass(e, 59*time.Second)
		q.sent("new")
		pass(e, time.Second)
		q.receives("new")
	}},

	Case{Name: "a message received too often goes to the dead-letter queue, with its id", Doc: "Using dead-letter queues in Amazon SQS", Run: func(t *T, e *Env) {
		q, dead := redriven(t, e, "", 2)
		sent := q.sent("poison")
		var at string
		for range 2 {
			at = q.seen("poison")[0].Attributes["SentTimestamp"]
		}
		q.receives("")
		m := dead.receives("poison")[0]
		t.equal("the id", *m.MessageId, *sent.MessageId)
		t.equal("the time it was sent", m.Attributes["SentTimestamp"], at)
	}},
	Case{Name: "what went to the dead-letter queue names its source", Doc: "ReceiveMessage", Run: func(t *T, e *Env) {
		q, dead := redriven(t, e, "", 1)
		q.sent("poison")
		q.seen("poison")
		q.receives("")
		t.equal("the source", dead.receives("poison")[0].Attributes["DeadLetterQueueSourceArn"], q.arn())
	}},
	Case{Name: "the receive count goes on in the dead-letter queue", Doc: "ReceiveMessage", Run: func(t *T, e *Env) {
		q, dead := redriven(t, e, "", 2)
		q.sent("poison")
		q.seen("poison")
		q.seen("poison")
		q.receives("")
		t.equal("the count, across all queues", dead.receives("poison")[0].Attributes["ApproximateReceiveCount"], "3")
	}},
	Case{Name: "a redrive policy names a queue that exists", Doc: "SetQueueAttributes", Run: func(t *T, e *Env) {
		q := newQueue(t, e, "q", nil)
		_, err := q.SetQueueAttributes(context.Background(), &sqs.SetQueueAttributesInput{QueueUrl: q.url, Attributes: map[string]string{
			"RedrivePolicy": fmt.Sprintf(`{"deadLetterTargetArn":%q,"maxReceiveCount":3}`, q.arn()+"-nowhere"),
		}})
		t.refused(err, "InvalidParameterValue", "Dead letter target does not exist.")
	}},

	Case{Name: "a FIFO queue gives messages in order within a group", Doc: "FIFO queue and message group ID", Run: func(t *T, e *Env) {
		q := newQueue(t, e, "q.fifo", nil)
		for i := range 5 {
			q.sent(fmt.Sprint(i), group("g", fmt.Sprint(i)))
		}
		q.receives("0 1 2 3 4")
	}},
	Case{Name: "a group waits for its messages in flight, others do not", Doc: "FIFO queue delivery logic in Amazon SQS", Run: func(t *T, e *Env) {
		q := newQueue(t, e, "q.fifo", nil)
		q.sent("x1", group("x", "1"))
		q.sent("x2", group("x", "2"))
		q.sent("y1", group("y", "3"))
		m := q.receives("x1", func(in *sqs.ReceiveMessageInput) { in.MaxNumberOfMessages = 1 })
		q.receives("y1")
		t.ok(q.remove(m[0]))
		q.receives("x2")
	}},
	Case{Name: "a message sent again within five minutes is not delivered again", Doc: "Exactly-once processing in Amazon SQS", Run: func(t *T, e *Env) {
		q := newQueue(t, e, "q.fifo", nil)
		first := q.sent("x", group("g", "same"))
		second := q.sent("y", group("g", "same"))
		t.equal("the id", *second.MessageId, *first.MessageId)
		t.equal("the sequence number", aws.ToString(second.SequenceNumber), aws.ToString(first.SequenceNumber))
		t.ok(q.remove(q.receives("x")[0]))
		q.sent("x", group("g", "same"))
		q.receives("")
	}},
	Case{Name: "five minutes later it is delivered again", Doc: "Exactly-once processing in Amazon SQS", Sandbox: true, Run: func(t *T, e *Env) {
		q := newQueue(t, e, "q.fifo", nil)
		q.sent("x", group("g", "same"))
		t.ok(q.remove(q.receives("x")[0]))
		pass(e, 5*time.Minute)
		q.sent("x", group("g", "same"))
		q.receives("x")
	}},
	Case{Name: "deduplication by content", Doc: "Exactly-once processing in Amazon SQS", Run: func(t *T, e *Env) {
		q := newQueue(t, e, "q.fifo", map[string]string{"ContentBasedDeduplication": "true"})
		inGroup := func(in *sqs.SendMessageInput) { in.MessageGroupId = aws.String("g") }
		q.sent("x", inGroup)
		q.sent("x", inGroup)
		q.sent("y", func(in *sqs.SendMessageInput) { in.MessageGroupId = aws.String("h") })
		q.receives("x y")
	}},
	Case{Name: "a FIFO queue asks for group and deduplication", Doc: "SendMessage", Run: func(t *T, e *Env) {
		q := newQueue(t, e, "q.fifo", nil)
		_, err := q.send("x", func(in *sqs.SendMessageInput) { in.MessageDeduplicationId = aws.String("1") })
		t.refused(err, "MissingParameter", "MessageGroupId")
		_, err = q.send("x", func(in *sqs.SendMessageInput) { in.MessageGroupId = aws.String("g") })
		t.refused(err, "InvalidParameterValue", "ContentBasedDeduplication")
	}},
	Case{Name: "group and deduplication ids are of ASCII's letters, digits and punctuation, 128 at most", Doc: "SendMessage", Run: func(t *T, e *Env) {
		q := newQueue(t, e, "q.fifo", nil)
		for _, id := range []string{"two words", "Zürich", strings.Repeat("x", 129)} {
			_, err := q.send("x", group(id, "1"))
			t.refused(err, "InvalidParameterValue", "MessageGroupId")
			_, err = q.send("x", group("g", id))
			t.refused(err, "InvalidParameterValue", "MessageDeduplicationId")
		}
		q.sent("x", group(strings.Repeat("!~", 64), strings.Repeat("Az", 64)))
	}},
	Case{Name: "a FIFO queue refuses a receipt handle that has expired", Doc: "DeleteMessage", Run: func(t *T, e *Env) {
		q := newQueue(t, e, "q.fifo", nil)
		q.sent("x", group("g", "1"))
		m := q.receives("x", visibility(brief))[0]
		pass(e, afterBrief)
		t.refused(q.remove(m), "InvalidParameterValue", "The receipt handle has expired")
	}},
	Case{Name: "the name of a FIFO queue ends in .fifo", Doc: "CreateQueue", Run: func(t *T, e *Env) {
		q := newQueue(t, e, "q", nil)
		_, err := q.CreateQueue(context.Background(), &sqs.CreateQueueInput{QueueName: aws.String(own(t, e, "wrong")), Attributes: map[string]string{"FifoQueue": "true"}})
		t.refused(err, "InvalidParameterValue")
	}},
)
