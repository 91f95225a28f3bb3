package notifier

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"inventoryd/internal/sandbox"
	"inventoryd/internal/state"
	"inventoryd/test/standins"
)

// Subscribers' policies on fauxqs, for our very messages. It compares a String.Array as one text, so that policies on one item
// of a group are shown on the sandbox only, whose rules the conformance cases hold.
func TestSubscribersFilterOnFauxqs(t *testing.T) {
	cfg := aws.Config{
		Region: sandbox.Region, BaseEndpoint: aws.String(standins.Fauxqs(t)), Credentials: credentials.NewStaticCredentialsProvider("a", "s", ""),
	}
	topics, queues := sns.NewFromConfig(cfg), sqs.NewFromConfig(cfg)
	made, err := topics.CreateTopic(t.Context(), &sns.CreateTopicInput{Name: aws.String(sandbox.Topic)})
	if err != nil {
		t.Fatal(err)
	}
	const berlin, bonn, back, feed = "out of Berlin", "out of Bonn", "back in Bonn", "feed"
	inboxes := map[string]*string{}
	wanted := map[string][]string{
		`{"store":["Bonn"],"event":["out_of_stock"]}`:             {bonn},
		`{"event":["restocked"]}`:                                 {back},
		`{"store":[{"prefix":"Ber"}]}`:                            {berlin},
		`{"store":[{"anything-but":["Berlin"]}]}`:                 {back, bonn},
		`{"items":[{"numeric":[">",1]}]}`:                         {berlin},
		`{"feed":["berlin.csv"]}`:                                 {feed},
		`{"feed":[{"exists":false}],"event":["out_of_stock"]}`:    {berlin, bonn},
		`{"event":["feed_late","out_of_stock"],"store":["Bonn"]}`: {bonn},
	}
	for policy := range wanted {
		inboxes[policy] = subscribed(t, topics, queues, *made.TopicArn, policy, len(inboxes))
	}
	plain := textsOf(t, nil)
	out := alertsOf(3, OutOfStock)
	one, restocked := alertsOf(1, OutOfStock), alertsOf(1, Restocked)
	for _, a := range append(one, restocked...) {
		a.Store, a.store = "Bonn", "Bonn"
	}
	n := &Notifier{clients: Clients{SNS: topics}}
	for body, drafts := range map[string][]state.Outgoing{
		berlin: first(plain.drafts(state.Shortage, out, begin)), bonn: first(plain.drafts(state.Shortage, one, begin)),
		back: first(plain.drafts(state.Restock, restocked, begin)),
		feed: {plain.feed(state.Tell{Kind: "feed_late", Feed: "berlin.csv", ID: "1", Reason: "r", At: begin}, begin)},
	} {
		drafts[0].Body = body
		if _, err := n.publish(t.Context(), newTopic(*made.TopicArn), &drafts[0]); err != nil {
			t.Fatal(err)
		}
	}
	for policy, want := range wanted {
		if got := arrived(t, queues, inboxes[policy], len(want)); !slices.Equal(got, want) {
			t.Errorf("%s let through %q, want %q", policy, got, want)
		}
	}
}

func first(drafts []state.Outgoing, _ error) []state.Outgoing { return drafts }

// subscribed makes a queue that is subscribed with a policy, and returns its URL.
func subscribed(t *testing.T, topics *sns.Client, queues *sqs.Client, topic, policy string, number int) *string {
	t.Helper()
	made, err := queues.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: aws.String("inbox-" + string(rune('a'+number)))})
	if err != nil {
		t.Fatal(err)
	}
	about, err := queues.GetQueueAttributes(t.Context(), &sqs.GetQueueAttributesInput{
		QueueUrl: made.QueueUrl, AttributeNames: []sqstypes.QueueAttributeName{sqstypes.QueueAttributeNameQueueArn},
	})
	if err != nil {
		t.Fatal(err)
	}
	_, err = topics.Subscribe(t.Context(), &sns.SubscribeInput{
		TopicArn: &topic, Protocol: aws.String("sqs"), Endpoint: aws.String(about.Attributes["QueueArn"]), Attributes: map[string]string{"FilterPolicy": policy},
	})
	if err != nil {
		t.Fatal(err)
	}
	return made.QueueUrl
}

// arrived waits for so many messages, and a moment longer for more.
func arrived(t *testing.T, queues *sqs.Client, url *string, want int) (texts []string) {
	t.Helper()
	for began := time.Now(); time.Since(began) < 30*time.Second; {
		out, err := queues.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: url, MaxNumberOfMessages: 10, WaitTimeSeconds: 1})
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range out.Messages {
			var envelope struct{ Message string }
			if err := json.Unmarshal([]byte(*m.Body), &envelope); err != nil {
				t.Fatal(err)
			}
			texts = append(texts, envelope.Message)
		}
		if len(out.Messages) == 0 && len(texts) >= want {
			break
		}
	}
	slices.Sort(texts)
	return texts
}
