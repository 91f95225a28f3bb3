package queues_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"inventoryd/internal/sandbox"
	"inventoryd/internal/sandbox/queues"
)

// standard is a sandbox with a standard queue "q" that holds messages 0 to n-1, each sent after script was applied.
func standard(t *testing.T, n int, script func(*queues.Service) error) (receive func() []types.Message, remove func(types.Message)) {
	t.Helper()
	box := sandbox.New()
	url, err := box.Queues.Create("q", nil)
	if err == nil {
		err = script(box.Queues)
	}
	if err != nil {
		t.Fatal(err)
	}
	client := sqs.NewFromConfig(box.Config("test"))
	for i := range n {
		if _, err := client.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: &url, MessageBody: aws.String(fmt.Sprint(i))}); err != nil {
			t.Fatal(err)
		}
	}
	receive = func() []types.Message {
		out, err := client.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: &url, MaxNumberOfMessages: 10})
		if err != nil {
			t.Fatal(err)
		}
		return out.Messages
	}
	remove = func(m types.Message) {
		if _, err := client.DeleteMessage(t.Context(), &sqs.DeleteMessageInput{QueueUrl: &url, ReceiptHandle: m.ReceiptHandle}); err != nil {
			t.Fatal(err)
		}
	}
	return receive, remove
}

func bodies(messages []types.Message) (all string) {
	for _, m := range messages {
		all += *m.Body
	}
	return all
}

func TestAStandardQueueMayDeliverInAnotherOrder(t *testing.T) {
	shuffled := func(seed uint64) string {
		receive, _ := standard(t, 8, func(s *queues.Service) error { return s.Disorder("q", seed) })
		return bodies(receive())
	}
	if got := shuffled(1); got == "01234567" || len(got) != 8 || got != shuffled(1) {
		t.Errorf("got %s, then %s", got, shuffled(1))
	}
}

func TestAStandardQueueMayDeliverTwice(t *testing.T) {
	receive, remove := standard(t, 4, func(s *queues.Service) error { return s.Duplicate("q", 2) })
	got := receive()
	if bodies(got) != "011233" || *got[1].MessageId != *got[2].MessageId {
		t.Fatalf("got %s", bodies(got))
	}
	for _, m := range got[:3] {
		remove(m)
	}
	if again := receive(); len(again) != 0 {
		t.Errorf("got %s again", bodies(again))
	}
}

func TestADeletedMessageMayComeAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		receive, remove := standard(t, 4, func(s *queues.Service) error { return s.Undelete("q", 2) })
		for _, m := range receive() {
			remove(m)
		}
		if again := receive(); len(again) != 0 {
			t.Errorf("got %s at once", bodies(again))
		}
		time.Sleep(30 * time.Second)
		if again := receive(); bodies(again) != "13" {
			t.Errorf("got %s after the visibility timeout", bodies(again))
		}
	})
}

func TestAFIFOQueueCannotBeMadeUnreliable(t *testing.T) {
	box := sandbox.New()
	if _, err := box.Queues.Create("q.fifo", map[string]string{"FifoQueue": "true"}); err != nil {
		t.Fatal(err)
	}
	for name, err := range map[string]error{"order": box.Queues.Disorder("q.fifo", 1), "twice": box.Queues.Duplicate("q.fifo", 1), "again": box.Queues.Undelete("q.fifo", 1)} {
		if err == nil {
			t.Errorf("%s was taken", name)
		}
	}
}
