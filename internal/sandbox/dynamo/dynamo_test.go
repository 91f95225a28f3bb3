package dynamo_test

import (
	"context"
	"maps"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	streamtypes "github.com/aws/aws-sdk-go-v2/service/dynamodbstreams/types"

	"inventoryd/internal/sandbox"
)

// env is a sandbox with the table "Tab" (pk, sk strings; stream of both images) and clients of it.
type env struct {
	*sandbox.Sandbox
	db      *dynamodb.Client
	streams *dynamodbstreams.Client
}

func newEnv(t *testing.T) env {
	t.Helper()
	s := sandbox.New()
	e := env{s, dynamodb.NewFromConfig(s.Config("test")), dynamodbstreams.NewFromConfig(s.Config("test"))}
	_, err := e.db.CreateTable(t.Context(), &dynamodb.CreateTableInput{
		TableName: aws.String("Tab"), BillingMode: types.BillingModePayPerRequest,
		AttributeDefinitions: []types.AttributeDefinition{
			{AttributeName: aws.String("pk"), AttributeType: types.ScalarAttributeTypeS},
			{AttributeName: aws.String("sk"), AttributeType: types.ScalarAttributeTypeS},
		},
		KeySchema: []types.KeySchemaElement{
			{AttributeName: aws.String("pk"), KeyType: types.KeyTypeHash},
			{AttributeName: aws.String("sk"), KeyType: types.KeyTypeRange},
		},
		StreamSpecification: &types.StreamSpecification{StreamEnabled: aws.Bool(true), StreamViewType: types.StreamViewTypeNewAndOldImages},
	})
	must(t, err)
	return e
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func str(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }
func num(s string) types.AttributeValue { return &types.AttributeValueMemberN{Value: s} }

type attributes = map[string]types.AttributeValue

func (e env) put(t *testing.T, pk, sk string, more attributes) {
	t.Helper()
	must(t, e.tryPut(t.Context(), pk, sk, more))
}

func (e env) tryPut(ctx context.Context, pk, sk string, more attributes) error {
	item := attributes{"pk": str(pk), "sk": str(sk)}
	maps.Copy(item, more)
	_, err := e.db.PutItem(ctx, &dynamodb.PutItemInput{TableName: aws.String("Tab"), Item: item})
	return err
}

func (e env) arn(t *testing.T) *string {
	t.Helper()
	out, err := e.db.DescribeTable(t.Context(), &dynamodb.DescribeTableInput{TableName: aws.String("Tab")})
	must(t, err)
	return out.Table.LatestStreamArn
}

// drain reads a shard from its trim horizon until there is nothing more at present.
func (e env) drain(t *testing.T, shard string) (records []streamtypes.Record, ended bool) {
	t.Helper()
	records, ended, err := e.tryDrain(t.Context(), e.arn(t), shard)
	must(t, err)
	return records, ended
}

func (e env) tryDrain(ctx context.Context, arn *string, shard string) (records []streamtypes.Record, ended bool, err error) {
	it, err := e.streams.GetShardIterator(ctx, &dynamodbstreams.GetShardIteratorInput{StreamArn: arn, ShardId: &shard, ShardIteratorType: "TRIM_HORIZON"})
	if err != nil {
		return nil, false, err
	}
	for next := it.ShardIterator; next != nil; {
		out, err := e.streams.GetRecords(ctx, &dynamodbstreams.GetRecordsInput{ShardIterator: next})
		if err != nil {
			return records, false, err
		}
		records = append(records, out.Records...)
		if next = out.NextShardIterator; len(out.Records) == 0 && next != nil {
			return records, false, nil
		}
	}
	return records, true, nil
}

func TestWritesArriveInTheirShardsInOrder(t *testing.T) {
	e := newEnv(t)
	for _, n := range []string{"1", "1.0", "2", "2"} { // two of them change nothing
		for _, pk := range []string{"a", "b", "c", "d", "e", "f"} {
			e.put(t, pk, "x", attributes{"n": num(n)})
		}
	}
	shards, err := e.Tables.Shards("Tab")
	must(t, err)
	if len(shards) != 4 {
		t.Fatalf("%d shards, want 4", len(shards))
	}
	last := map[string]string{}
	total := 0
	for _, sh := range shards {
		records, ended := e.drain(t, sh.ID)
		if ended {
			t.Errorf("open shard %s ended", sh.ID)
		}
		for _, r := range records {
			total++
			pk := r.Dynamodb.Keys["pk"].(*streamtypes.AttributeValueMemberS).Value
			n := r.Dynamodb.NewImage["n"].(*streamtypes.AttributeValueMemberN).Value
			if n <= last[pk] {
				t.Errorf("%s: %s after %s", pk, n, last[pk])
			}
			last[pk] = n
		}
	}
	if total != 12 {
		t.Errorf("%d records, want 12", total)
	}
}
