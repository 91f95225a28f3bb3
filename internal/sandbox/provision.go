package sandbox

// The resources that the demo, the tests and `inventoryd sandbox` start from.

import (
	"context"
	"errors"
	"fmt"
	"net/url"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"inventoryd/internal/sandbox/queues"
	"inventoryd/internal/sandbox/topics"
)

// Names of what Provision makes.
const (
	Bucket          = "inventory"
	EventQueue      = "inventory-events"
	DeadLetterQueue = "inventory-events-dlq"
	Table           = "Inventory"
	Topic           = "NoStock"
	Inbox           = "nostock-inbox"
)

// maxReceives is the redrive policy of the event queue: after so many receives a message goes to its dead-letter queue.
const maxReceives = "5"

// Provision makes what the daemon works on: the bucket, which notifies the queue (with its dead-letter queue), the
// table with its stream, and the topic with a queue subscribed to it. What exists is left as it is.
func (s *Sandbox) Provision(ctx context.Context) error {
	redrive := `{"deadLetterTargetArn":"` + queues.ARN(DeadLetterQueue) + `","maxReceiveCount":"` + maxReceives + `"}`
	for _, q := range []struct {
		name       string
		attributes map[string]string
	}{
		{DeadLetterQueue, map[string]string{"MessageRetentionPeriod": "1209600"}},
		{EventQueue, map[string]string{"RedrivePolicy": redrive}},
		{Inbox, nil},
	} {
		if _, err := s.Queues.Create(q.name, q.attributes); err != nil {
			return err
		}
	}
	if err := s.provisionTopic(ctx); err != nil {
		return err
	}
	if err := s.Objects.CreateBucket(Bucket); err != nil {
		return fmt.Errorf("create bucket %s: %w", Bucket, err)
	}
	if err := s.Objects.NotifyQueue(Bucket, queues.ARN(EventQueue)); err != nil {
		return fmt.Errorf("notify queue %s of bucket %s: %w", EventQueue, Bucket, err)
	}
	return s.provisionTable(ctx)
}

func (s *Sandbox) provisionTopic(ctx context.Context) error {
	if _, err := s.Topics.Call(ctx, topics.Request{Operation: "CreateTopic", Form: url.Values{"Name": {Topic}}}); err != nil {
		return fmt.Errorf("create topic %s: %w", Topic, err)
	}
	subscribe := url.Values{"TopicArn": {topics.ARN(Topic)}, "Protocol": {"sqs"}, "Endpoint": {queues.ARN(Inbox)}}
	if _, err := s.Topics.Call(ctx, topics.Request{Operation: "Subscribe", Form: subscribe}); err != nil {
		return fmt.Errorf("subscribe queue %s to topic %s: %w", Inbox, Topic, err)
	}
	return nil
}

func (s *Sandbox) provisionTable(ctx context.Context) error {
	client := dynamodb.NewFromConfig(s.Config("provision"))
	_, err := client.CreateTable(ctx, &dynamodb.CreateTableInput{
		TableName: aws.String(Table),
		AttributeDefinitions: []types.AttributeDefinition{
			{AttributeName: aws.String("Store"), AttributeType: types.ScalarAttributeTypeS},
			{AttributeName: aws.String("Item"), AttributeType: types.ScalarAttributeTypeS},
		},
		KeySchema: []types.KeySchemaElement{
			{AttributeName: aws.String("Store"), KeyType: types.KeyTypeHash},
			{AttributeName: aws.String("Item"), KeyType: types.KeyTypeRange},
		},
		BillingMode:         types.BillingModePayPerRequest,
		WarmThroughput:      &types.WarmThroughput{WriteUnitsPerSecond: aws.Int64(40_000)}, // as of a table that has been in use
		StreamSpecification: &types.StreamSpecification{StreamEnabled: aws.Bool(true), StreamViewType: types.StreamViewTypeNewAndOldImages},
	})
	var exists *types.ResourceInUseException
	if err != nil && !errors.As(err, &exists) {
		return fmt.Errorf("create table %s: %w", Table, err)
	}
	return nil
}
