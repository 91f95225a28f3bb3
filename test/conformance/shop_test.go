package conformance

// A good call of each operation that the daemon makes, and what errors and broken connections come to in each.

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	dynamotypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"

	"inventoryd/internal/sandbox/fault"
)

// shop is a sandbox in which each operation has something to work on.
type shop struct {
	t     *T
	env   *Env
	db    db
	queue queue
	topic topic
	feeds bucket
	names *int // numbers what may be made once only
}

func newShop(t *T, e *Env) shop {
	w := shop{t, e, open(t, e), newQueue(t, e, "q", nil), newTopic(t, e, "alerts", nil), newBucket(t, e), new(int)}
	w.db.put(counted("a", "b", 1))
	w.feeds.stored("feed.csv", "store,item,count\n")
	return w
}

func (w shop) another() string {
	*w.names++
	return fmt.Sprint("another-", *w.names)
}

func (w shop) putMetrics() error { return putMetrics(w.t, w.env, []types.MetricDatum{datum()}) }

func (w shop) batchGet() error {
	_, err := w.db.BatchGetItem(w.t.Context(), &dynamodb.BatchGetItemInput{RequestItems: map[string]dynamotypes.KeysAndAttributes{*inventory: {Keys: keys(2)}}})
	return err
}

func (w shop) batchWrite() error { _, err := w.db.batch(puts(2)...); return err }

func (w shop) createTable() error {
	_, err := w.db.CreateTable(w.t.Context(), definition(w.another(), "pk"))
	return err
}

func (w shop) deleteItem() error {
	_, err := w.db.DeleteItem(w.t.Context(), &dynamodb.DeleteItemInput{TableName: inventory, Key: key("a", "b")})
	return err
}

func (w shop) describeTable() error {
	_, err := w.db.DescribeTable(w.t.Context(), &dynamodb.DescribeTableInput{TableName: inventory})
	return err
}

func (w shop) getItem() error {
	_, err := w.db.GetItem(w.t.Context(), &dynamodb.GetItemInput{TableName: inventory, Key: key("a", "b")})
	return err
}

func (w shop) putItem() error {
	_, err := w.db.PutItem(w.t.Context(), &dynamodb.PutItemInput{TableName: inventory, Item: counted("a", "b", 2)})
	return err
}

func (w shop) query() error {
	_, err := w.db.Query(w.t.Context(), &dynamodb.QueryInput{
		TableName: inventory, KeyConditionExpression: aws.String("#s = :a"), ExpressionAttributeNames: map[string]string{"#s": "Store"}, ExpressionAttributeValues: attributes{":a": str("a")},
	})
	return err
}

func (w shop) scan() error {
	_, err := w.db.Scan(w.t.Context(), &dynamodb.ScanInput{TableName: inventory})
	return err
}

func (w shop) updateItem() error {
	_, err := w.db.UpdateItem(w.t.Context(), &dynamodb.UpdateItemInput{
		TableName: inventory, Key: key("a", "b"), UpdateExpression: aws.String("ADD #c :one"), ExpressionAttributeNames: map[string]string{"#c": "Count"}, ExpressionAttributeValues: attributes{":one": num("1")},
	})
	return err
}

// updateTimeToLive takes a table for each call: it is switched on once.
func (w shop) updateTimeToLive() error {
	in := definition(w.another(), "pk")
	w.db.create(in)
	_, err := w.db.UpdateTimeToLive(w.t.Context(), &dynamodb.UpdateTimeToLiveInput{
		TableName: in.TableName, TimeToLiveSpecification: &dynamotypes.TimeToLiveSpecification{AttributeName: aws.String("expires"), Enabled: aws.Bool(true)},
	})
	return err
}

func (w shop) describeStream() error {
	_, err := w.db.streams.DescribeStream(w.t.Context(), &dynamodbstreams.DescribeStreamInput{StreamArn: w.db.arn()})
	return err
}

func (w shop) listStreams() error {
	_, err := w.db.streams.ListStreams(w.t.Context(), &dynamodbstreams.ListStreamsInput{TableName: inventory})
	return err
}

// shard is the first of the stream; it asks the sandbox, so that a fault of DescribeStream does not matter.
func (w shop) shard() *string {
	list, err := w.env.Sandbox.Tables.Shards(*inventory)
	w.t.ok(err)
	return &list[0].ID
}

func (w shop) shardIterator() error {
	_, err := w.db.streams.GetShardIterator(w.t.Context(), &dynamodbstreams.GetShardIteratorInput{StreamArn: w.db.arn(), ShardId: w.shard(), ShardIteratorType: horizon})
	return err
}

func (w shop) records() error {
	_, err := w.db.read(w.db.iterator(w.db.arn(), w.shard(), horizon), 0)
	return err
}

func (w shop) getObject() error {
	out, err := w.feeds.get("feed.csv")
	if err != nil {
		return err
	}
	defer func() { _ = out.Body.Close() }()
	_, err = io.Copy(io.Discard, out.Body)
	return err
}

func (w shop) listObjects() error {
	_, err := w.feeds.ListObjectsV2(w.t.Context(), &s3.ListObjectsV2Input{Bucket: w.feeds.name})
	return err
}

func (w shop) putObject() error { _, err := w.feeds.put("rejects.ndjson", "{}"); return err }

func (w shop) topicAttributes() error {
	_, err := w.topic.GetTopicAttributes(w.t.Context(), &sns.GetTopicAttributesInput{TopicArn: w.topic.arn})
	return err
}

func (w shop) listTopics() error {
	_, err := w.topic.ListTopics(w.t.Context(), &sns.ListTopicsInput{})
	return err
}

func (w shop) publish() error {
	_, err := w.topic.publish(sns.PublishInput{Message: aws.String("x")})
	return err
}

func (w shop) describeTimeToLive() error {
	_, err := w.db.DescribeTimeToLive(w.t.Context(), &dynamodb.DescribeTimeToLiveInput{TableName: inventory})
	return err
}

func (w shop) deleteObject() error {
	_, err := w.feeds.DeleteObject(w.t.Context(), &s3.DeleteObjectInput{Bucket: w.feeds.name, Key: aws.String("gone.csv")})
	return err
}

func (w shop) bucketNotification() error {
	_, err := w.feeds.GetBucketNotificationConfiguration(w.t.Context(), &s3.GetBucketNotificationConfigurationInput{Bucket: w.feeds.name})
	return err
}

func (w shop) listBuckets() error {
	_, err := w.feeds.ListBuckets(w.t.Context(), &s3.ListBucketsInput{})
	return err
}

func (w shop) listSubscriptions() error {
	_, err := w.topic.ListSubscriptionsByTopic(w.t.Context(), &sns.ListSubscriptionsByTopicInput{TopicArn: w.topic.arn})
	return err
}

func (w shop) transact() error {
	return w.db.transact(adding1("a", "b"), checking("a", "nothing", notThere))
}

func (w shop) updateTable() error {
	_, err := w.db.UpdateTable(w.t.Context(), adding(look(w.another(), "KEYS_ONLY", "due", "next")))
	return err
}

// held is a message in hand.
func (w shop) held() sqstypes.Message {
	body := w.another()
	w.queue.sent(body)
	return w.queue.receives(body)[0]
}

func (w shop) hideOne() error { return w.queue.hide(w.held(), 60) }

func (w shop) hideBatch() error { _, err := w.queue.hideBatch(w.held(), 60, "a"); return err }

func (w shop) deleteBatch() error { _, err := w.queue.deleteBatch(w.held(), "a"); return err }

func (w shop) deleteMessage() error { return w.queue.remove(w.held()) }

func (w shop) queueAttributes() error {
	_, err := w.queue.GetQueueAttributes(w.t.Context(), &sqs.GetQueueAttributesInput{QueueUrl: w.queue.url, AttributeNames: []sqstypes.QueueAttributeName{"All"}})
	return err
}

func (w shop) queueURL() error {
	_, err := w.queue.GetQueueUrl(w.t.Context(), &sqs.GetQueueUrlInput{QueueName: &w.queue.name})
	return err
}

func (w shop) receive() error {
	_, err := w.queue.ReceiveMessage(w.t.Context(), receiveUpToTen(w.queue.url))
	return err
}

func (w shop) send() error { _, err := w.queue.send("x"); return err }

// split is the service and the name of the operation.
func (r reliance) split() (service, operation string) {
	service, operation, _ = strings.Cut(r.operation, "/")
	return service, operation
}

// byScript expects a good call to succeed, and to fail as each script says: by an error that the client knows by code and
// status.
func (r reliance) byScript(t *T, e *Env) {
	service, operation := r.split()
	w := newShop(t, e)
	t.ok(r.call(w))
	for _, want := range scripted[service] {
		want.Message = "as scripted"
		remove := e.Sandbox.Fault(fault.Rule{Service: service, Operation: operation, Effect: fault.Effect{Error: &want}})
		err := r.call(w)
		remove()
		t.refused(err, want.Code, want.Message)
		t.equal("the status of "+want.Code, status(err), want.Status)
	}
	t.ok(r.call(w))
}

// byConnection expects connections that break, before the call has its effect or behind it, to be no errors of the service.
func (r reliance) byConnection(t *T, e *Env) {
	service, operation := r.split()
	w := newShop(t, e)
	for name, effect := range map[string]fault.Effect{"reset": {Reset: true}, "drop": {Drop: true}, "half": {Half: true}} {
		if name == "half" && bodiless[r.operation] {
			continue
		}
		remove := e.Sandbox.Fault(fault.Rule{Service: service, Operation: operation, Effect: effect})
		err := r.call(w)
		remove()
		var answer smithy.APIError
		if err == nil || errors.As(err, &answer) {
			t.Fatalf("%s: %v", name, err)
		}
	}
	t.ok(r.call(w))
}

// bodiless are the operations whose answers have no body that could be cut, or none that the client reads.
var bodiless = map[string]bool{"s3/PutObject": true, "s3/DeleteObject": true, "sqs/DeleteMessage": true, "sqs/ChangeMessageVisibility": true}

var _ = func() bool {
	for _, r := range reliances {
		service, operation := r.split()
		add(service,
			Case{Name: operation + " fails as the service words it, by script", Doc: "Common errors", Sandbox: true, Run: r.byScript},
			Case{Name: operation + " fails by its connection, by script", Doc: "Common errors", Sandbox: true, Run: r.byConnection},
		)
	}
	return true
}()
