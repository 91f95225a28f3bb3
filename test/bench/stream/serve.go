package main

// The server: a sandbox with one table, and the clients that call it.

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"

	"inventoryd/internal/sandbox"
	"inventoryd/stream"
)

const table = "Bench"

// serve prints its address and serves until it is killed: a table whose stream has so many shards and so many records,
// each with both images.
func serve(args []string) error {
	shards, err := strconv.Atoi(args[0])
	if err != nil {
		return err
	}
	records, err := strconv.Atoi(args[1])
	if err != nil {
		return err
	}
	s := sandbox.New()
	if err := prepare(s, shards, records); err != nil {
		return err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println("http://" + l.Addr().String())
	return s.Serve(context.Background(), l)
}

func prepare(s *sandbox.Sandbox, shards, records int) error {
	ctx := context.Background()
	db := dynamodb.NewFromConfig(s.Config("prepare"))
	_, err := db.CreateTable(ctx, &dynamodb.CreateTableInput{
		TableName: aws.String(table), BillingMode: types.BillingModePayPerRequest,
		AttributeDefinitions: []types.AttributeDefinition{
			{AttributeName: aws.String("Store"), AttributeType: types.ScalarAttributeTypeS},
			{AttributeName: aws.String("Item"), AttributeType: types.ScalarAttributeTypeS},
		},
		KeySchema: []types.KeySchemaElement{
			{AttributeName: aws.String("Store"), KeyType: types.KeyTypeHash},
			{AttributeName: aws.String("Item"), KeyType: types.KeyTypeRange},
		},
	})
	if err != nil {
		return err
	}
	if err := fill(ctx, db, records, 1); err != nil { // before there is a stream
		return err
	}
	s.Tables.SetShards(shards)
	s.Tables.SetRollover(0)
	if _, err := s.Tables.EnableStream(table, "NEW_AND_OLD_IMAGES"); err != nil {
		return err
	}
	return fill(ctx, db, records, 2)
}

// fill puts n items, all with this count.
func fill(ctx context.Context, db *dynamodb.Client, n, count int) error {
	for from := 0; from < n; from += 25 {
		var requests []types.WriteRequest
		for i := from; i < min(from+25, n); i++ {
			requests = append(requests, types.WriteRequest{PutRequest: &types.PutRequest{Item: item(i, count)}})
		}
		if _, err := db.BatchWriteItem(ctx, &dynamodb.BatchWriteItemInput{RequestItems: map[string][]types.WriteRequest{table: requests}}); err != nil {
			return err
		}
	}
	return nil
}

func item(i, count int) map[string]types.AttributeValue {
	return map[string]types.AttributeValue{
		"Store": &types.AttributeValueMemberS{Value: fmt.Sprint("Store number ", i%997)},
		"Item":  &types.AttributeValueMemberS{Value: fmt.Sprint("Item number ", i)},
		"Count": &types.AttributeValueMemberN{Value: strconv.Itoa(count)},
	}
}

// clients are what a reader is made of.
type clients struct {
	streams *dynamodbstreams.Client
	tables  *dynamodb.Client
}

// plain hides the WriterTo of the SDK's request bodies, over which net/http breaks its connection when the answer is
// faster than the request's end.
type plain struct{ http.RoundTripper }

func (p plain) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		r = r.Clone(r.Context())
		r.Body = struct{ io.ReadCloser }{r.Body}
	}
	return p.RoundTripper.RoundTrip(r)
}

func connect(address string) clients {
	cfg := aws.Config{
		Region: sandbox.Region, BaseEndpoint: &address, Credentials: credentials.NewStaticCredentialsProvider("bench", "secret", ""),
		HTTPClient: &http.Client{Transport: plain{&http.Transport{MaxIdleConnsPerHost: 256, IdleConnTimeout: time.Minute}}},
		Retryer:    func() aws.Retryer { return aws.NopRetryer{} },
	}
	return clients{dynamodbstreams.NewFromConfig(cfg), dynamodb.NewFromConfig(cfg, func(o *dynamodb.Options) { o.DisableValidateResponseChecksum = true })}
}

// run starts a reader with a lease table of its own; stop ends it.
func (c clients) run(handler stream.Handler, change func(*stream.Config)) (r *stream.Reader, stop func() error, err error) {
	config := stream.DefaultConfig()
	config.App = "bench"
	config.LeaseTable = fmt.Sprint("leases-", time.Now().UnixNano())
	change(&config)
	if r, err = stream.New(c.streams, c.tables, table, handler, config); err != nil {
		return nil, nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }() // stop waits for it
	return r, func() error { cancel(); return <-done }, nil
}
