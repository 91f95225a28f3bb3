package conformance

// What the cases of DynamoDB share: clients, the table of the daemon's shape, short ways to write values.

import (
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	streamtypes "github.com/aws/aws-sdk-go-v2/service/dynamodbstreams/types"

	"inventoryd/test/terse"
)

// inventory is the table that most cases use: Store and Item, strings.
var inventory = aws.String("Inventory")

type attributes = map[string]types.AttributeValue

func str(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }
func num(s string) types.AttributeValue { return &types.AttributeValueMemberN{Value: s} }
func set(s ...string) types.AttributeValue {
	return &types.AttributeValueMemberSS{Value: s}
}

func list(v ...types.AttributeValue) types.AttributeValue {
	return &types.AttributeValueMemberL{Value: v}
}
func mapped(m attributes) types.AttributeValue { return &types.AttributeValueMemberM{Value: m} }

// key is the primary key of an item of the inventory.
func key(store, item string) attributes { return attributes{"Store": str(store), "Item": str(item)} }

// counted is an item of the inventory.
func counted(store, item string, count int) attributes {
	return attributes{"Store": str(store), "Item": str(item), "Count": num(strconv.Itoa(count))}
}

// with is an item with one more attribute.
func with(item attributes, name string, v types.AttributeValue) attributes {
	out := attributes{name: v}
	for k, v := range item {
		out[k] = v
	}
	return out
}

// db is DynamoDB with the tables of a case.
type db struct {
	*dynamodb.Client
	streams *dynamodbstreams.Client
	t       *T
	env     *Env
}

// bare connects to DynamoDB.
func bare(t *T, e *Env) db {
	quiet := func(o *dynamodb.Options) { o.DisableValidateResponseChecksum = true }
	return db{dynamodb.NewFromConfig(e.Config, quiet), dynamodbstreams.NewFromConfig(e.Config), t, e}
}

// open connects to DynamoDB and makes the inventory's table, with a stream of both images.
func open(t *T, e *Env) db {
	d := bare(t, e)
	d.create(definition("Inventory", "Store", "Item"))
	return d
}

// definition asks for a table with string keys and a stream.
func definition(name string, keys ...string) *dynamodb.CreateTableInput {
	in := &dynamodb.CreateTableInput{
		TableName: &name, BillingMode: types.BillingModePayPerRequest,
		StreamSpecification: &types.StreamSpecification{StreamEnabled: aws.Bool(true), StreamViewType: types.StreamViewTypeNewAndOldImages},
	}
	for i, k := range keys {
		in.AttributeDefinitions = append(in.AttributeDefinitions, types.AttributeDefinition{AttributeName: &k, AttributeType: types.ScalarAttributeTypeS})
		in.KeySchema = append(in.KeySchema, types.KeySchemaElement{AttributeName: &k, KeyType: []types.KeyType{types.KeyTypeHash, types.KeyTypeRange}[i]})
	}
	return in
}

func (d db) create(in *dynamodb.CreateTableInput) {
	_, err := d.CreateTable(d.t.Context(), in)
	d.t.ok(err)
	d.t.eventually("the table's being active", func() bool {
		out, err := d.DescribeTable(d.t.Context(), &dynamodb.DescribeTableInput{TableName: in.TableName})
		return err == nil && out.Table.TableStatus == types.TableStatusActive
	})
}

func (d db) put(items ...attributes) {
	for _, i := range items {
		_, err := d.PutItem(d.t.Context(), &dynamodb.PutItemInput{TableName: inventory, Item: i})
		d.t.ok(err)
	}
}

// item is what is stored at the key; nil for nothing.
func (d db) item(store, item string) attributes {
	out, err := d.GetItem(d.t.Context(), &dynamodb.GetItemInput{TableName: inventory, Key: key(store, item), ConsistentRead: aws.Bool(true)})
	d.t.ok(err)
	return out.Item
}

// stored expects the item at the key to be want; nil: none.
func (d db) stored(store, item string, want attributes) {
	d.t.equal("the item", plain(d.item(store, item)), plain(want))
}

// plain writes attributes so that they compare and print well.
func plain(m attributes) string { return terse.Item(m) }

// arn is the ARN of the inventory's latest stream.
func (d db) arn() *string {
	out, err := d.DescribeTable(d.t.Context(), &dynamodb.DescribeTableInput{TableName: inventory})
	d.t.ok(err)
	return out.Table.LatestStreamArn
}

// shards lists the stream's shards.
func (d db) shards(arn *string) []streamtypes.Shard {
	var all []streamtypes.Shard
	in := &dynamodbstreams.DescribeStreamInput{StreamArn: arn}
	for {
		out, err := d.streams.DescribeStream(d.t.Context(), in)
		d.t.ok(err)
		all = append(all, out.StreamDescription.Shards...)
		if in.ExclusiveStartShardId = out.StreamDescription.LastEvaluatedShardId; in.ExclusiveStartShardId == nil {
			return all
		}
	}
}

// iterator asks for an iterator of a kind that needs no more.
func (d db) iterator(arn, shard *string, kind streamtypes.ShardIteratorType) *string {
	out, err := d.streams.GetShardIterator(d.t.Context(), &dynamodbstreams.GetShardIteratorInput{StreamArn: arn, ShardId: shard, ShardIteratorType: kind})
	d.t.ok(err)
	return out.ShardIterator
}

// drain reads from the iterator until there is nothing more at present; ended tells that the shard is closed.
func (d db) drain(iterator *string) (records []streamtypes.Record, ended bool) {
	for iterator != nil {
		out, err := d.streams.GetRecords(d.t.Context(), &dynamodbstreams.GetRecordsInput{ShardIterator: iterator})
		d.t.ok(err)
		records = append(records, out.Records...)
		iterator = out.NextShardIterator
		if len(out.Records) == 0 && iterator != nil {
			return records, false
		}
	}
	return records, true
}

// all reads all records of all shards, expecting at least n: they may take a moment to appear.
func (d db) all(n int) (records []streamtypes.Record) {
	d.t.eventually("the arrival of the records", func() bool {
		records = nil
		arn := d.arn()
		for _, s := range d.shards(arn) {
			some, _ := d.drain(d.iterator(arn, s.ShardId, streamtypes.ShardIteratorTypeTrimHorizon))
			records = append(records, some...)
		}
		return len(records) >= n
	})
	return records
}

// home is the shard that holds the records of a store, which must have some.
func (d db) home(store string) *string {
	var found *string
	d.t.eventually("a record of "+store, func() bool {
		arn := d.arn()
		for _, s := range d.shards(arn) {
			some, _ := d.drain(d.iterator(arn, s.ShardId, streamtypes.ShardIteratorTypeTrimHorizon))
			for _, r := range some {
				if v, ok := r.Dynamodb.Keys["Store"].(*streamtypes.AttributeValueMemberS); ok && v.Value == store {
					found = s.ShardId
				}
			}
		}
		return found != nil
	})
	return found
}

// advance moves the sandbox's clock.
func (d db) advance(by time.Duration) { d.env.Sandbox.Clock.Advance(by) }
