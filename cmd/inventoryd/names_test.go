package main

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"inventoryd/internal/inventory"
	"inventoryd/internal/sandbox"
	"inventoryd/internal/sandbox/objects"
	"inventoryd/internal/state"
)

// Nothing of the daemon goes by a default name where the configuration has another.
func TestTheDaemonGoesByTheConfiguredNames(t *testing.T) {
	var f *world
	stock := inventory.Table{Name: "Stock", Store: "Filiale", Item: "Artikel", Count: "Anzahl"}
	names := func(c *Config) {
		c.App, c.StateTable, c.Table = "shop", "shop-state", stock
		c.Loader.Queue, c.Stream.LeaseTable, c.Notifier.Topic = "feeds", "shop-leases", "Leer"
		c.Metrics.CloudWatch.Namespace = "Shops"
	}
	prepare := func(t *testing.T, w *world) {
		f = w
		w.createTable(t, stock)
		w.makeQueue(t, "feeds", nil)
		inbox := w.makeQueue(t, "leer-inbox", nil)
		topic, err := w.SNS.CreateTopic(t.Context(), &sns.CreateTopicInput{Name: aws.String("Leer")})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.SNS.Subscribe(t.Context(), &sns.SubscribeInput{TopicArn: topic.TopicArn, Protocol: aws.String("sqs"), Endpoint: &inbox}); err != nil {
			t.Fatal(err)
		}
	}
	inPreparedBubble(t, prepare, names, func(t *testing.T, w *world) {
		w.putObject(t, "a.csv", "store,item,count\nBern,Lampe,0\n")
		event := objects.Event{Name: "ObjectCreated:Put", Bucket: sandbox.Bucket, Key: "a.csv", Time: time.Now()}
		_, err := w.SQS.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: w.queueURL(t, "feeds"), MessageBody: aws.String(string(event.Direct()))})
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Minute)
		row := w.partition(t, "Stock", "Filiale", "Bern")
		if len(row) != 1 || len(row[0]) != 3 || row[0]["Anzahl"].(*types.AttributeValueMemberN).Value != "0" {
			t.Errorf("the table has %v", row)
		}
		if n := w.waiting(t, "leer-inbox"); n != "1+0" {
			t.Errorf("%s alerts", n)
		}
		if len(w.partition(t, "shop-state", "pk", "shop")) != 1 || len(w.partition(t, "shop-state", "pk", state.ItemKey("shop", "Bern", "Lampe").PK)) != 1 {
			t.Error("the state table has no rows of this app")
		}
		if len(w.partition(t, "shop-leases", "pk", "Stock#shards")) == 0 {
			t.Error("the lease table has no rows of this table")
		}
		tables, err := w.Tables.ListTables(t.Context(), &dynamodb.ListTablesInput{})
		if err != nil || slices.ContainsFunc(tables.TableNames, func(name string) bool { return strings.HasPrefix(name, "inventoryd") }) {
			t.Errorf("%v: %v", tables.TableNames, err)
		}
	})
	for _, series := range f.aws.Metrics.Series() {
		if !strings.HasPrefix(series, "Shops ") || !strings.HasSuffix(series, " Service=shop") {
			t.Error(series)
		}
	}
}

// createTable makes a table for an inventory, with its stream.
func (w *world) createTable(t *testing.T, table inventory.Table) {
	t.Helper()
	_, err := w.Tables.CreateTable(t.Context(), &dynamodb.CreateTableInput{
		TableName: &table.Name, BillingMode: types.BillingModePayPerRequest,
		AttributeDefinitions: []types.AttributeDefinition{
			{AttributeName: &table.Store, AttributeType: types.ScalarAttributeTypeS},
			{AttributeName: &table.Item, AttributeType: types.ScalarAttributeTypeS},
		},
		KeySchema: []types.KeySchemaElement{
			{AttributeName: &table.Store, KeyType: types.KeyTypeHash},
			{AttributeName: &table.Item, KeyType: types.KeyTypeRange},
		},
		StreamSpecification: &types.StreamSpecification{StreamEnabled: aws.Bool(true), StreamViewType: types.StreamViewTypeNewAndOldImages},
	})
	if err != nil {
		t.Fatal(err)
	}
}

// partition reads all rows of a partition.
func (w *world) partition(t *testing.T, table, key, value string) []map[string]types.AttributeValue {
	t.Helper()
	out, err := w.Tables.Query(t.Context(), &dynamodb.QueryInput{
		TableName: &table, ConsistentRead: aws.Bool(true),
		KeyConditionExpression: aws.String(key + " = :v"), ExpressionAttributeValues: map[string]types.AttributeValue{":v": &types.AttributeValueMemberS{Value: value}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return out.Items
}

func TestEachServiceHasItsEndpoint(t *testing.T) {
	of := func(c clients) map[string]string {
		return map[string]string{
			"s3": aws.ToString(c.S3.Options().BaseEndpoint), "sqs": aws.ToString(c.SQS.Options().BaseEndpoint), "sns": aws.ToString(c.SNS.Options().BaseEndpoint),
			"dynamodb": aws.ToString(c.Tables.Options().BaseEndpoint), "streams": aws.ToString(c.Streams.Options().BaseEndpoint),
			"cloudwatch": aws.ToString(c.CloudWatch.Options().BaseEndpoint),
		}
	}
	each := Endpoints{S3: "http://s3", SQS: "http://sqs", SNS: "http://sns", DynamoDB: "http://dynamodb", Streams: "http://streams", CloudWatch: "http://cloudwatch"}
	for service, endpoint := range of(newClients(aws.Config{}, AWS{Endpoint: "http://all", Endpoints: each})) {
		if endpoint != "http://"+service {
			t.Errorf("%s is at %s", service, endpoint)
		}
	}
	for service, endpoint := range of(newClients(aws.Config{}, AWS{Endpoint: "http://all"})) {
		if endpoint != "http://all" {
			t.Errorf("%s is at %s", service, endpoint)
		}
	}
}
