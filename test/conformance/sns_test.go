package conformance

// Cases of SNS and STS.

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	snstypes "github.com/aws/aws-sdk-go-v2/service/sns/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"inventoryd/internal/sandbox/fault"
)

// published publishes and expects that it is taken.
func (p topic) published(in sns.PublishInput) string {
	out, err := p.publish(in)
	p.t.ok(err)
	return *out.MessageId
}

func (p topic) batch(entries ...snstypes.PublishBatchRequestEntry) (*sns.PublishBatchOutput, error) {
	return p.PublishBatch(context.Background(), &sns.PublishBatchInput{TopicArn: p.arn, PublishBatchRequestEntries: entries})
}

func publishEntry(id, message string) snstypes.PublishBatchRequestEntry {
	return snstypes.PublishBatchRequestEntry{Id: &id, Message: &message}
}

func stringAttribute(value string) snstypes.MessageAttributeValue {
	return snstypes.MessageAttributeValue{DataType: aws.String("String"), StringValue: &value}
}

func numberAttribute(value string) snstypes.MessageAttributeValue {
	return snstypes.MessageAttributeValue{DataType: aws.String("Number"), StringValue: &value}
}

// filtered says whether a message of store Berlin and count 0 passes a filter policy.
func filtered(t *T, e *Env, policy string) bool {
	p := newTopic(t, e, "alerts", map[string]string{"RawMessageDelivery": "true", "FilterPolicy": policy})
	p.published(sns.PublishInput{Message: aws.String("x"), MessageAttributes: map[string]snstypes.MessageAttributeValue{
		"store": stringAttribute("Berlin"), "count": numberAttribute("0"),
	}})
	return len(p.inbox.some()) == 1
}

var _ = add("sns",
	Case{Name: "what is published reaches the subscriber, wrapped", Doc: "Amazon SNS message and JSON formats", Run: func(t *T, e *Env) {
		p := newTopic(t, e, "alerts", nil)
		id := p.published(sns.PublishInput{
			Subject: aws.String("Inventory Alert!"), Message: aws.String(`Berlin is out of stock of "<Echo>"`),
			MessageAttributes: map[string]snstypes.MessageAttributeValue{"store": stringAttribute("Berlin")},
		})
		messages := p.inbox.some()
		t.equal("how many", len(messages), 1)
		var got struct {
			Type, MessageID, TopicArn, Subject, Message, Timestamp string
			MessageAttributes                                      map[string]struct{ Type, Value string }
		}
		t.ok(json.Unmarshal([]byte(*messages[0].Body), &got))
		t.equal("the type", got.Type, "Notification")
		t.equal("the id", got.MessageID, id)
		t.equal("the topic", got.TopicArn, *p.arn)
		t.equal("the subject", got.Subject, "Inventory Alert!")
		t.equal("the message", got.Message, `Berlin is out of stock of "<Echo>"`)
		t.equal("an attribute", got.MessageAttributes["store"].Value, "Berlin")
		_, err := time.Parse(time.RFC3339, got.Timestamp)
		t.ok(err)
	}},
	Case{Name: "raw delivery brings the text alone, with its attributes", Doc: "Amazon SNS raw message delivery", Run: func(t *T, e *Env) {
		p := newTopic(t, e, "alerts", raw)
		p.published(sns.PublishInput{Message: aws.String("plain"), MessageAttributes: map[string]snstypes.MessageAttributeValue{"count": numberAttribute("0")}})
		m := p.inbox.receives("plain")[0]
		t.equal("an attribute", *m.MessageAttributes["count"].StringValue, "0")
	}},
	Case{Name: "a message of structure json has a text for each protocol", Doc: "Publish", Run: func(t *T, e *Env) {
		p := newTopic(t, e, "alerts", raw)
		p.published(sns.PublishInput{MessageStructure: aws.String("json"), Message: aws.String(`{"default":"for-all","sqs":"for-queues"}`)})
		p.inbox.receives("for-queues")
		_, err := p.publish(sns.PublishInput{MessageStructure: aws.String("json"), Message: aws.String(`{"sqs":"x"}`)})
		t.refused(err, "InvalidParameter", "No default entry in JSON message body")
	}},
	Case{Name: "publishing to a topic that is not there", Doc: "Publish", Run: func(t *T, e *Env) {
		p := newTopic(t, e, "alerts", nil)
		p.arn = aws.String(*p.arn + "-nowhere")
		_, err := p.publish(sns.PublishInput{Message: aws.String("x")})
		t.refused(err, "NotFound", "Topic does not exist")
		t.equal("the status", status(err), 404)
	}},
	Case{Name: "what is no ARN is refused", Doc: "Publish", Run: func(t *T, e *Env) {
		p := newTopic(t, e, "alerts", nil)
		p.arn = aws.String("alerts")
		_, err := p.publish(sns.PublishInput{Message: aws.String("x")})
		t.refused(err, "InvalidParameter", "TopicArn")
	}},
	Case{Name: "an empty message is refused", Doc: "Publish", Run: func(t *T, e *Env) {
		_, err := newTopic(t, e, "alerts", nil).publish(sns.PublishInput{Message: aws.String("")})
		t.refused(err, "InvalidParameter", "Empty message")
	}},
	Case{Name: "a message of 256 KiB is taken, of a byte more refused", Doc: "Publish", Run: func(t *T, e *Env) {
		p := newTopic(t, e, "alerts", nil)
		p.published(sns.PublishInput{Message: aws.String(strings.Repeat("x", 262_144))})
		_, err := p.publish(sns.PublishInput{Message: aws.String(strings.Repeat("x", 262_145))})
		t.refused(err, "InvalidParameter", "Message too long")
	}},
	Case{Name: "a topic takes larger messages where its attribute says so", Doc: "SetTopicAttributes", Run: func(t *T, e *Env) {
		p := newTopic(t, e, "alerts", nil)
		_, err := p.SetTopicAttributes(context.Background(), &sns.SetTopicAttributesInput{TopicArn: p.arn, AttributeName: aws.String("MaximumMessageSize"), AttributeValue: aws.String("1048576")})
		t.ok(err)
		p.published(sns.PublishInput{Message: aws.String(strings.Repeat("x", 1<<20))})
		_, err = p.publish(sns.PublishInput{Message: aws.String(strings.Repeat("x", 1<<20+1))})
		t.refused(err, "InvalidParameter", "Message too long")
	}},
	Case{Name: "a subject has no line breaks and no control characters", Doc: "Publish", Run: func(t *T, e *Env) {
		p := newTopic(t, e, "alerts", nil)
		for _, subject := range []string{"two\nlines", "two\u2028lines", "two\u0085lines", "bell \x07", "del \x7f", ""} {
			_, err := p.publish(sns.PublishInput{Subject: &subject, Message: aws.String("x")})
			t.refused(err, "InvalidParameter", "Subject")
		}
	}},
	Case{Name: "a subject has fewer than 100 characters", Doc: "Publish", Run: func(t *T, e *Env) {
		p := newTopic(t, e, "alerts", nil)
		p.published(sns.PublishInput{Subject: aws.String(strings.Repeat("ß", 99)), Message: aws.String("x")})
		_, err := p.publish(sns.PublishInput{Subject: aws.String(strings.Repeat("s", 100)), Message: aws.String("x")})
		t.refused(err, "InvalidParameter", "Subject")
	}},
	Case{Name: "an attribute without a value is refused", Doc: "Amazon SNS message attributes", Run: func(t *T, e *Env) {
		_, err := newTopic(t, e, "alerts", nil).publish(sns.PublishInput{Message: aws.String("x"), MessageAttributes: map[string]snstypes.MessageAttributeValue{"a": stringAttribute("")}})
		t.refused(err, "ParameterValueInvalid")
	}},
	Case{Name: "a number that is none is refused", Doc: "Amazon SNS message attributes", Run: func(t *T, e *Env) {
		p := newTopic(t, e, "alerts", nil)
		for _, number := range []string{"many", "NaN", "Inf", "0x1", "1_000", "1,5", " 1"} {
			_, err := p.publish(sns.PublishInput{Message: aws.String("x"), MessageAttributes: map[string]snstypes.MessageAttributeValue{"a": numberAttribute(number)}})
			t.refused(err, "ParameterValueInvalid")
		}
		for _, number := range []string{"0", "-12", "1.5", "1e3"} {
			p.published(sns.PublishInput{Message: aws.String("x"), MessageAttributes: map[string]snstypes.MessageAttributeValue{"a": numberAttribute(number)}})
		}
	}},
	Case{Name: "an attribute's name has letters, digits, _, - and ., and does not begin with AWS.", Doc: "Amazon SNS message attributes", Run: func(t *T, e *Env) {
		p := newTopic(t, e, "alerts", nil)
		for _, name := range []string{"two words", "größe", "AWS.store", "Amazon.store", ".store", "store.", "a..b", strings.Repeat("x", 257)} {
			_, err := p.publish(sns.PublishInput{Message: aws.String("x"), MessageAttributes: map[string]snstypes.MessageAttributeValue{name: stringAttribute("v")}})
			t.refused(err, "ParameterValueInvalid")
		}
		p.published(sns.PublishInput{Message: aws.String("x"), MessageAttributes: map[string]snstypes.MessageAttributeValue{"a_-.9": stringAttribute("v")}})
	}},

	Case{Name: "a batch publishes up to ten messages", Doc: "PublishBatch", Run: func(t *T, e *Env) {
		p := newTopic(t, e, "alerts", raw)
		var entries []snstypes.PublishBatchRequestEntry
		for i := range 10 {
			entries = append(entries, publishEntry(fmt.Sprint(i), fmt.Sprint("m", i)))
		}
		out, err := p.batch(entries...)
		t.ok(err)
		t.equal("successful", len(out.Successful), 10)
		p.inbox.receives("m0 m1 m2 m3 m4 m5 m6 m7 m8 m9")
		_, err = p.batch(append(entries, publishEntry("10", "m10"))...)
		t.refused(err, "TooManyEntriesInBatchRequest")
	}},
	Case{Name: "entries of a batch fail inside an answer of status 200", Doc: "PublishBatch", Run: func(t *T, e *Env) {
		p := newTopic(t, e, "alerts", raw)
		bad := publishEntry("bad", "x")
		bad.MessageAttributes = map[string]snstypes.MessageAttributeValue{"a": numberAttribute("many")}
		out, err := p.batch(publishEntry("good", "y"), bad)
		t.ok(err)
		t.equal("successful", len(out.Successful), 1)
		t.equal("failed", len(out.Failed), 1)
		t.equal("which", *out.Failed[0].Id, "bad")
		t.equal("the sender's fault", out.Failed[0].SenderFault, true)
		p.inbox.receives("y")
	}},
	Case{Name: "a batch of more than 256 KiB in all is refused", Doc: "PublishBatch", Run: func(t *T, e *Env) {
		p := newTopic(t, e, "alerts", nil)
		_, err := p.batch(publishEntry("a", strings.Repeat("x", 131_072)), publishEntry("b", strings.Repeat("x", 131_073)))
		t.refused(err, "BatchRequestTooLong")
		_, err = p.batch(publishEntry("a", strings.Repeat("x", 131_072)), publishEntry("b", strings.Repeat("x", 131_072)))
		t.ok(err)
	}},
	Case{Name: "attributes count towards the size of a batch", Doc: "PublishBatch", Run: func(t *T, e *Env) {
		p := newTopic(t, e, "alerts", nil)
		big := publishEntry("b", strings.Repeat("x", 131_072))
		big.MessageAttributes = map[string]snstypes.MessageAttributeValue{"a": stringAttribute("v")}
		_, err := p.batch(publishEntry("a", strings.Repeat("x", 131_072)), big)
		t.refused(err, "BatchRequestTooLong")
	}},
	Case{Name: "ids of a batch differ, and there is one at least", Doc: "PublishBatch", Run: func(t *T, e *Env) {
		p := newTopic(t, e, "alerts", nil)
		_, err := p.batch(publishEntry("a", "x"), publishEntry("a", "y"))
		t.refused(err, "BatchEntryIdsNotDistinct")
		_, err = p.batch([]snstypes.PublishBatchRequestEntry{}...)
		t.refused(err, "EmptyBatchRequest")
	}},

	Case{Name: "a batch to a topic that is not there", Doc: "PublishBatch", Run: func(t *T, e *Env) {
		p := newTopic(t, e, "alerts", nil)
		p.arn = aws.String(*p.arn + "-nowhere")
		_, err := p.batch(publishEntry("a", "x"))
		t.refused(err, "NotFound", "Topic does not exist")
		p.arn = aws.String("alerts")
		_, err = p.batch(publishEntry("a", "x"))
		t.refused(err, "InvalidParameter", "TopicArn")
	}},
	Case{Name: "a bad subject or message fails its entry of a batch alone", Doc: "PublishBatch", Run: func(t *T, e *Env) {
		p := newTopic(t, e, "alerts", raw)
		subject, empty := publishEntry("subject", "x"), publishEntry("empty", "")
		subject.Subject = aws.String("two\nlines")
		out, err := p.batch(subject, publishEntry("good", "y"), empty)
		t.ok(err)
		var failed []string
		for _, f := range out.Failed {
			failed = append(failed, fmt.Sprint(*f.Id, " ", *f.Code, " ", f.SenderFault))
		}
		t.equal("the failed", failed, []string{"subject InvalidParameter true", "empty InvalidParameter true"})
		p.inbox.receives("y")
	}},
	Case{Name: "entries of a batch may fail by no fault of the sender", Doc: "BatchResultErrorEntry", Sandbox: true, Run: func(t *T, e *Env) {
		p := newTopic(t, e, "alerts", raw)
		e.Sandbox.Fault(fault.Rule{Operation: "PublishBatch", Effect: fault.Effect{Unprocessed: 0.5}})
		out, err := p.batch(publishEntry("a", "x"), publishEntry("b", "y"))
		t.ok(err)
		t.equal("successful, failed, by the sender's fault", fmt.Sprint(len(out.Successful), len(out.Failed), out.Failed[0].SenderFault), "1 1 false")
	}},
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

var _ = add("sts",
	Case{Name: "the caller's account, id and ARN", Doc: "GetCallerIdentity", Run: func(t *T, e *Env) {
		out, err := sts.NewFromConfig(e.Config).GetCallerIdentity(context.Background(), &sts.GetCallerIdentityInput{})
		t.ok(err)
		t.equal("an account of 12 digits", len(*out.Account), 12)
		t.equal("the ARN names the account", strings.HasPrefix(*out.Arn, "arn:aws:") && strings.Contains(*out.Arn, ":"+*out.Account+":"), true)
		t.equal("an id", aws.ToString(out.UserId) != "", true)
	}},
)
