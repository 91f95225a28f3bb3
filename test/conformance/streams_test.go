package conformance

// DynamoDB Streams: records. streams_shards_test.go has listings and what time does to shards, streams_reads_test.go
// iterators and pages.

import (
	"fmt"
	"math/big"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	streamtypes "github.com/aws/aws-sdk-go-v2/service/dynamodbstreams/types"
)

// text is an attribute of a record.
func text(m map[string]streamtypes.AttributeValue, name string) string {
	switch v := m[name].(type) {
	case *streamtypes.AttributeValueMemberS:
		return v.Value
	case *streamtypes.AttributeValueMemberN:
		return v.Value
	}
	return "-"
}

// told writes a record in short: what happened, and the count before and after.
func told(r streamtypes.Record) string {
	return fmt.Sprintf("%s %s/%s %s>%s", r.EventName, text(r.Dynamodb.Keys, "Store"), text(r.Dynamodb.Keys, "Item"), text(r.Dynamodb.OldImage, "Count"), text(r.Dynamodb.NewImage, "Count"))
}

func tell(records []streamtypes.Record) string {
	lines := make([]string, len(records))
	for i, r := range records {
		lines[i] = told(r)
	}
	return strings.Join(lines, ", ")
}

// at asks for an iterator at a sequence number.
func (d db) at(arn, shard *string, kind streamtypes.ShardIteratorType, sequence string) (*string, error) {
	out, err := d.streams.GetShardIterator(d.t.Context(), &dynamodbstreams.GetShardIteratorInput{
		StreamArn: arn, ShardId: shard, ShardIteratorType: kind, SequenceNumber: &sequence,
	})
	if err != nil {
		return nil, err
	}
	return out.ShardIterator, nil
}

// since asks for an iterator at an instant.
func (d db) since(arn, shard *string, at time.Time) (*string, error) {
	out, err := d.streams.GetShardIterator(d.t.Context(), &dynamodbstreams.GetShardIteratorInput{
		StreamArn: arn, ShardId: shard, ShardIteratorType: streamtypes.ShardIteratorTypeAtTimestamp, Timestamp: &at,
	})
	if err != nil {
		return nil, err
	}
	return out.ShardIterator, nil
}

// read reads one page.
func (d db) read(iterator *string, limit int32) (*dynamodbstreams.GetRecordsOutput, error) {
	in := &dynamodbstreams.GetRecordsInput{ShardIterator: iterator}
	if limit > 0 {
		in.Limit = &limit
	}
	return d.streams.GetRecords(d.t.Context(), in)
}

// counting writes the counts 1 to n to one item and returns its shard.
func (d db) counting(n int) (shard *string) {
	for i := range n {
		d.put(counted("x", "y", i+1))
	}
	return d.home("x")
}

const (
	horizon = streamtypes.ShardIteratorTypeTrimHorizon
	latest  = streamtypes.ShardIteratorTypeLatest
	from    = streamtypes.ShardIteratorTypeAtSequenceNumber
	after   = streamtypes.ShardIteratorTypeAfterSequenceNumber
)

var _ = add("streams",
	Case{Name: "a record for each change, with the images before and after", Doc: "Record", Run: func(t *T, e *Env) {
		d := open(t, e)
		d.put(counted("x", "y", 1), counted("x", "y", 2))
		_, err := d.DeleteItem(t.Context(), &dynamodb.DeleteItemInput{TableName: inventory, Key: key("x", "y")})
		t.ok(err)
		t.equal("the records", tell(d.all(3)), "INSERT x/y ->1, MODIFY x/y 1>2, REMOVE x/y 2>-")
	}},
	Case{Name: "no record for a write that changes nothing", Doc: "Change data capture for DynamoDB Streams", Run: func(t *T, e *Env) {
		d := open(t, e)
		d.put(counted("x", "y", 1), counted("x", "y", 1), with(key("x", "y"), "Count", num("1.0")))
		_, err := d.DeleteItem(t.Context(), &dynamodb.DeleteItemInput{TableName: inventory, Key: key("x", "never")})
		t.ok(err)
		_, err = d.batch(putRequest(counted("x", "y", 1)), deleteRequest(key("x", "never")))
		t.ok(err)
		d.put(counted("x", "y", 2))
		t.equal("the records", tell(d.all(2)), "INSERT x/y ->1, MODIFY x/y 1>2")
	}},
	Case{Name: "BatchWriteItem and UpdateItem make records too", Doc: "Change data capture for DynamoDB Streams", Run: func(t *T, e *Env) {
		d := open(t, e)
		_, err := d.batch(putRequest(counted("x", "y", 1)))
		t.ok(err)
		_, err = d.UpdateItem(t.Context(), &dynamodb.UpdateItemInput{
			TableName: inventory, Key: key("x", "y"), UpdateExpression: aws.String("ADD #c :one"), ExpressionAttributeNames: map[string]string{"#c": "Count"}, ExpressionAttributeValues: attributes{":one": num("1")},
		})
		t.ok(err)
		t.equal("the records", tell(d.all(2)), "INSERT x/y ->1, MODIFY x/y 1>2")
	}},
	Case{Name: "a record names its source, version, view and size", Doc: "Record", Run: func(t *T, e *Env) {
		d := open(t, e)
		d.put(counted("x", "y", 1))
		r := d.all(1)[0]
		t.equal("the source", aws.ToString(r.EventSource), "aws:dynamodb")
		t.equal("the version", aws.ToString(r.EventVersion), "1.1")
		t.equal("the view", r.Dynamodb.StreamViewType, streamtypes.StreamViewTypeNewAndOldImages)
		t.equal("the size", aws.ToInt64(r.Dynamodb.SizeBytes), int64(11+18))
	}},
	Case{Name: "each view has its images", Doc: "StreamSpecification", Run: func(t *T, e *Env) {
		for view, want := range map[types.StreamViewType]string{
			types.StreamViewTypeKeysOnly: "x ->-", types.StreamViewTypeNewImage: "x ->2", types.StreamViewTypeOldImage: "x 1>-", types.StreamViewTypeNewAndOldImages: "x 1>2",
		} {
			d := bare(t, e)
			in := definition("Inventory", "Store", "Item")
			in.StreamSpecification.StreamViewType = view
			d.create(in)
			d.put(counted("x", "y", 1), counted("x", "y", 2))
			r := d.all(2)[1]
			t.equal(string(view), fmt.Sprintf("%s %s>%s", text(r.Dynamodb.Keys, "Store"), text(r.Dynamodb.OldImage, "Count"), text(r.Dynamodb.NewImage, "Count")), want)
			_, err := d.DeleteTable(t.Context(), &dynamodb.DeleteTableInput{TableName: inventory})
			t.ok(err)
		}
	}},
	Case{Name: "a record's time is floored to the second", Doc: "StreamRecord", Run: func(t *T, e *Env) {
		d := open(t, e)
		before := time.Now().Truncate(time.Second)
		d.put(counted("x", "y", 1))
		at := aws.ToTime(d.all(1)[0].Dynamodb.ApproximateCreationDateTime)
		if !at.Equal(at.Truncate(time.Second)) || at.Before(before) || at.After(time.Now()) {
			t.Fatalf("the record was created at %v, after %v", at, before)
		}
	}},
	Case{Name: "sequence numbers have 21 to 40 digits and grow", Doc: "StreamRecord", Run: func(t *T, e *Env) {
		d := open(t, e)
		shard := d.counting(5)
		last := new(big.Int)
		records, _ := d.drain(d.iterator(d.arn(), shard, horizon))
		for _, r := range records {
			s := aws.ToString(r.Dynamodb.SequenceNumber)
			n, ok := new(big.Int).SetString(s, 10)
			if !ok || len(s) < 21 || len(s) > 40 || n.Cmp(last) <= 0 {
				t.Fatalf("%s after %s", s, last)
			}
			last = n
		}
	}},
	Case{Name: "a record has the same id whenever it is read, and no other record has it", Doc: "Record", Run: func(t *T, e *Env) {
		d := open(t, e)
		shard := d.counting(5)
		var ids [2][]string
		for i := range ids {
			records, _ := d.drain(d.iterator(d.arn(), shard, horizon))
			for _, r := range records {
				ids[i] = append(ids[i], aws.ToString(r.EventID))
			}
		}
		t.equal("the ids", strings.Join(ids[0], " "), strings.Join(ids[1], " "))
		t.equal("different ids", len(distinct(ids[0])), 5)
	}},
	Case{Name: "a stream has several shards from the beginning", Doc: "Change data capture for DynamoDB Streams", Run: func(t *T, e *Env) {
		d := stocked(t, e, 50)
		arn := d.arn()
		busy := 0
		for _, s := range d.shards(arn) {
			if records, _ := d.drain(d.iterator(arn, s.ShardId, horizon)); len(records) > 0 {
				busy++
			}
		}
		if busy < 2 {
			t.Fatalf("%d shards have records", busy)
		}
	}},
	Case{Name: "an item's records are all in one shard", Doc: "Change data capture for DynamoDB Streams", Run: func(t *T, e *Env) {
		d := open(t, e)
		for n := range 3 {
			for store := range 10 {
				d.put(counted(strconv.Itoa(store), "pen", n))
			}
		}
		homes := map[string]string{}
		arn := d.arn()
		for _, s := range d.shards(arn) {
			records, _ := d.drain(d.iterator(arn, s.ShardId, horizon))
			for _, r := range records {
				store := text(r.Dynamodb.Keys, "Store")
				if home, ok := homes[store]; ok && home != *s.ShardId {
					t.Fatalf("store %s has records in %s and %s", store, home, *s.ShardId)
				}
				homes[store] = *s.ShardId
			}
		}
		t.equal("the stores", len(homes), 10)
	}},
	Case{Name: "sequence numbers gain a digit", Doc: "StreamRecord", Sandbox: true, Run: func(t *T, e *Env) {
		d := open(t, e)
		t.ok(e.Sandbox.Tables.SetNextSequence(*inventory, strings.Repeat("9", 21)))
		shard := d.counting(2)
		arn := d.arn()
		records, _ := d.drain(d.iterator(arn, shard, horizon))
		first := *records[0].Dynamodb.SequenceNumber
		t.equal("the numbers", first+" "+*records[1].Dynamodb.SequenceNumber, strings.Repeat("9", 21)+" 1"+strings.Repeat("0", 21))
		it, err := d.at(arn, shard, after, first)
		t.ok(err)
		got, _ := d.drain(it)
		t.equal("the records after the first", tell(got), "MODIFY x/y 1>2")
	}},
)
