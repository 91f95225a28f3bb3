package queues_test

// A queue held against a model of what SQS promises, over random histories.

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"pgregory.net/rapid"

	"inventoryd/internal/sandbox"
	"inventoryd/internal/sandbox/queues"
)

// letter is a message as the model knows it; times are seconds of the model.
type letter struct {
	visibleAt int
	receives  int
	handle    *string // of the last receive
	flying    bool    // until visibleAt
}

type model struct {
	box     *sandbox.Sandbox
	client  *sqs.Client
	url     *string
	now     int
	letters map[string]*letter // by message id; deleted ones are gone
	handles []*string          // all ever given out
}

const maxReceives = 4

func TestQueueKeepsItsPromises(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		// In a bubble no time passes but what the model knows of. What rapid throws leaves it first.
		var thrown any
		synctest.Test(t, func(*testing.T) {
			defer func() { thrown = recover() }()
			history(r)
		})
		if thrown != nil {
			panic(thrown)
		}
	})
}

func history(t *rapid.T) {
	box := sandbox.New()
	if _, err := box.Queues.Create("dead", nil); err != nil {
		t.Fatal(err)
	}
	url, err := box.Queues.Create("q", map[string]string{"RedrivePolicy": `{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:123456789012:dead","maxReceiveCount":4}`})
	if err != nil {
		t.Fatal(err)
	}
	m := &model{box: box, client: sqs.NewFromConfig(box.Config("test")), url: &url, letters: map[string]*letter{}}
	t.Repeat(map[string]func(*rapid.T){
		"send": m.send, "receive": m.receive, "delete": m.remove, "change visibility": m.change, "time passes": m.pass, "": m.compare,
	})
}

func (m *model) send(t *rapid.T) {
	delay := rapid.IntRange(0, 5).Draw(t, "delay")
	out, err := m.client.SendMessage(context.Background(), &sqs.SendMessageInput{QueueUrl: m.url, MessageBody: aws.String("x"), DelaySeconds: int32(delay)})
	if err != nil {
		t.Fatal(err)
	}
	m.letters[*out.MessageId] = &letter{visibleAt: m.now + delay}
}

func (m *model) receive(t *rapid.T) {
	visible := 0
	for _, l := range m.letters {
		if l.visibleAt <= m.now && l.receives < maxReceives {
			visible++
		}
	}
	limit := rapid.IntRange(1, 10).Draw(t, "limit")
	timeout := rapid.IntRange(1, 6).Draw(t, "visibility")
	out, err := m.client.ReceiveMessage(context.Background(), &sqs.ReceiveMessageInput{QueueUrl: m.url, MaxNumberOfMessages: int32(limit), VisibilityTimeout: int32(timeout)})
	if err != nil {
		t.Fatal(err)
	}
	if len(out.Messages) != min(limit, visible) {
		t.Fatalf("received %d of %d visible, asked for %d", len(out.Messages), visible, limit)
	}
	for _, got := range out.Messages {
		l := m.letters[*got.MessageId]
		if l == nil || l.visibleAt > m.now || l.receives >= maxReceives {
			t.Fatalf("received %s, which is %+v at %d", *got.MessageId, l, m.now)
		}
		l.receives++
		l.visibleAt, l.handle, l.flying = m.now+timeout, got.ReceiptHandle, true
		m.handles = append(m.handles, got.ReceiptHandle)
	}
}

// owner is whose last receive gave this handle; nil: nobody's.
func (m *model) owner(handle *string) (string, *letter) {
	for id, l := range m.letters {
		if l.handle != nil && *l.handle == *handle {
			return id, l
		}
	}
	return "", nil
}

func (m *model) remove(t *rapid.T) {
	if len(m.handles) == 0 {
		t.Skip("nothing received yet")
	}
	handle := rapid.SampledFrom(m.handles).Draw(t, "handle")
	if _, err := m.client.DeleteMessage(context.Background(), &sqs.DeleteMessageInput{QueueUrl: m.url, ReceiptHandle: handle}); err != nil {
		t.Fatal(err)
	}
	id, l := m.owner(handle)
	if l != nil && !slices.ContainsFunc(m.box.Queues.Contents("dead").Visible, func(d queues.Message) bool { return d.ID == id }) {
		delete(m.letters, id) // one that has gone to the dead-letter queue is out of the handle's reach
	}
}

func (m *model) change(t *rapid.T) {
	if len(m.handles) == 0 {
		t.Skip("nothing received yet")
	}
	handle := rapid.SampledFrom(m.handles).Draw(t, "handle")
	timeout := rapid.IntRange(0, 6).Draw(t, "visibility")
	_, err := m.client.ChangeMessageVisibility(context.Background(), &sqs.ChangeMessageVisibilityInput{QueueUrl: m.url, ReceiptHandle: handle, VisibilityTimeout: int32(timeout)})
	_, l := m.owner(handle)
	possible := l != nil && l.flying && l.visibleAt > m.now
	if (err == nil) != possible {
		t.Fatalf("possible %v, answered %v", possible, err)
	}
	if possible {
		l.visibleAt, l.flying = m.now+timeout, timeout > 0
	}
}

func (m *model) pass(t *rapid.T) {
	seconds := rapid.IntRange(1, 7).Draw(t, "seconds")
	m.box.Clock.Advance(time.Duration(seconds) * time.Second)
	m.now += seconds
}

// compare: each message is in one place, and that is the one where the model has it. Those received too often are in
// either queue: they move when somebody would receive them.
func (m *model) compare(t *rapid.T) {
	c, dead := m.box.Queues.Contents("q"), m.box.Queues.Contents("dead")
	var visible, flying, delayed int
	for _, l := range m.letters {
		switch {
		case l.visibleAt <= m.now:
			visible++
		case l.flying:
			flying++
		default:
			delayed++
		}
	}
	if len(c.Visible)+len(dead.Visible) != visible || len(c.InFlight) != flying || len(c.Delayed) != delayed {
		t.Fatalf("holds %d visible (and %d dead), %d in flight, %d delayed; want %d, %d, %d",
			len(c.Visible), len(dead.Visible), len(c.InFlight), len(c.Delayed), visible, flying, delayed)
	}
}
