package stream_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os/signal"
	"syscall"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"

	"inventoryd/internal/sandbox"
	"inventoryd/stream"
)

// A program that prints a table's changes until it is told to stop.
func Example() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	cfg, err := awsconfig.LoadDefaultConfig(ctx)
	if err != nil {
		log.Fatal(err)
	}
	config := stream.DefaultConfig()
	config.App, config.LeaseTable = "printer", "printer-leases"
	reader, err := stream.New(dynamodbstreams.NewFromConfig(cfg), dynamodb.NewFromConfig(cfg), "Orders",
		func(_ context.Context, batch []stream.Record) error {
			for _, r := range batch {
				fmt.Println(r.Kind, r.Keys.JSON())
			}
			return nil
		}, config)
	if err != nil {
		log.Fatal(err)
	}
	if err := reader.Run(ctx); err != nil {
		log.Fatal(err)
	}
}

// A reader against a stand-in of DynamoDB, from one write to the handler's call.
func ExampleReader_Run() {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	cfg := standIn(ctx)
	tables := dynamodb.NewFromConfig(cfg)

	config := stream.DefaultConfig()
	config.App = "example"
	reader, err := stream.New(dynamodbstreams.NewFromConfig(cfg), tables, "Orders", func(_ context.Context, batch []stream.Record) error {
		for _, r := range batch {
			v, _ := r.New.Lookup("ID")
			id, _ := v.S()
			fmt.Println(r.Kind, id)
		}
		cancel() // enough seen
		return nil
	}, config)
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = tables.PutItem(ctx, &dynamodb.PutItemInput{TableName: aws.String("Orders"), Item: map[string]types.AttributeValue{
		"ID": &types.AttributeValueMemberS{Value: "order-7"},
	}})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(reader.Run(ctx))
	// Output:
	// INSERT order-7
	// <nil>
}

// standIn is a configuration of clients for a stand-in of DynamoDB with one table.
func standIn(ctx context.Context) aws.Config {
	cfg := sandbox.New().Config("example")
	_, err := dynamodb.NewFromConfig(cfg).CreateTable(ctx, &dynamodb.CreateTableInput{
		TableName: aws.String("Orders"), BillingMode: types.BillingModePayPerRequest,
		AttributeDefinitions: []types.AttributeDefinition{{AttributeName: aws.String("ID"), AttributeType: types.ScalarAttributeTypeS}},
		KeySchema:            []types.KeySchemaElement{{AttributeName: aws.String("ID"), KeyType: types.KeyTypeHash}},
		StreamSpecification:  &types.StreamSpecification{StreamEnabled: aws.Bool(true), StreamViewType: types.StreamViewTypeNewAndOldImages},
	})
	if err != nil {
		panic(err)
	}
	return cfg
}

// A handler says which record failed, and whether trying again is of any use.
func ExampleFailedAt() {
	errClosed := errors.New("the shop is closed")
	var handler stream.Handler = func(_ context.Context, batch []stream.Record) error {
		for i, r := range batch {
			if !r.New.Exists() {
				return stream.FailedAt(i, stream.Permanent(errors.New("there is nothing to deliver")))
			}
			if v, _ := r.New.Lookup("Closed"); v.Type() == "BOOL" {
				return stream.FailedAt(i, errClosed) // delivered again until it opens
			}
		}
		return nil
	}
	fmt.Println(handler(context.Background(), []stream.Record{
		{New: stream.ParseImage(`{"ID":{"S":"1"}}`)},
		{New: stream.ParseImage(`{"ID":{"S":"2"},"Closed":{"BOOL":true}}`)},
	}))
	fmt.Println(handler(context.Background(), []stream.Record{{Kind: stream.Remove}}))
	// Output:
	// record 1 of the batch: the shop is closed
	// record 0 of the batch: there is nothing to deliver
}

// An image is read attribute by attribute, or as a whole in the SDK's types.
func ExampleImage_Lookup() {
	image := stream.ParseImage(`{"ID":{"S":"order-7"},"Total":{"N":"12.50"},"Paid":{"BOOL":true}}`)
	total, ok := image.Lookup("Total")
	n, _ := total.N()
	fmt.Println(total.Type(), n, ok)
	item, err := image.AttributeValues()
	fmt.Println(len(item), err)
	// Output:
	// N 12.50 true
	// 3 <nil>
}

// A program that reads the dead-letter queue gets the record back, and why it is there.
func ExampleParseLetter() {
	letter, err := stream.ParseLetter(`{"version":1,"table":"Orders","stream":"2026-11-22T06:00:00.000","shard":"shardId-1",` +
		`"sequence":"300000000000000499659","event_id":"e1","kind":"INSERT","created":"2026-11-22T06:30:00Z",` +
		`"error":"the order has no address","keys":{"ID":{"S":"order-7"}},"new":{"ID":{"S":"order-7"}}}`)
	if err != nil {
		fmt.Println(err)
		return
	}
	record := letter.Record()
	fmt.Println(record.Kind, record.New.JSON(), letter.Error)
	// Output:
	// INSERT {"ID":{"S":"order-7"}} the order has no address
}
