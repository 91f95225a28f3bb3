package conformance

// Cases of SNS: filter policies on lists and bodies, and subscriptions of people.

import (
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	snstypes "github.com/aws/aws-sdk-go-v2/service/sns/types"
)

// passes publishes a message of the alerts' shape to a subscriber of that policy, and expects it to arrive, or not.
func passes(t *T, e *Env, subscription map[string]string, want bool) {
	subscription["RawMessageDelivery"] = "true"
	p := newTopic(t, e, "alerts", subscription)
	p.published(sns.PublishInput{
		Message: aws.String(`{"event":"out_of_stock","items":[{"item":"pen"},{"item":"ink"}],"tags":["food","fresh"]}`),
		MessageAttributes: map[string]snstypes.MessageAttributeValue{
			"item": {DataType: aws.String("String.Array"), StringValue: aws.String(`["pen","ink","cup"]`)}, "store": stringAttribute("Berlin"),
		},
	})
	t.equal(subscription["FilterPolicy"], len(p.inbox.some()) == 1, want)
}

const stringMatching = "String value matching"

var _ = add("sns",
	Case{Name: "each element of a String.Array is matched", Doc: stringMatching, Run: func(t *T, e *Env) {
		passes(t, e, map[string]string{"FilterPolicy": `{"item":["ink","nothing"]}`}, true)
	}},
	Case{Name: "a String.Array without the value does not pass", Doc: stringMatching, Run: func(t *T, e *Env) {
		passes(t, e, map[string]string{"FilterPolicy": `{"item":["in"]}`}, false)
	}},
	Case{Name: "an element's prefix is matched", Doc: stringMatching, Run: func(t *T, e *Env) {
		passes(t, e, map[string]string{"FilterPolicy": `{"item":[{"prefix":"in"}]}`}, true)
	}},
	Case{Name: "a String.Array with another element passes anything-but", Doc: stringMatching, Run: func(t *T, e *Env) {
		passes(t, e, map[string]string{"FilterPolicy": `{"item":[{"anything-but":["pen"]}],"store":["Berlin"]}`}, true)
	}},
	Case{Name: "policies may be on the body, into its objects and lists", Doc: "Amazon SNS subscription filter policy scope", Run: func(t *T, e *Env) {
		passes(t, e, map[string]string{"FilterPolicyScope": "MessageBody", "FilterPolicy": `{"items":{"item":["ink"]},"event":["out_of_stock"]}`}, true)
	}},
	Case{Name: "a body without the value does not pass", Doc: "Amazon SNS subscription filter policy scope", Run: func(t *T, e *Env) {
		passes(t, e, map[string]string{"FilterPolicyScope": "MessageBody", "FilterPolicy": `{"items":{"item":["cup"]}}`}, false)
	}},
	Case{Name: "mail waits for its reader's confirmation", Doc: "Subscribe", Run: func(t *T, e *Env) {
		p := newTopic(t, e, "alerts", nil)
		in := &sns.SubscribeInput{TopicArn: p.arn, Protocol: aws.String("email"), Endpoint: aws.String("a@example.com")}
		out, err := p.Subscribe(t.Context(), in)
		t.ok(err)
		t.equal("the subscription", *out.SubscriptionArn, "pending confirmation")
		list, err := p.ListSubscriptionsByTopic(t.Context(), &sns.ListSubscriptionsByTopicInput{TopicArn: p.arn})
		t.ok(err)
		listed := map[string]string{}
		for _, s := range list.Subscriptions {
			listed[*s.Protocol] = *s.SubscriptionArn
		}
		t.equal("as it is listed", listed["email"], "PendingConfirmation")
	}},
	Case{Name: "a mail subscription of more than ten messages a second is deactivated", Doc: "Amazon SNS endpoints and quotas", Sandbox: true, Run: func(t *T, e *Env) {
		p := newTopic(t, e, "alerts", nil)
		name := own(t, e, "alerts")
		t.ok(e.Sandbox.Topics.SubscribeMail(name, "a@example.com"))
		for range 10 {
			p.published(sns.PublishInput{Message: aws.String("m")})
		}
		pass(e, time.Second)
		for range 11 {
			p.published(sns.PublishInput{Message: aws.String("m")})
		}
		pass(e, time.Hour)
		p.published(sns.PublishInput{Message: aws.String("lost")})
		t.equal("mails", len(e.Sandbox.Topics.Mails("a@example.com")), 20)
		list, err := p.ListSubscriptionsByTopic(t.Context(), &sns.ListSubscriptionsByTopicInput{TopicArn: p.arn})
		t.ok(err)
		t.equal("as it is listed", *list.Subscriptions[1].SubscriptionArn, "Deleted")
	}},
)
