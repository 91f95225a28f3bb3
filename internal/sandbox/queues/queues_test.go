package queues_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"

	"inventoryd/internal/sandbox"
	"inventoryd/internal/sandbox/queues"
)

// bench is a sandbox with one queue, and a client of it.
type bench struct {
	*testing.T
	*sandbox.Sandbox
	client *sqs.Client
	url    *string
}

// bubble runs a test in virtual time, on a queue with these attributes.
func bubble(t *testing.T, name string, attributes map[string]string, test func(b bench)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		box := sandbox.New()
		if _, err := box.Queues.Create("dead"+suffix(name), map[string]string{"FifoQueue": fmt.Sprint(queues.IsFIFO(name))}); err != nil {
			t.Fatal(err)
		}
		b := bench{T: t, Sandbox: box, client: sqs.NewFromConfig(box.Config("test"))}
		out, err := b.client.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: &name, Attributes: attributes})
		if err != nil {
			t.Fatal(err)
		}
		b.url = out.QueueUrl
		test(b)
	})
}

func suffix(name string) string {
	if queues.IsFIFO(name) {
		return ".fifo"
	}
	return ""
}

func (b bench) send(body string, change ...func(*sqs.SendMessageInput)) string {
	b.Helper()
	in := &sqs.SendMessageInput{QueueUrl: b.url, MessageBody: &body}
	for _, c := range change {
		c(in)
	}
	out, err := b.client.SendMessage(context.Background(), in)
	if err != nil {
		b.Fatal(err)
	}
	return *out.MessageId
}

// receive receives up to ten messages and says which bodies came.
func (b bench) receive(change ...func(*sqs.ReceiveMessageInput)) ([]types.Message, string) {
	b.Helper()
	in := &sqs.ReceiveMessageInput{QueueUrl: b.url, MaxNumberOfMessages: 10, MessageSystemAttributeNames: []types.MessageSystemAttributeName{"All"}}
	for _, c := range change {
		c(in)
	}
	out, err := b.client.ReceiveMessage(context.Background(), in)
	if err != nil {
		b.Fatal(err)
	}
	bodies := make([]string, len(out.Messages))
	for i, m := range out.Messages {
		bodies[i] = *m.Body
	}
	return out.Messages, strings.Join(bodies, " ")
}

func (b bench) want(bodies string, change ...func(*sqs.ReceiveMessageInput)) []types.Message {
	b.Helper()
	got, all := b.receive(change...)
	if all != bodies {
		b.Fatalf("received %q, want %q", all, bodies)
	}
	return got
}

func (b bench) hide(m types.Message, seconds int32) error {
	_, err := b.client.ChangeMessageVisibility(context.Background(), &sqs.ChangeMessageVisibilityInput{QueueUrl: b.url, ReceiptHandle: m.ReceiptHandle, VisibilityTimeout: seconds})
	return err
}

func (b bench) remove(m types.Message) error {
	_, err := b.client.DeleteMessage(context.Background(), &sqs.DeleteMessageInput{QueueUrl: b.url, ReceiptHandle: m.ReceiptHandle})
	return err
}

func code(err error) string {
	var answer smithy.APIError
	if errors.As(err, &answer) {
		return answer.ErrorCode()
	}
	return ""
}

func group(g, id string) func(*sqs.SendMessageInput) {
	return func(in *sqs.SendMessageInput) { in.MessageGroupId, in.MessageDeduplicationId = &g, &id }
}

func TestReceivedMessageIsHiddenUntilItsTimeIsOver(t *testing.T) {
	bubble(t, "q", map[string]string{"VisibilityTimeout": "40"}, func(b bench) {
		b.send("a")
		first := b.want("a")
		time.Sleep(40*time.Second - 1)
		b.want("")
		time.Sleep(time.Nanosecond)
		again := b.want("a")
		if again[0].Attributes["ApproximateReceiveCount"] != "2" || *again[0].MessageId != *first[0].MessageId || *again[0].ReceiptHandle == *first[0].ReceiptHandle {
			t.Errorf("again: %v", again[0])
		}
		if err := b.remove(first[0]); err != nil {
			t.Errorf("an older handle succeeds: %v", err)
		}
		if n := len(b.Queues.Contents("q").InFlight); n != 1 {
			t.Errorf("an older handle has no effect, but %d are in flight", n)
		}
		if err := b.remove(again[0]); err != nil {
			t.Error(err)
		}
		time.Sleep(time.Hour)
		b.want("")
	})
}

func TestVisibilityIsExtendedAndGivenUp(t *testing.T) {
	bubble(t, "q", nil, func(b bench) {
		b.send("a")
		m := b.want("a")[0]
		time.Sleep(20 * time.Second)
		if err := b.hide(m, 60); err != nil {
			t.Fatal(err)
		}
		time.Sleep(59 * time.Second)
		b.want("")
		if err := b.hide(m, 0); err != nil {
			t.Fatal(err)
		}
		m = b.want("a")[0]
		if err := b.hide(m, 43_200); err != nil {
			t.Errorf("12 hours from the receive on: %v", err)
		}
		time.Sleep(time.Second)
		if err := b.hide(m, 43_200); code(err) != "InvalidParameterValue" || !strings.Contains(err.Error(), "Total VisibilityTimeout for the message is beyond the limit") {
			t.Errorf("beyond 12 hours: %v", err)
		}
		time.Sleep(13 * time.Hour)
		if err := b.hide(m, 30); code(err) != "AWS.SimpleQueueService.MessageNotInflight" {
			t.Errorf("visible again: %v", err)
		}
		if err := b.remove(b.want("a")[0]); err != nil {
			t.Fatal(err)
		}
		if err := b.hide(m, 30); code(err) != "InvalidParameterValue" {
			t.Errorf("deleted: %v", err)
		}
	})
}

func TestLongPollWakes(t *testing.T) {
	wait := func(in *sqs.ReceiveMessageInput) { in.WaitTimeSeconds = 20 }
	for name, c := range map[string]struct {
		before, meanwhile func(b bench)
		want              string
		after             time.Duration
	}{
		"at once, by a message sent":             {nil, func(b bench) { b.send("a") }, "a", 5 * time.Second},
		"when a delay is over":                   {func(b bench) { b.send("a", func(in *sqs.SendMessageInput) { in.DelaySeconds = 7 }) }, nil, "a", 7 * time.Second},
		"when visibility is over":                {func(b bench) { b.send("a"); b.receive(func(in *sqs.ReceiveMessageInput) { in.VisibilityTimeout = 9 }) }, nil, "a", 9 * time.Second},
		"never, with nothing to come":            {nil, nil, "", 20 * time.Second},
		"when the clock moves past a delay":      {func(b bench) { b.send("a", func(in *sqs.SendMessageInput) { in.DelaySeconds = 600 }) }, func(b bench) { b.Clock.Advance(10 * time.Minute) }, "a", 5 * time.Second},
		"by the clock's moving past its own end": {nil, func(b bench) { b.Clock.Advance(time.Minute) }, "", 5 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, "q", nil, func(b bench) {
				if c.before != nil {
					c.before(b)
				}
				begin := time.Now()
				if c.meanwhile != nil {
					time.AfterFunc(5*time.Second, func() { c.meanwhile(b) })
				}
				b.want(c.want, wait)
				if waited := time.Since(begin); waited != c.after {
					t.Errorf("after %v, want %v", waited, c.after)
				}
			})
		})
	}
}

func TestLongPollEndsWithItsClientAndTakesNothing(t *testing.T) {
	bubble(t, "q", map[string]string{"ReceiveMessageWaitTimeSeconds": "20"}, func(b bench) {
		ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
		defer cancel()
		_, err := b.client.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: b.url})
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Fatal(err)
		}
		b.send("a")
		synctest.Wait()
		if n := len(b.Queues.Contents("q").Visible); n != 1 {
			t.Errorf("%d messages visible", n)
		}
	})
}

func TestOneMessageGoesToOneOfManyWhoWait(t *testing.T) {
	bubble(t, "q", map[string]string{"ReceiveMessageWaitTimeSeconds": "20"}, func(b bench) {
		got := make(chan int)
		for range 10 {
			go func() {
				out, err := b.client.ReceiveMessage(context.Background(), &sqs.ReceiveMessageInput{QueueUrl: b.url})
				if err != nil {
					t.Error(err)
				}
				got <- len(out.Messages)
			}()
		}
		time.Sleep(time.Second)
		b.send("a")
		total := 0
		for range 10 {
			total += <-got
		}
		if total != 1 {
			t.Errorf("received %d times", total)
		}
	})
}

func TestRedriveKeepsTheMessageAndItsID(t *testing.T) {
	policy := `{"deadLetterTargetArn":"` + queues.ARN("dead") + `","maxReceiveCount":2}`
	bubble(t, "q", map[string]string{"RedrivePolicy": policy, "VisibilityTimeout": "1"}, func(b bench) {
		id := b.send("poison")
		sent := fmt.Sprint(time.Now().UnixMilli())
		for range 2 {
			b.want("poison")
			time.Sleep(time.Second)
		}
		b.want("")
		b.url = aws.String("/dead")
		m := b.want("poison")[0]
		if *m.MessageId != id || m.Attributes["SentTimestamp"] != sent || m.Attributes["ApproximateReceiveCount"] != "3" || m.Attributes["DeadLetterQueueSourceArn"] != queues.ARN("q") {
			t.Errorf("in the dead-letter queue: %v %v", *m.MessageId, m.Attributes)
		}
	})
}

func TestMessagesAreKeptForTheirRetention(t *testing.T) {
	bubble(t, "q", map[string]string{"MessageRetentionPeriod": "60"}, func(b bench) {
		b.send("old")
		time.Sleep(30 * time.Second)
		b.send("new")
		time.Sleep(30 * time.Second)
		b.want("new")
	})
}

func TestInFlightLimit(t *testing.T) {
	bubble(t, "q", nil, func(b bench) {
		b.Queues.LimitInFlight(12)
		for i := range 20 {
			b.send(fmt.Sprint(i))
		}
		b.want("0 1 2 3 4 5 6 7 8 9")
		flying := b.want("10 11")
		_, err := b.client.ReceiveMessage(context.Background(), &sqs.ReceiveMessageInput{QueueUrl: b.url})
		if code(err) != "OverLimit" {
			t.Errorf("short polling: %v", err)
		}
		b.want("", func(in *sqs.ReceiveMessageInput) { in.WaitTimeSeconds = 1 })
		if err := b.remove(flying[0]); err != nil {
			t.Fatal(err)
		}
		b.want("12")
	})
}

func TestFIFOGroupWaitsForItsFirstMessage(t *testing.T) {
	bubble(t, "q.fifo", map[string]string{"FifoQueue": "true", "VisibilityTimeout": "10"}, func(b bench) {
		for i, g := range []string{"x", "x", "y", "x"} {
			b.send(fmt.Sprint(g, i), group(g, fmt.Sprint(i)))
		}
		one := func(in *sqs.ReceiveMessageInput) { in.MaxNumberOfMessages = 1 }
		first := b.want("x0", one)
		b.want("y2")
		if err := b.remove(first[0]); err != nil {
			t.Fatal(err)
		}
		late := b.want("x1 x3")
		time.Sleep(10 * time.Second)
		if err := b.remove(late[0]); code(err) != "InvalidParameterValue" || !strings.Contains(err.Error(), "The receipt handle has expired") {
			t.Errorf("a FIFO queue refuses a handle that has expired: %v", err)
		}
		b.want("x1 y2 x3")
	})
}

func TestFIFODeduplicatesForFiveMinutes(t *testing.T) {
	bubble(t, "q.fifo", map[string]string{"FifoQueue": "true", "ContentBasedDeduplication": "true"}, func(b bench) {
		withGroup := func(in *sqs.SendMessageInput) { in.MessageGroupId = aws.String("g") }
		first := b.send("a", withGroup)
		if again := b.send("a", withGroup); again != first {
			t.Errorf("a repeated message has the first one's id, got %s and %s", first, again)
		}
		if err := b.remove(b.want("a")[0]); err != nil {
			t.Fatal(err)
		}
		time.Sleep(5*time.Minute - 1)
		b.send("a", withGroup)
		b.want("")
		time.Sleep(time.Nanosecond)
		b.send("a", withGroup)
		b.want("a")
	})
}

func TestFIFORedriveFreesTheGroup(t *testing.T) {
	policy := `{"deadLetterTargetArn":"` + queues.ARN("dead.fifo") + `","maxReceiveCount":"1"}`
	bubble(t, "q.fifo", map[string]string{"FifoQueue": "true", "RedrivePolicy": policy, "VisibilityTimeout": "1"}, func(b bench) {
		b.send("bad", group("g", "1"))
		b.send("good", group("g", "2"))
		b.want("bad", func(in *sqs.ReceiveMessageInput) { in.MaxNumberOfMessages = 1 })
		time.Sleep(time.Second)
		b.want("good")
		b.url = aws.String("/dead.fifo")
		b.want("bad")
	})
}

func TestDrainTakesWhatIsVisible(t *testing.T) {
	bubble(t, "q", nil, func(b bench) {
		b.send("flying")
		b.receive()
		b.send("delayed", func(in *sqs.SendMessageInput) { in.DelaySeconds = 5 })
		b.send("one")
		b.send("two")
		c := b.Queues.Contents("q")
		if len(c.Visible) != 2 || len(c.InFlight) != 1 || len(c.Delayed) != 1 {
			t.Fatalf("contents %+v", c)
		}
		if got := b.Queues.Drain("q"); len(got) != 2 || got[0].Body != "one" || got[1].Body != "two" {
			t.Errorf("drained %+v", got)
		}
		b.want("")
	})
}
