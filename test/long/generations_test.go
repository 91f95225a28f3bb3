//go:build long

package long

// Two simulated days of one stream, on DynamoDB Local under faketime and on the sandbox: what a reader meets is the
// same: iterators expire, shards roll over and have children, records are trimmed.

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/ratelimit"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	streamtypes "github.com/aws/aws-sdk-go-v2/service/dynamodbstreams/types"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"

	"inventoryd/internal/sandbox"
	"inventoryd/test/standins"
)

// speed is how fast DynamoDB Local's time runs: a rollover takes a minute. Its idle connections break sooner, so each
// call has its own.
const speed = 240

// world is a table with a stream of one open shard, and its time.
type world struct {
	t       *testing.T
	db      *dynamodb.Client
	streams *dynamodbstreams.Client
	arn     *string
	pass    func(time.Duration) // lets simulated time pass
	now     func() time.Time
	put     int // how many records were written
}

var table = aws.String("Inventory")

func newWorld(t *testing.T, cfg aws.Config, pass func(time.Duration), now func() time.Time) *world {
	w := &world{t: t, db: dynamodb.NewFromConfig(cfg), streams: dynamodbstreams.NewFromConfig(cfg), pass: pass, now: now}
	out, err := w.db.CreateTable(t.Context(), &dynamodb.CreateTableInput{
		TableName: table, BillingMode: types.BillingModePayPerRequest,
		AttributeDefinitions: []types.AttributeDefinition{{AttributeName: aws.String("pk"), AttributeType: types.ScalarAttributeTypeS}},
		KeySchema:            []types.KeySchemaElement{{AttributeName: aws.String("pk"), KeyType: types.KeyTypeHash}},
		StreamSpecification:  &types.StreamSpecification{StreamEnabled: aws.Bool(true), StreamViewType: types.StreamViewTypeNewAndOldImages},
	})
	w.must(err)
	w.arn = out.TableDescription.LatestStreamArn
	return w
}

func onSandbox(t *testing.T) *world {
	s := sandbox.New()
	s.Tables.SetShards(1)
	return newWorld(t, s.Config("long"), s.Clock.Advance, s.Clock.Now)
}

func onDynamoDBLocal(t *testing.T) *world {
	begin := time.Now()
	endpoint := standins.DynamoDBLocalUnder(t, standins.Faster(t, speed)...)
	cfg := aws.Config{
		Region: "us-east-1", BaseEndpoint: &endpoint, Credentials: credentials.NewStaticCredentialsProvider("long", "secret", ""),
		HTTPClient: &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 30 * time.Second},
		Retryer:    patient,
	}
	return newWorld(t, cfg, func(d time.Duration) { time.Sleep(d / speed) }, func() time.Time { return begin.Add(time.Since(begin) * speed) })
}

// patient retries what fails because DynamoDB Local's own time-outs are a few milliseconds here.
func patient() aws.Retryer {
	return retry.NewStandard(func(o *retry.StandardOptions) {
		o.MaxAttempts, o.MaxBackoff, o.RateLimiter = 20, 500*time.Millisecond, ratelimit.None
	})
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// write puts the next count.
func (w *world) write() {
	w.put++
	_, err := w.db.PutItem(w.t.Context(), &dynamodb.PutItemInput{TableName: table, Item: map[string]types.AttributeValue{
		"pk": &types.AttributeValueMemberS{Value: "pen"}, "n": &types.AttributeValueMemberN{Value: strconv.Itoa(w.put)},
	}})
	w.must(err)
}

// chain lists the shards from the oldest to the newest: each but the first is the child of the one before.
func (w *world) chain() []streamtypes.Shard {
	out, err := w.streams.DescribeStream(w.t.Context(), &dynamodbstreams.DescribeStreamInput{StreamArn: w.arn})
	w.must(err)
	left := out.StreamDescription.Shards
	var chain []streamtypes.Shard
	for len(left) > 0 {
		at := slices.IndexFunc(left, func(s streamtypes.Shard) bool {
			if len(chain) == 0 { // the oldest has no parent, or one that is gone
				return !slices.ContainsFunc(left, func(p streamtypes.Shard) bool { return aws.ToString(p.ShardId) == aws.ToString(s.ParentShardId) })
			}
			return aws.ToString(s.ParentShardId) == aws.ToString(chain[len(chain)-1].ShardId)
		})
		if at < 0 {
			w.t.Fatalf("%d shards do not follow the chain of %d", len(left), len(chain))
		}
		chain = append(chain, left[at])
		left = slices.Delete(left, at, at+1)
	}
	return chain
}

func (w *world) iterator(shard *string, kind streamtypes.ShardIteratorType, sequence *string) (*string, error) {
	out, err := w.streams.GetShardIterator(w.t.Context(), &dynamodbstreams.GetShardIteratorInput{StreamArn: w.arn, ShardId: shard, ShardIteratorType: kind, SequenceNumber: sequence})
	if err != nil {
		return nil, err
	}
	return out.ShardIterator, nil
}

// read reads from the iterator until there is nothing more, or the shard has ended.
func (w *world) read(iterator *string) (counts []int, ended bool, err error) {
	for iterator != nil {
		out, err := w.streams.GetRecords(w.t.Context(), &dynamodbstreams.GetRecordsInput{ShardIterator: iterator})
		if err != nil {
			return counts, false, err
		}
		for _, r := range out.Records {
			n, err := strconv.Atoi(r.Dynamodb.NewImage["n"].(*streamtypes.AttributeValueMemberN).Value)
			w.must(err)
			counts = append(counts, n)
		}
		if iterator = out.NextShardIterator; len(out.Records) == 0 && iterator != nil {
			return counts, false, nil
		}
	}
	return counts, true, nil
}

// history reads all shards, the oldest first, and says how many of them had ended.
func (w *world) history() (counts []int, ended int) {
	for _, s := range w.chain() {
		some, end, err := w.readShard(s, streamtypes.ShardIteratorTypeTrimHorizon, nil)
		w.must(err)
		counts = append(counts, some...)
		if end {
			ended++
		}
	}
	return counts, ended
}

// code is an error in short.
func code(err error) string {
	var api smithy.APIError
	switch {
	case err == nil:
		return "no error"
	case errors.As(err, &api):
		return api.ErrorCode()
	}
	return err.Error()
}

// story lives through two days and says what happened.
func (w *world) story() (lines []string) {
	tell := func(format string, args ...any) { lines = append(lines, fmt.Sprintf(format, args...)) }
	w.write()
	first := w.chain()[0]
	early, err := w.iterator(first.ShardId, streamtypes.ShardIteratorTypeTrimHorizon, nil)
	w.must(err)
	w.pass(7 * time.Minute)
	counts, ended, err := w.read(early)
	tell("an iterator of 7 minutes reads %v, ended: %t, %s", counts, ended, code(err))
	w.pass(10 * time.Minute)
	_, _, err = w.read(early)
	tell("an iterator of 17 minutes: %s", code(err))

	born := w.now()
	for w.now().Sub(born) < 22*time.Hour { // 5 generations and one that is open
		w.write()
		w.pass(20 * time.Minute)
	}
	chain := w.chain()
	counts, closed := w.history()
	tell("after 22 hours: at least 5 generations: %t, all closed but the last: %t", len(chain) > 5, closed == len(chain)-1)
	tell("all records, in order: %t", slices.Equal(counts, upTo(1, w.put)))
	begin := first.SequenceNumberRange.StartingSequenceNumber
	_, ended, err = w.readShard(first, streamtypes.ShardIteratorTypeAfterSequenceNumber, begin)
	tell("the first shard is read on from its first number, ended: %t, %s", ended, code(err))

	w.pass(3 * time.Hour) // the first records are a day old, their shard ended 20 hours ago
	_, _, err = w.readShard(first, streamtypes.ShardIteratorTypeAfterSequenceNumber, begin)
	tell("reading on from the first number: %s", code(err))
	counts, _ = w.history()
	tell("the first record is trimmed: %t, the rest is in order: %t", counts[0] > 1, slices.Equal(counts, upTo(counts[0], w.put)))
	w.pass(5 * time.Hour) // and now more than a day ago
	tell("what is left of the first shard: %s", w.left(first))
	return lines
}

// left says what can still be read of a shard. AWS and the sandbox drop a closed shard once its records are a day old
// ("Shards are ephemeral"), DynamoDB Local goes on to list it, and refuses it or finds it empty: nothing is left.
func (w *world) left(s streamtypes.Shard) string {
	counts, ended, err := w.readShard(s, streamtypes.ShardIteratorTypeTrimHorizon, nil)
	var gone *streamtypes.ResourceNotFoundException
	if errors.As(err, &gone) || err == nil && ended && len(counts) == 0 {
		return "nothing"
	}
	return fmt.Sprintf("%v, ended: %t, %s", counts, ended, code(err))
}

// readShard reads a shard; which of the two calls fails is not the same everywhere.
func (w *world) readShard(s streamtypes.Shard, kind streamtypes.ShardIteratorType, sequence *string) (counts []int, ended bool, err error) {
	it, err := w.iterator(s.ShardId, kind, sequence)
	if err != nil {
		return nil, false, err
	}
	return w.read(it)
}

func upTo(from, to int) []int {
	list := make([]int, 0, to-from+1)
	for n := from; n <= to; n++ {
		list = append(list, n)
	}
	return list
}

// aged is the story as AWS's documentation tells it ("GetShardIterator": 15 minutes; "Change data capture for DynamoDB
// Streams": a shard rolls over about every 4 hours, a record lives for 24).
var aged = []string{
	"an iterator of 7 minutes reads [1], ended: false, no error",
	"an iterator of 17 minutes: ExpiredIteratorException",
	"after 22 hours: at least 5 generations: true, all closed but the last: true",
	"all records, in order: true",
	"the first shard is read on from its first number, ended: true, no error",
	"reading on from the first number: TrimmedDataAccessException",
	"the first record is trimmed: true, the rest is in order: true",
	"what is left of the first shard: nothing",
}

func TestAStreamAgesOnTheSandboxAsOnDynamoDBLocal(t *testing.T) {
	for name, begin := range map[string]func(*testing.T) *world{"sandbox": onSandbox, "DynamoDB Local": onDynamoDBLocal} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if d := cmp.Diff(aged, begin(t).story()); d != "" {
				t.Error(d)
			}
		})
	}
}
