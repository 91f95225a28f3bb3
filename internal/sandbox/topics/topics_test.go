package topics_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sns/types"
	"github.com/google/go-cmp/cmp"

	"inventoryd/internal/sandbox"
	"inventoryd/internal/sandbox/queues"
)

// stage is a sandbox with one topic and one queue subscribed to it.
type stage struct {
	*testing.T
	*sandbox.Sandbox
	client       *sns.Client
	topic, inbox string
}

func newStage(t *testing.T, fifo bool, subscription map[string]string) stage {
	t.Helper()
	box := sandbox.New()
	s := stage{T: t, Sandbox: box, client: sns.NewFromConfig(box.Config("test")), inbox: "inbox"}
	attributes := map[string]string{}
	name := "t"
	if fifo {
		s.inbox, name = "inbox.fifo", "t.fifo"
		attributes["FifoTopic"] = "true"
	}
	if _, err := box.Queues.Create(s.inbox, map[string]string{"FifoQueue": fmt.Sprint(fifo)}); err != nil {
		t.Fatal(err)
	}
	out, err := s.client.CreateTopic(context.Background(), &sns.CreateTopicInput{Name: &name, Attributes: attributes})
	if err != nil {
		t.Fatal(err)
	}
	s.topic = *out.TopicArn
	_, err = s.client.Subscribe(context.Background(), &sns.SubscribeInput{
		TopicArn: &s.topic, Protocol: aws.String("sqs"), Endpoint: aws.String(queues.ARN(s.inbox)), Attributes: subscription,
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func (s stage) publish(in sns.PublishInput) string {
	s.Helper()
	in.TopicArn = &s.topic
	out, err := s.client.Publish(context.Background(), &in)
	if err != nil {
		s.Fatal(err)
	}
	return *out.MessageId
}

func text(kind, value string) types.MessageAttributeValue {
	return types.MessageAttributeValue{DataType: &kind, StringValue: &value}
}

func TestFilterPolicies(t *testing.T) {
	message := map[string]types.MessageAttributeValue{
		"store": text("String", "Berlin"),
		"count": text("Number", "0"),
		"tags":  text("String.Array", `["food","fresh",7,true]`),
	}
	for policy, passes := range map[string]bool{
		`{}`:                           true,
		`{"store":["Berlin"]}`:         true,
		`{"store":["Pusan","Berlin"]}`: true,
		`{"store":["berlin"]}`:         false,
		`{"store":[{"equals-ignore-case":"berlin"}]}`: true,
		`{"store":["Berlin"],"count":[0]}`:            true,
		`{"store":["Berlin"],"count":[1]}`:            false,
		`{"count":[0.0]}`:                             true,
		`{"count":["0"]}`:                             false,
		`{"count":[{"numeric":["<=",0]}]}`:            true,
		`{"count":[{"numeric":[">",-1,"<",1]}]}`:      true,
		`{"count":[{"numeric":[">",0,"<",9]}]}`:       false,
		`{"count":[{"numeric":["=",0]}]}`:             true,
		`{"store":[{"prefix":"Ber"}]}`:                true,
		`{"store":[{"prefix":"Pus"}]}`:                false,
		`{"store":[{"suffix":"lin"}]}`:                true,
		`{"store":[{"anything-but":["Pusan"]}]}`:      true,
		`{"store":[{"anything-but":["Berlin"]}]}`:     false,
		`{"store":[{"anything-but":"Berlin"}]}`:       false,
		`{"store":[{"anything-but":{"prefix":"B"}}]}`: false,
		`{"store":[{"exists":true}]}`:                 true,
		`{"other":[{"exists":true}]}`:                 false,
		`{"other":[{"exists":false}]}`:                true,
		`{"store":[{"exists":false}]}`:                false,
		`{"other":[{"anything-but":"x"}]}`:            false,
		`{"tags":["fresh"]}`:                          true,
		`{"tags":[7]}`:                                true,
		`{"tags":[true]}`:                             true,
		`{"tags":["frozen"]}`:                         false,
		`{"tags":[{"prefix":"fr"}]}`:                  true,
		`{"tags":[{"suffix":"zen"}]}`:                 false,
		`{"tags":[{"numeric":[">",6]}]}`:              true,
		`{"tags":[{"numeric":[">",7]}]}`:              false,
		`{"tags":[{"exists":true}]}`:                  true,
		`{"tags":[{"exists":false}]}`:                 false,
		`{"tags":[{"anything-but":["food"]}]}`:        true, // an element is another
		`{"tags":[{"equals-ignore-case":"FOOD"}]}`:    true,
		`{"tags":["frozen","food"]}`:                  true,
		`{"tags":["food"],"store":["Pusan"]}`:         false,
		`{"$or":[{"store":["Pusan"]},{"count":[0]}]}`: true,
		`{"$or":[{"store":["Pusan"]},{"count":[1]}]}`: false,
	} {
		t.Run(policy, func(t *testing.T) {
			s := newStage(t, false, map[string]string{"FilterPolicy": policy, "RawMessageDelivery": "true"})
			s.publish(sns.PublishInput{Message: aws.String("m"), MessageAttributes: message})
			if got := len(s.Queues.Drain(s.inbox)); (got == 1) != passes {
				t.Errorf("%d messages delivered", got)
			}
		})
	}
}

func TestFilterPoliciesOnTheBody(t *testing.T) {
	body := `{"event":"out_of_stock","items":[{"item":"pen","count":0},{"item":"ink","count":2}],"store":{"name":"Berlin"},"tags":["a","b"]}`
	for policy, passes := range map[string]bool{
		`{"event":["out_of_stock"]}`:                  true,
		`{"event":["restocked"]}`:                     false,
		`{"items":{"item":["ink"]}}`:                  true,
		`{"items":{"item":["cup"]}}`:                  false,
		`{"items":{"count":[{"numeric":[">",1]}]}}`:   true,
		`{"store":{"name":[{"prefix":"B"}]}}`:         true,
		`{"tags":["b"]}`:                              true,
		`{"other":[{"exists":false}]}`:                true,
		`{"$or":[{"tags":["c"]},{"tags":["a"]}]}`:     true,
		`{"store":{"name":["Berlin"]},"tags":["no"]}`: false,
	} {
		s := newStage(t, false, map[string]string{"FilterPolicy": policy, "FilterPolicyScope": "MessageBody", "RawMessageDelivery": "true"})
		s.publish(sns.PublishInput{Message: &body})
		s.publish(sns.PublishInput{Message: aws.String("no JSON")})
		if got := len(s.Queues.Drain(s.inbox)); (got == 1) != passes {
			t.Errorf("%s: %d messages delivered", policy, got)
		}
	}
}

func TestFilterPoliciesAreLimited(t *testing.T) {
	many := `"0"` + strings.Repeat(`,"x"`, 150)
	for words, policy := range map[string]string{
		"not have more than 5 keys":  `{"a":[1],"b":[1],"c":[1],"d":[1],"e":[1],"f":[1]}`,
		"too complex":                `{"a":[` + many + `]}`,
		"between -1.0E9 and 1.0E9":   `{"a":[{"numeric":[">",1000000001]}]}`,
		"nested":                     `{"a":{"b":[1]}}`,
		"Unrecognized match type":    `{"a":[{"wild":"x"}]}`,
		"must be an object or an ar": `{"a":"b"}`,
	} {
		s := newStage(t, false, nil)
		_, err := s.client.Subscribe(t.Context(), &sns.SubscribeInput{
			TopicArn: &s.topic, Protocol: aws.String("sqs"), Endpoint: aws.String(queues.ARN(s.inbox)), Attributes: map[string]string{"FilterPolicy": policy},
		})
		if err == nil || !strings.Contains(err.Error(), words) {
			t.Errorf("%s: %v", words, err)
		}
	}
}

func TestNoAttributesAtAllDoNotLackOne(t *testing.T) {
	s := newStage(t, false, map[string]string{"FilterPolicy": `{"store":[{"exists":false}]}`})
	s.publish(sns.PublishInput{Message: aws.String("m")})
	if n := len(s.Queues.Drain(s.inbox)); n != 0 {
		t.Errorf("%d messages delivered", n)
	}
}

func TestWrappedDeliveryIsOfTheDocumentedShape(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, false, nil)
		id := s.publish(sns.PublishInput{
			Subject: aws.String("Inventory Alert!"), Message: aws.String("Berlin is out of <Echo> & \"more\""),
			MessageAttributes: map[string]types.MessageAttributeValue{"store": text("String", "Berlin")},
		})
		got := s.Queues.Drain(s.inbox)
		if len(got) != 1 || strings.Contains(got[0].Body, `\u00`) {
			t.Fatalf("got %+v", got)
		}
		var envelope map[string]any
		if err := json.Unmarshal([]byte(got[0].Body), &envelope); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"Signature", "SigningCertURL", "UnsubscribeURL"} {
			if envelope[name] == "" {
				t.Errorf("no %s", name)
			}
			delete(envelope, name)
		}
		want := map[string]any{
			"Type": "Notification", "MessageId": id, "TopicArn": s.topic, "Subject": "Inventory Alert!", "Message": "Berlin is out of <Echo> & \"more\"",
			"Timestamp": "2000-01-01T00:00:00.000Z", "SignatureVersion": "1",
			"MessageAttributes": map[string]any{"store": map[string]any{"Type": "String", "Value": "Berlin"}},
		}
		if diff := cmp.Diff(want, envelope); diff != "" {
			t.Error(diff)
		}
	})
}

func TestRawDeliveryKeepsTextAndAttributes(t *testing.T) {
	s := newStage(t, false, map[string]string{"RawMessageDelivery": "true"})
	s.publish(sns.PublishInput{Message: aws.String("plain"), MessageAttributes: map[string]types.MessageAttributeValue{
		"count": text("Number", "0"), "raw": {DataType: aws.String("Binary"), BinaryValue: []byte{1, 2, 0xff}},
	}})
	got := s.Queues.Drain(s.inbox)
	want := map[string]queues.Attribute{"count": {DataType: "Number", StringValue: "0"}, "raw": {DataType: "Binary", BinaryValue: []byte{1, 2, 0xff}}}
	if len(got) != 1 || got[0].Body != "plain" || !cmp.Equal(got[0].Attributes, want) {
		t.Errorf("got %+v", got)
	}
}

func TestStructuredMessageIsTakenByProtocol(t *testing.T) {
	for body, want := range map[string]string{`{"default":"d","sqs":"for queues"}`: "for queues", `{"default":"d","email":"e"}`: "d"} {
		s := newStage(t, false, map[string]string{"RawMessageDelivery": "true"})
		s.publish(sns.PublishInput{Message: &body, MessageStructure: aws.String("json")})
		if got := s.Queues.Drain(s.inbox); len(got) != 1 || got[0].Body != want {
			t.Errorf("%s: got %+v", body, got)
		}
	}
}

func TestFIFOTopicDeliversInOrderAndOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, true, map[string]string{"RawMessageDelivery": "true"})
		send := func(body, id string) string {
			return s.publish(sns.PublishInput{Message: &body, MessageGroupId: aws.String("Berlin"), MessageDeduplicationId: &id})
		}
		first := send("1", "a")
		send("2", "b")
		if again := send("1 again", "a"); again != first {
			t.Errorf("a repeated message has the first one's id, got %s and %s", first, again)
		}
		got := s.Queues.Drain(s.inbox)
		if len(got) != 2 || got[0].Body != "1" || got[1].Body != "2" || got[0].Group != "Berlin" {
			t.Errorf("got %+v", got)
		}
		time.Sleep(5 * time.Minute)
		send("1 later", "a")
		if got := s.Queues.Drain(s.inbox); len(got) != 1 {
			t.Errorf("after the interval: %+v", got)
		}
	})
}

func TestTheNarrowerReadingHolds(t *testing.T) {
	s := newStage(t, false, nil)
	blank, emoji := sns.PublishInput{Message: aws.String(" \n")}, sns.PublishInput{Message: aws.String("x"), Subject: aws.String(strings.Repeat("😀", 50))}
	for words, in := range map[string]sns.PublishInput{"Empty message": blank, "Subject": emoji} {
		in.TopicArn = &s.topic
		if _, err := s.client.Publish(t.Context(), &in); err == nil || !strings.Contains(err.Error(), words) {
			t.Errorf("%s: %v", words, err)
		}
	}
	s.publish(sns.PublishInput{Message: aws.String("x"), Subject: aws.String(strings.Repeat("😀", 49))})
}
