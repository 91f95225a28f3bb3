package conformance

// Cases of SNS: topics, subscriptions, filter policies, FIFO topics.

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	snstypes "github.com/aws/aws-sdk-go-v2/service/sns/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

// filtered says whether a message of store Berlin and count 0 passes a filter policy.
func filtered(t *T, e *Env, policy string) bool {
	p := newTopic(t, e, "alerts", map[string]string{"RawMessageDelivery": "true", "FilterPolicy": policy})
	p.published(sns.PublishInput{Message: aws.String("x"), MessageAttributes: map[string]snstypes.MessageAttributeValue{
		"store": stringAttribute("Berlin"), "count": numberAttribute("0"),
	}})
	return len(p.inbox.some()) == 1
}

var _ = add("sns",
	Case{Name: "a parameter that the sandbox lacks is refused by name", Doc: "CreateTopic", Sandbox: true, Run: func(t *T, e *Env) {
		_, err := sns.NewFromConfig(e.Config).CreateTopic(t.Context(), &sns.CreateTopicInput{Name: aws.String("alerts"), DataProtectionPolicy: aws.String("{}")})
		t.refused(err, "InvalidParameter", "does not have the parameter DataProtectionPolicy of CreateTopic")
	}},
	Case{Name: "creating a topic again returns it", Doc: "CreateTopic", Run: func(t *T, e *Env) {
		p := newTopic(t, e, "alerts", nil)
		out, err := p.CreateTopic(context.Background(), &sns.CreateTopicInput{Name: aws.String(own(t, e, "alerts"))})
		t.ok(err)
		t.equal("the ARN", *out.TopicArn, *p.arn)
	}},
	Case{Name: "a bad topic name is refused", Doc: "CreateTopic", Run: func(t *T, e *Env) {
		p := newTopic(t, e, "alerts", nil)
		_, err := p.CreateTopic(context.Background(), &sns.CreateTopicInput{Name: aws.String("no spaces")})
		t.refused(err, "InvalidParameter", "Topic Name")
	}},
	Case{Name: "topics are listed in pages of 100", Doc: "ListTopics", Run: func(t *T, e *Env) {
		p := newTopic(t, e, "alerts", nil)
		prefix := own(t, e, "many")
		for i := range 101 {
			_, err := p.CreateTopic(context.Background(), &sns.CreateTopicInput{Name: aws.String(fmt.Sprint(prefix, i))})
			t.ok(err)
		}
		first, err := p.ListTopics(context.Background(), &sns.ListTopicsInput{})
		t.ok(err)
		t.equal("the first page", len(first.Topics), 100)
		found := 0
		for pages := sns.NewListTopicsPaginator(p, &sns.ListTopicsInput{}); pages.HasMorePages(); {
			page, err := pages.NextPage(context.Background())
			t.ok(err)
			for _, one := range page.Topics {
				if strings.Contains(*one.TopicArn, prefix) {
					found++
				}
			}
		}
		t.equal("all pages", found, 101)
	}},
	Case{Name: "the attributes of a topic name it", Doc: "GetTopicAttributes", Run: func(t *T, e *Env) {
		p := newTopic(t, e, "alerts", nil)
		out, err := p.GetTopicAttributes(context.Background(), &sns.GetTopicAttributesInput{TopicArn: p.arn})
		t.ok(err)
		t.equal("the ARN", out.Attributes["TopicArn"], *p.arn)
		t.equal("subscriptions", out.Attributes["SubscriptionsConfirmed"], "1")
		_, err = p.GetTopicAttributes(context.Background(), &sns.GetTopicAttributesInput{TopicArn: aws.String(*p.arn + "-nowhere")})
		t.refused(err, "NotFound")
	}},
	Case{Name: "subscribing again returns the subscription", Doc: "Subscribe", Run: func(t *T, e *Env) {
		p := newTopic(t, e, "alerts", nil)
		out, err := p.Subscribe(context.Background(), &sns.SubscribeInput{TopicArn: p.arn, Protocol: aws.String("sqs"), Endpoint: aws.String(p.inbox.arn())})
		t.ok(err)
		t.equal("the subscription", *out.SubscriptionArn, *p.subscription)
		list, err := p.ListSubscriptionsByTopic(context.Background(), &sns.ListSubscriptionsByTopicInput{TopicArn: p.arn})
		t.ok(err)
		t.equal("how many", len(list.Subscriptions), 1)
	}},
	Case{Name: "a subscription's attributes are changed", Doc: "SetSubscriptionAttributes", Run: func(t *T, e *Env) {
		p := newTopic(t, e, "alerts", nil)
		_, err := p.SetSubscriptionAttributes(context.Background(), &sns.SetSubscriptionAttributesInput{SubscriptionArn: p.subscription, AttributeName: aws.String("RawMessageDelivery"), AttributeValue: aws.String("true")})
		t.ok(err)
		out, err := p.GetSubscriptionAttributes(context.Background(), &sns.GetSubscriptionAttributesInput{SubscriptionArn: p.subscription})
		t.ok(err)
		t.equal("raw delivery", out.Attributes["RawMessageDelivery"], "true")
		t.equal("the endpoint", out.Attributes["Endpoint"], p.inbox.arn())
		p.published(sns.PublishInput{Message: aws.String("plain")})
		p.inbox.receives("plain")
	}},
	Case{Name: "a filter policy that is none is refused", Doc: "Amazon SNS subscription filter policies", Run: func(t *T, e *Env) {
		p := newTopic(t, e, "alerts", nil)
		for _, policy := range []string{`{"store":`, `{"store":"Berlin"}`, `{"store":[{"like":"Ber"}]}`} {
			_, err := p.SetSubscriptionAttributes(context.Background(), &sns.SetSubscriptionAttributesInput{SubscriptionArn: p.subscription, AttributeName: aws.String("FilterPolicy"), AttributeValue: &policy})
			t.refused(err, "InvalidParameter", "FilterPolicy")
		}
	}},
	Case{Name: "a topic keeps its tags", Doc: "TagResource", Run: func(t *T, e *Env) {
		p := newTopic(t, e, "alerts", nil)
		_, err := p.TagResource(context.Background(), &sns.TagResourceInput{ResourceArn: p.arn, Tags: []snstypes.Tag{{Key: aws.String("team"), Value: aws.String("stock")}}})
		t.ok(err)
		out, err := p.ListTagsForResource(context.Background(), &sns.ListTagsForResourceInput{ResourceArn: p.arn})
		t.ok(err)
		t.equal("how many tags", len(out.Tags), 1)
		t.equal("the tag", *out.Tags[0].Key+"="+*out.Tags[0].Value, "team=stock")
	}},
	Case{Name: "a deleted topic is gone, and may be deleted again", Doc: "DeleteTopic", Run: func(t *T, e *Env) {
		p := newTopic(t, e, "alerts", nil)
		for range 2 {
			_, err := p.DeleteTopic(context.Background(), &sns.DeleteTopicInput{TopicArn: p.arn})
			t.ok(err)
		}
		_, err := p.publish(sns.PublishInput{Message: aws.String("x")})
		t.refused(err, "NotFound")
	}},
	Case{Name: "who has unsubscribed gets nothing", Doc: "Unsubscribe", Run: func(t *T, e *Env) {
		p := newTopic(t, e, "alerts", nil)
		_, err := p.Unsubscribe(context.Background(), &sns.UnsubscribeInput{SubscriptionArn: p.subscription})
		t.ok(err)
		p.published(sns.PublishInput{Message: aws.String("x")})
		t.equal("messages", len(p.inbox.some()), 0)
	}},
	Case{Name: "filter policies choose by equality", Doc: "Amazon SNS subscription filter policies", Run: func(t *T, e *Env) {
		t.equal("the store", filtered(t, e, `{"store":["Pusan","Berlin"]}`), true)
	}},
	Case{Name: "filter policies keep out what does not match", Doc: "Amazon SNS subscription filter policies", Run: func(t *T, e *Env) {
		t.equal("another store", filtered(t, e, `{"store":["Pusan"]}`), false)
	}},
	Case{Name: "filter policies ask for each of their names", Doc: "Amazon SNS subscription filter policies", Run: func(t *T, e *Env) {
		t.equal("store and count", filtered(t, e, `{"store":["Berlin"],"count":[{"numeric":[">",0]}]}`), false)
	}},
	Case{Name: "filter policies compare numbers", Doc: "Numeric value matching", Run: func(t *T, e *Env) {
		t.equal("count <= 0", filtered(t, e, `{"count":[{"numeric":["<=",0]}]}`), true)
	}},
	Case{Name: "filter policies match prefixes", Doc: "String value matching", Run: func(t *T, e *Env) {
		t.equal("Ber…", filtered(t, e, `{"store":[{"prefix":"Ber"}]}`), true)
	}},
	Case{Name: "filter policies match all but some values", Doc: "String value matching", Run: func(t *T, e *Env) {
		t.equal("anything but Berlin", filtered(t, e, `{"store":[{"anything-but":["Berlin"]}]}`), false)
	}},
	Case{Name: "filter policies ask whether an attribute is there", Doc: "Key matching", Run: func(t *T, e *Env) {
		t.equal("no item", filtered(t, e, `{"item":[{"exists":false}],"store":[{"exists":true}]}`), true)
	}},
	Case{Name: "a FIFO topic delivers in order and once", Doc: "Message deduplication for FIFO topics", Run: func(t *T, e *Env) {
		p := newTopic(t, e, "alerts.fifo", raw)
		in := func(body, id string) sns.PublishInput {
			return sns.PublishInput{Message: &body, MessageGroupId: aws.String("Berlin"), MessageDeduplicationId: &id}
		}
		first, err := p.publish(in("one", "1"))
		t.ok(err)
		t.equal("a sequence number", aws.ToString(first.SequenceNumber) != "", true)
		again := p.published(in("one", "1"))
		t.equal("the id", again, *first.MessageId)
		p.published(in("two", "2"))
		m := p.inbox.receives("one", func(in *sqs.ReceiveMessageInput) { in.MaxNumberOfMessages = 1 })[0]
		t.equal("the group", m.Attributes["MessageGroupId"], "Berlin")
		t.ok(p.inbox.remove(m))
		p.inbox.receives("two")
	}},
	Case{Name: "a FIFO topic takes a batch in order and once", Doc: "PublishBatch", Run: func(t *T, e *Env) {
		p := newTopic(t, e, "alerts.fifo", raw)
		var entries []snstypes.PublishBatchRequestEntry
		for _, body := range []string{"one", "two", "three"} {
			one := publishEntry(body, body)
			one.MessageGroupId, one.MessageDeduplicationId = aws.String("Berlin"), &body
			entries = append(entries, one)
		}
		for range 2 {
			out, err := p.batch(entries...)
			t.ok(err)
			t.equal("successful", len(out.Successful), 3)
		}
		for _, body := range []string{"one", "two", "three"} {
			m := p.inbox.receives(body, func(in *sqs.ReceiveMessageInput) { in.MaxNumberOfMessages = 1 })
			t.ok(p.inbox.remove(m[0]))
		}
		p.inbox.receives("")
	}},
	Case{Name: "group and deduplication ids are of ASCII's letters, digits and punctuation, 128 at most", Doc: "Publish", Run: func(t *T, e *Env) {
		p := newTopic(t, e, "alerts.fifo", raw)
		in := func(group, id string) sns.PublishInput {
			return sns.PublishInput{Message: aws.String("x"), MessageGroupId: &group, MessageDeduplicationId: &id}
		}
		for _, id := range []string{"two words", "Zürich", strings.Repeat("x", 129)} {
			_, err := p.publish(in(id, "1"))
			t.refused(err, "InvalidParameter", "MessageGroupId")
			_, err = p.publish(in("g", id))
			t.refused(err, "InvalidParameter", "MessageDeduplicationId")
		}
		p.published(in(strings.Repeat("!~", 64), strings.Repeat("Az", 64)))
	}},
	Case{Name: "after five minutes it delivers again", Doc: "Message deduplication for FIFO topics", Sandbox: true, Run: func(t *T, e *Env) {
		p := newTopic(t, e, "alerts.fifo", raw)
		in := sns.PublishInput{Message: aws.String("one"), MessageGroupId: aws.String("g"), MessageDeduplicationId: aws.String("1")}
		first := p.published(in)
		t.ok(p.inbox.remove(p.inbox.receives("one")[0]))
		pass(e, 5*time.Minute)
		t.equal("another message", p.published(in) != first, true)
		p.inbox.receives("one")
	}},
	Case{Name: "a FIFO topic asks for group and deduplication", Doc: "Publish", Run: func(t *T, e *Env) {
		p := newTopic(t, e, "alerts.fifo", raw)
		_, err := p.publish(sns.PublishInput{Message: aws.String("x"), MessageDeduplicationId: aws.String("1")})
		t.refused(err, "InvalidParameter", "MessageGroupId")
		_, err = p.publish(sns.PublishInput{Message: aws.String("x"), MessageGroupId: aws.String("g")})
		t.refused(err, "InvalidParameter", "ContentBasedDeduplication")
	}},
)
