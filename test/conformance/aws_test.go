package conformance

// What the cases of S3, SQS, SNS and STS share: clients, names of a case's own, and the passing of time.

import (
	"context"
	"io"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"inventoryd/test/standins"
)

// startFauxqs gives each case names of its own, by its access key (own below).
func startFauxqs(t *testing.T) func(*testing.T, int) *Env {
	endpoint := standins.Fauxqs(t)
	return func(_ *testing.T, n int) *Env { return &Env{Config: clientConfig(endpoint, n)} }
}

// own is a name that no other case uses.
func own(t *T, e *Env, name string) string {
	credentials, err := e.Config.Credentials.Retrieve(context.Background())
	t.ok(err)
	base, fifo := strings.CutSuffix(name, ".fifo")
	name = base + "-" + credentials.AccessKeyID
	if fifo {
		name += ".fifo"
	}
	return name
}

// brief, in seconds, is a time-out that cases wait for really on the other stand-ins: long enough that a busy machine does not
// lose it between two calls.
const (
	brief      = 2
	afterBrief = brief*time.Second + 200*time.Millisecond
)

// pass lets time go by: on the sandbox by its clock, elsewhere really.
func pass(e *Env, d time.Duration) {
	if e.Sandbox != nil {
		e.Sandbox.Clock.Advance(d)
		return
	}
	time.Sleep(d)
}

// bucket is S3 with a bucket.
type bucket struct {
	*s3.Client
	t    *T
	env  *Env
	name *string
}

func newBucket(t *T, e *Env) bucket {
	b := bucket{
		s3.NewFromConfig(e.Config, func(o *s3.Options) { o.UsePathStyle = true; o.DisableLogOutputChecksumValidationSkipped = true }),
		t, e, aws.String(own(t, e, "feeds")),
	}
	_, err := b.CreateBucket(context.Background(), &s3.CreateBucketInput{Bucket: b.name})
	t.ok(err)
	return b
}

// versioned is a bucket with versioning.
func versioned(t *T, e *Env) bucket {
	b := newBucket(t, e)
	_, err := b.PutBucketVersioning(context.Background(), &s3.PutBucketVersioningInput{
		Bucket: b.name, VersioningConfiguration: &s3types.VersioningConfiguration{Status: s3types.BucketVersioningStatusEnabled},
	})
	t.ok(err)
	return b
}

func (b bucket) put(key, body string, change ...func(*s3.PutObjectInput)) (*s3.PutObjectOutput, error) {
	in := &s3.PutObjectInput{Bucket: b.name, Key: &key, Body: strings.NewReader(body)}
	for _, c := range change {
		c(in)
	}
	return b.PutObject(context.Background(), in)
}

// stored puts an object and expects that it is taken.
func (b bucket) stored(key, body string, change ...func(*s3.PutObjectInput)) *s3.PutObjectOutput {
	out, err := b.put(key, body, change...)
	b.t.ok(err)
	return out
}

func (b bucket) get(key string, change ...func(*s3.GetObjectInput)) (*s3.GetObjectOutput, error) {
	in := &s3.GetObjectInput{Bucket: b.name, Key: &key}
	for _, c := range change {
		c(in)
	}
	return b.GetObject(context.Background(), in)
}

// reads expects a body.
func (b bucket) reads(key, want string, change ...func(*s3.GetObjectInput)) *s3.GetObjectOutput {
	out, err := b.get(key, change...)
	b.t.ok(err)
	defer func() { _ = out.Body.Close() }()
	body, err := io.ReadAll(out.Body)
	b.t.ok(err)
	b.t.equal("the body", string(body), want)
	return out
}

// queue is SQS with a queue.
type queue struct {
	*sqs.Client
	t    *T
	env  *Env
	name string
	url  *string
}

func newQueue(t *T, e *Env, name string, attributes map[string]string) queue {
	q := queue{sqs.NewFromConfig(e.Config), t, e, own(t, e, name), nil}
	if strings.HasSuffix(name, ".fifo") {
		fifo := map[string]string{"FifoQueue": "true"}
		for k, v := range attributes {
			fifo[k] = v
		}
		attributes = fifo
	}
	out, err := q.CreateQueue(context.Background(), &sqs.CreateQueueInput{QueueName: &q.name, Attributes: attributes})
	t.ok(err)
	q.url = out.QueueUrl
	return q
}

func (q queue) arn() string { return q.attributes("QueueArn")["QueueArn"] }

func (q queue) attributes(names ...sqstypes.QueueAttributeName) map[string]string {
	out, err := q.GetQueueAttributes(context.Background(), &sqs.GetQueueAttributesInput{QueueUrl: q.url, AttributeNames: names})
	q.t.ok(err)
	return out.Attributes
}

func (q queue) send(body string, change ...func(*sqs.SendMessageInput)) (*sqs.SendMessageOutput, error) {
	in := &sqs.SendMessageInput{QueueUrl: q.url, MessageBody: &body}
	for _, c := range change {
		c(in)
	}
	return q.SendMessage(context.Background(), in)
}

// sent sends a message and expects that it is taken.
func (q queue) sent(body string, change ...func(*sqs.SendMessageInput)) *sqs.SendMessageOutput {
	out, err := q.send(body, change...)
	q.t.ok(err)
	return out
}

// receives expects messages with these bodies, in any order in a standard queue.
func (q queue) receives(bodies string, change ...func(*sqs.ReceiveMessageInput)) []sqstypes.Message {
	in := &sqs.ReceiveMessageInput{QueueUrl: q.url, MaxNumberOfMessages: 10, MessageSystemAttributeNames: []sqstypes.MessageSystemAttributeName{"All"}, MessageAttributeNames: []string{"All"}}
	for _, c := range change {
		c(in)
	}
	out, err := q.ReceiveMessage(context.Background(), in)
	q.t.ok(err)
	var got []string
	for _, m := range out.Messages {
		got = append(got, *m.Body)
	}
	want := strings.Fields(bodies)
	if !strings.HasSuffix(q.name, ".fifo") {
		got, want = sorted(got), sorted(want)
	}
	q.t.equal("what was received", strings.Join(got, " "), strings.Join(want, " "))
	return out.Messages
}

func (q queue) remove(m sqstypes.Message) error {
	_, err := q.DeleteMessage(context.Background(), &sqs.DeleteMessageInput{QueueUrl: q.url, ReceiptHandle: m.ReceiptHandle})
	return err
}

func (q queue) hide(m sqstypes.Message, seconds int32) error {
	_, err := q.ChangeMessageVisibility(context.Background(), &sqs.ChangeMessageVisibilityInput{QueueUrl: q.url, ReceiptHandle: m.ReceiptHandle, VisibilityTimeout: seconds})
	return err
}

// seen receives messages and hands them back at once. (The SDK does not send a visibility time-out of 0 with a receive.)
func (q queue) seen(bodies string) []sqstypes.Message {
	messages := q.receives(bodies)
	for _, m := range messages {
		q.t.ok(q.hide(m, 0))
	}
	return messages
}

// group is a message's place in a FIFO queue.
func group(name, id string) func(*sqs.SendMessageInput) {
	return func(in *sqs.SendMessageInput) { in.MessageGroupId, in.MessageDeduplicationId = &name, &id }
}

// topic is SNS with a topic and a queue subscribed to it.
type topic struct {
	*sns.Client
	t            *T
	arn          *string
	inbox        queue
	subscription *string
}

func newTopic(t *T, e *Env, name string, subscription map[string]string) topic {
	p := topic{Client: sns.NewFromConfig(e.Config), t: t}
	attributes := map[string]string{}
	inbox := "inbox"
	if strings.HasSuffix(name, ".fifo") {
		attributes["FifoTopic"] = strconv.FormatBool(true)
		inbox += ".fifo"
	}
	made, err := p.CreateTopic(context.Background(), &sns.CreateTopicInput{Name: aws.String(own(t, e, name)), Attributes: attributes})
	t.ok(err)
	p.arn = made.TopicArn
	p.inbox = newQueue(t, e, inbox, nil)
	subscribed, err := p.Subscribe(context.Background(), &sns.SubscribeInput{
		TopicArn: p.arn, Protocol: aws.String("sqs"), Endpoint: aws.String(p.inbox.arn()), Attributes: subscription, ReturnSubscriptionArn: true,
	})
	t.ok(err)
	p.subscription = subscribed.SubscriptionArn
	return p
}

// raw are a subscription's attributes for delivery without SNS's envelope.
var raw = map[string]string{"RawMessageDelivery": "true"}

func (p topic) publish(in sns.PublishInput) (*sns.PublishOutput, error) {
	in.TopicArn = p.arn
	return p.Publish(context.Background(), &in)
}
