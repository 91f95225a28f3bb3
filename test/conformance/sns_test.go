package conformance

// Cases of SNS: what is published. sns_topics_test.go has topics, subscriptions, filter policies and FIFO.

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	snstypes "github.com/aws/aws-sdk-go-v2/service/sns/types"

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
)
