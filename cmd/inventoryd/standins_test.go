package main

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"inventoryd/internal/inventory"
	"inventoryd/internal/sandbox"
	"inventoryd/internal/sandbox/fault"
	"inventoryd/test/standins"
)

// newForeignWorld is a world of stand-ins that nobody here wrote: AWS's DynamoDB Local, and fauxqs for S3, SQS and SNS. fauxqs
// sends no bucket notifications: the test sends the events.
func newForeignWorld(t *testing.T) *world {
	t.Helper()
	endpoints := Endpoints{DynamoDB: standins.DynamoDBLocal(t)}
	endpoints.Streams = endpoints.DynamoDB
	endpoints.S3 = standins.Fauxqs(t)
	endpoints.SQS, endpoints.SNS = endpoints.S3, endpoints.S3
	w := &world{settings: []string{fmt.Sprintf("aws: {endpoints: {s3: %q, sqs: %q, sns: %q, dynamodb: %q, streams: %q}}",
		endpoints.S3, endpoints.SQS, endpoints.SNS, endpoints.DynamoDB, endpoints.Streams)}}
	w.clients = newClients(aws.Config{
		// DynamoDB Local keeps a database for each access key: it must be the daemon's.
		Region: "us-east-1", Credentials: credentials.NewStaticCredentialsProvider("daemon", "secret", ""),
	}, AWS{Endpoints: endpoints})
	w.provision(t)
	return w
}

// provision makes by the services' own operations what sandbox.Provision makes.
func (w *world) provision(t *testing.T) {
	t.Helper()
	ctx := t.Context()
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	_, err := w.S3.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: aws.String(sandbox.Bucket)})
	check(err)
	dlq := w.makeQueue(t, sandbox.DeadLetterQueue, nil)
	w.makeQueue(t, sandbox.EventQueue, map[string]string{"RedrivePolicy": `{"deadLetterTargetArn":"` + dlq + `","maxReceiveCount":"5"}`})
	inbox := w.makeQueue(t, sandbox.Inbox, nil)
	topic, err := w.SNS.CreateTopic(ctx, &sns.CreateTopicInput{Name: aws.String(sandbox.Topic)})
	check(err)
	_, err = w.SNS.Subscribe(ctx, &sns.SubscribeInput{TopicArn: topic.TopicArn, Protocol: aws.String("sqs"), Endpoint: &inbox})
	check(err)
	w.createTable(t, inventory.DefaultTable)
}

// makeQueue makes a queue and returns its ARN.
func (w *world) makeQueue(t *testing.T, name string, attributes map[string]string) (arn string) {
	t.Helper()
	made, err := w.SQS.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: &name, Attributes: attributes})
	if err != nil {
		t.Fatal(err)
	}
	out, err := w.SQS.GetQueueAttributes(t.Context(), &sqs.GetQueueAttributesInput{
		QueueUrl: made.QueueUrl, AttributeNames: []sqstypes.QueueAttributeName{sqstypes.QueueAttributeNameQueueArn},
	})
	if err != nil {
		t.Fatal(err)
	}
	return out.Attributes[string(sqstypes.QueueAttributeNameQueueArn)]
}

// watchReads returns what tells of the daemon's reads that need not see what was just written: the sandbox's see it always,
// DynamoDB's only where they are asked to be consistent.
func (w *world) watchReads() func() map[string]bool {
	var mu sync.Mutex // guards weak
	weak := map[string]bool{}
	if w.aws != nil {
		w.aws.Fault(fault.Rule{Service: "dynamodb", Match: func(c fault.Call) bool {
			reads := slices.Contains([]string{"GetItem", "BatchGetItem", "Query", "Scan"}, c.Operation) &&
				!bytes.Contains(c.Body, []byte(`"IndexName":"look"`)) // only finds keys; an index cannot be read consistently
			if reads && c.Client != "observer" && !bytes.Contains(c.Body, []byte(`"ConsistentRead":true`)) {
				mu.Lock()
				defer mu.Unlock()
				weak[c.Operation+" "+string(c.Body)] = true
			}
			return false
		}})
	}
	return func() map[string]bool {
		mu.Lock()
		defer mu.Unlock()
		return maps.Clone(weak)
	}
}

// The same story on every world: feeds become rows, each zero is told once, feeds uploaded again change nothing, and a
// daemon that is stopped in order and started again tells nothing anew.
func TestEndToEnd(t *testing.T) {
	for name, build := range map[string]func(*testing.T) *world{"sandbox": func(t *testing.T) *world { return newWorld(t) }, "DynamoDB Local and fauxqs": newForeignWorld} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := build(t)
			weak := w.watchReads()
			told := map[string]int{}
			for round := range 2 {
				p := w.start(t)
				eventually(t, p, time.Minute, func() bool { return ready(p) }, func() string { return "the daemon is not ready" })
				w.upload(t)
				w.settles(t, p, told)
				for alert, times := range told {
					if times != 1 {
						t.Errorf("round %d: %q was told %d times", round, alert, times)
					}
				}
				if code := p.terminate(t, 40*time.Second); code != 0 {
					t.Errorf("round %d: exit code %d after SIGTERM\n%s", round, code, p.log)
				}
			}
			w.inbox(t, told)
			if len(told) != 6 {
				t.Errorf("alerts %v", told)
			}
			for read := range weak() {
				t.Errorf("not a consistent read: %s", read)
			}
		})
	}
}
