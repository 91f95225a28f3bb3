package conformance

// Cases of S3's event notifications.

import (
	"context"
	"encoding/json"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// event is what a notification says of an object.
type event struct {
	EventVersion, EventSource, EventName, EventTime string
	S3                                              struct {
		Bucket struct{ Name, ARN string }
		Object struct {
			Key, ETag, VersionID, Sequencer string
			Size                            int64
		}
	}
}

// notify has a bucket tell a queue of some events, and takes the test event out of it.
func (b bucket) notify(q queue, names []s3types.Event, rules ...s3types.FilterRule) error {
	configuration := s3types.QueueConfiguration{QueueArn: aws.String(q.arn()), Events: names}
	if rules != nil {
		configuration.Filter = &s3types.NotificationConfigurationFilter{Key: &s3types.S3KeyFilter{FilterRules: rules}}
	}
	_, err := b.PutBucketNotificationConfiguration(context.Background(), &s3.PutBucketNotificationConfigurationInput{
		Bucket: b.name, NotificationConfiguration: &s3types.NotificationConfiguration{QueueConfigurations: []s3types.QueueConfiguration{configuration}},
	})
	if err == nil {
		q.notifications()
	}
	return err
}

// notifications takes all messages out of a queue, in the order in which they came.
func (q queue) notifications() []event {
	var all []event
	for {
		messages := q.some()
		if len(messages) == 0 {
			return all
		}
		for _, m := range messages {
			var n struct{ Records []event }
			q.t.ok(json.Unmarshal([]byte(*m.Body), &n))
			all = append(all, n.Records...)
			q.t.ok(q.remove(m))
		}
	}
}

func (q queue) some() []sqstypes.Message {
	out, err := q.ReceiveMessage(context.Background(), receiveUpToTen(q.url))
	q.t.ok(err)
	return out.Messages
}

var allCreated = []s3types.Event{"s3:ObjectCreated:*"}

var _ = add("s3",
	Case{Name: "a notification that is configured sends a test event", Doc: "Enabling and configuring event notifications using the Amazon S3 console", Run: func(t *T, e *Env) {
		b, q := newBucket(t, e), newQueue(t, e, "events", nil)
		_, err := b.PutBucketNotificationConfiguration(context.Background(), &s3.PutBucketNotificationConfigurationInput{
			Bucket: b.name, NotificationConfiguration: &s3types.NotificationConfiguration{
				QueueConfigurations: []s3types.QueueConfiguration{{QueueArn: aws.String(q.arn()), Events: allCreated}},
			},
		})
		t.ok(err)
		messages := q.some()
		t.equal("how many messages", len(messages), 1)
		var test struct{ Service, Event, Bucket string }
		t.ok(json.Unmarshal([]byte(*messages[0].Body), &test))
		t.equal("the event", test.Event, "s3:TestEvent")
		t.equal("the bucket", test.Bucket, *b.name)
	}},
	Case{Name: "an object that is put is told of, its key form-encoded", Doc: "Event message structure", Run: func(t *T, e *Env) {
		b, q := newBucket(t, e), newQueue(t, e, "events", nil)
		t.ok(b.notify(q, allCreated))
		put := b.stored("Zürich/a b+c=1.csv", "12345")
		got := q.notifications()
		t.equal("how many events", len(got), 1)
		t.equal("the version", strings.HasPrefix(got[0].EventVersion, "2."), true)
		t.equal("the source", got[0].EventSource, "aws:s3")
		t.equal("the name", got[0].EventName, "ObjectCreated:Put")
		t.equal("the bucket", got[0].S3.Bucket.Name, *b.name)
		t.equal("the key", got[0].S3.Object.Key, "Z%C3%BCrich/a+b%2Bc%3D1.csv")
		t.equal("the size", got[0].S3.Object.Size, int64(5))
		t.equal("the ETag, without quotes", got[0].S3.Object.ETag, strings.Trim(*put.ETag, `"`))
		t.equal("the version", got[0].S3.Object.VersionID, "")
	}},
	Case{Name: "an event in a bucket with versioning names the version", Doc: "Event message structure", Run: func(t *T, e *Env) {
		b, q := versioned(t, e), newQueue(t, e, "events", nil)
		t.ok(b.notify(q, allCreated))
		put := b.stored("k", "x")
		got := q.notifications()
		t.equal("how many events", len(got), 1)
		t.equal("the version", got[0].S3.Object.VersionID, *put.VersionId)
	}},
	Case{Name: "the sequencer grows along a key's history", Doc: "Event message structure", Run: func(t *T, e *Env) {
		b, q := newBucket(t, e), newQueue(t, e, "events", nil)
		t.ok(b.notify(q, []s3types.Event{"s3:ObjectCreated:*", "s3:ObjectRemoved:*"}))
		b.stored("k", "1")
		b.stored("k", "2")
		b.removeVersion("k", nil)
		got := q.notifications()
		t.equal("how many events", len(got), 3)
		t.equal("the third", got[2].EventName, "ObjectRemoved:Delete")
		for i := 1; i < len(got); i++ {
			before, after := got[i-1].S3.Object.Sequencer, got[i].S3.Object.Sequencer
			t.equal("growing: "+before+" < "+after, before < after, true)
		}
	}},
	Case{Name: "copies and multipart uploads have names of their own", Doc: "Supported event types for SQS, SNS, and Lambda", Run: func(t *T, e *Env) {
		b, q := newBucket(t, e), newQueue(t, e, "events", nil)
		b.stored("source", "x")
		t.ok(b.notify(q, allCreated))
		_, err := b.CopyObject(context.Background(), &s3.CopyObjectInput{Bucket: b.name, Key: aws.String("copy"), CopySource: aws.String(*b.name + "/source")})
		t.ok(err)
		u := b.upload()
		u.part(1, "x")
		_, err = u.complete()
		t.ok(err)
		var names []string
		for _, n := range q.notifications() {
			names = append(names, n.EventName)
		}
		t.equal("the names", names, []string{"ObjectCreated:Copy", "ObjectCreated:CompleteMultipartUpload"})
	}},
	Case{Name: "events are filtered by prefix and suffix", Doc: "Configuring event notifications using object key name filtering", Run: func(t *T, e *Env) {
		b, q := newBucket(t, e), newQueue(t, e, "events", nil)
		t.ok(b.notify(q, allCreated, s3types.FilterRule{Name: "prefix", Value: aws.String("in/")}, s3types.FilterRule{Name: "suffix", Value: aws.String(".csv")}))
		for _, key := range []string{"in/a.csv", "in/a.txt", "out/a.csv"} {
			b.stored(key, "x")
		}
		got := q.notifications()
		t.equal("how many events", len(got), 1)
		t.equal("the key", got[0].S3.Object.Key, "in/a.csv")
	}},
	Case{Name: "a queue that is not there cannot be notified", Doc: "PutBucketNotificationConfiguration", Run: func(t *T, e *Env) {
		b, q := newBucket(t, e), newQueue(t, e, "events", nil)
		arn := q.arn() + "-nowhere"
		_, err := b.PutBucketNotificationConfiguration(context.Background(), &s3.PutBucketNotificationConfigurationInput{
			Bucket: b.name, NotificationConfiguration: &s3types.NotificationConfiguration{
				QueueConfigurations: []s3types.QueueConfiguration{{QueueArn: &arn, Events: allCreated}},
			},
		})
		t.refused(err, "InvalidArgument", "Unable to validate the following destination configurations")
	}},
	Case{Name: "the notification configuration is returned", Doc: "GetBucketNotificationConfiguration", Run: func(t *T, e *Env) {
		b, q := newBucket(t, e), newQueue(t, e, "events", nil)
		t.ok(b.notify(q, allCreated, s3types.FilterRule{Name: "prefix", Value: aws.String("in/")}))
		out, err := b.GetBucketNotificationConfiguration(context.Background(), &s3.GetBucketNotificationConfigurationInput{Bucket: b.name})
		t.ok(err)
		t.equal("how many queues", len(out.QueueConfigurations), 1)
		t.equal("the queue", *out.QueueConfigurations[0].QueueArn, q.arn())
		t.equal("the prefix", *out.QueueConfigurations[0].Filter.Key.FilterRules[0].Value, "in/")
	}},
)
