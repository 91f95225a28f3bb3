package conformance

// DynamoDB Streams: listings, iterators, records.

import (
	"fmt"
	"math/big"
	"slices"
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
	Case{Name: "DescribeStream shows the stream and its open shards", Doc: "DescribeStream", Run: func(t *T, e *Env) {
		d := open(t, e)
		out, err := d.streams.DescribeStream(t.Context(), &dynamodbstreams.DescribeStreamInput{StreamArn: d.arn()})
		t.ok(err)
		s := out.StreamDescription
		t.equal("the stream", fmt.Sprint(aws.ToString(s.TableName), " ", s.StreamStatus, " ", s.StreamViewType, " ", len(s.KeySchema)), "Inventory ENABLED NEW_AND_OLD_IMAGES 2")
		for _, shard := range s.Shards {
			if shard.SequenceNumberRange.StartingSequenceNumber == nil || shard.SequenceNumberRange.EndingSequenceNumber != nil || shard.ParentShardId != nil {
				t.Fatalf("%s is no open shard without a parent", aws.ToString(shard.ShardId))
			}
		}
	}},
	Case{Name: "DescribeStream pages by Limit until there is no last shard", Doc: "DescribeStream", Sandbox: true, Run: func(t *T, e *Env) {
		e.Sandbox.Tables.SetShards(250)
		d := open(t, e)
		var sizes []int
		seen := map[string]bool{}
		in := &dynamodbstreams.DescribeStreamInput{StreamArn: d.arn()}
		for {
			out, err := d.streams.DescribeStream(t.Context(), in)
			t.ok(err)
			sizes = append(sizes, len(out.StreamDescription.Shards))
			for _, s := range out.StreamDescription.Shards {
				seen[*s.ShardId] = true
			}
			if in.ExclusiveStartShardId = out.StreamDescription.LastEvaluatedShardId; in.ExclusiveStartShardId == nil {
				break
			}
		}
		t.equal("the pages, and the different shards", fmt.Sprint(sizes, len(seen)), "[100 100 50] 250")
	}},
	Case{Name: "DescribeStream refuses a Limit of more than 100", Doc: "DescribeStream", Run: func(t *T, e *Env) {
		d := open(t, e)
		_, err := d.streams.DescribeStream(t.Context(), &dynamodbstreams.DescribeStreamInput{StreamArn: d.arn(), Limit: aws.Int32(101)})
		t.refused(err, "ValidationException", "Limit cannot be greater than the maximum: 100")
	}},
	Case{Name: "DescribeStream of a stream that does not exist", Doc: "DescribeStream", Run: func(t *T, e *Env) {
		d := open(t, e)
		_, err := d.streams.DescribeStream(t.Context(), &dynamodbstreams.DescribeStreamInput{StreamArn: aws.String(*d.arn() + "0")})
		t.refused(err, "ResourceNotFoundException", "Requested resource not found: Stream: ")
	}},
	Case{Name: "ListStreams names the streams of a table", Doc: "ListStreams", Run: func(t *T, e *Env) {
		d := open(t, e)
		d.create(definition("Other", "Store"))
		out, err := d.streams.ListStreams(t.Context(), &dynamodbstreams.ListStreamsInput{TableName: inventory})
		t.ok(err)
		t.equal("the streams", len(out.Streams), 1)
		t.equal("the ARN", aws.ToString(out.Streams[0].StreamArn), *d.arn())
		out, err = d.streams.ListStreams(t.Context(), &dynamodbstreams.ListStreamsInput{})
		t.ok(err)
		t.equal("all streams", len(out.Streams), 2)
	}},
	Case{Name: "TRIM_HORIZON begins with the oldest record, LATEST behind the newest at the time of the call", Doc: "GetShardIterator", Run: func(t *T, e *Env) {
		d := open(t, e)
		shard := d.counting(2)
		arn := d.arn()
		l, h := d.iterator(arn, shard, latest), d.iterator(arn, shard, horizon)
		d.put(counted("x", "y", 3))
		d.all(3)
		records, _ := d.drain(l)
		t.equal("from LATEST", tell(records), "MODIFY x/y 2>3")
		records, _ = d.drain(h)
		t.equal("from TRIM_HORIZON", tell(records), "INSERT x/y ->1, MODIFY x/y 1>2, MODIFY x/y 2>3")
	}},
	Case{Name: "AT_ and AFTER_SEQUENCE_NUMBER begin with that record or the next", Doc: "GetShardIterator", Run: func(t *T, e *Env) {
		d := open(t, e)
		shard := d.counting(3)
		arn := d.arn()
		records, _ := d.drain(d.iterator(arn, shard, horizon))
		second := aws.ToString(records[1].Dynamodb.SequenceNumber)
		for kind, want := range map[streamtypes.ShardIteratorType]string{from: "MODIFY x/y 1>2, MODIFY x/y 2>3", after: "MODIFY x/y 2>3"} {
			it, err := d.at(arn, shard, kind, second)
			t.ok(err)
			got, _ := d.drain(it)
			t.equal(string(kind), tell(got), want)
		}
		it, err := d.at(arn, shard, after, aws.ToString(records[2].Dynamodb.SequenceNumber))
		t.ok(err)
		got, ended := d.drain(it)
		t.equal("after the last", fmt.Sprint(len(got), ended), "0 false")
	}},
	Case{Name: "AT_TIMESTAMP begins with the first record of that time", Doc: "GetShardIterator", Run: func(t *T, e *Env) {
		d := open(t, e)
		shard := d.counting(1)
		time.Sleep(1100 * time.Millisecond)
		now := time.Now()
		d.put(counted("x", "y", 2))
		d.all(2)
		it, err := d.since(d.arn(), shard, now)
		t.ok(err)
		got, _ := d.drain(it)
		t.equal("the records", tell(got), "MODIFY x/y 1>2")
	}},
	Case{Name: "AT_TIMESTAMP in the future is refused", Doc: "GetShardIterator", Run: func(t *T, e *Env) {
		d := open(t, e)
		shard := d.counting(1)
		_, err := d.since(d.arn(), shard, time.Now().Add(-time.Hour))
		t.ok(err)
		_, err = d.since(d.arn(), shard, time.Now().Add(time.Hour))
		t.refused(err, "ValidationException", "Timestamp")
	}},
	Case{Name: "GetShardIterator refuses what is no sequence number", Doc: "GetShardIterator", Run: func(t *T, e *Env) {
		d := open(t, e)
		shard := d.counting(1)
		for sequence, words := range map[string]string{
			"":                      "Invalid SequenceNumber",
			"123":                   "Member must have length greater than or equal to 21",
			strings.Repeat("1", 41): "Member must have length less than or equal to 40",
		} {
			_, err := d.at(d.arn(), shard, after, sequence)
			t.refused(err, "ValidationException", words)
		}
	}},
	Case{Name: "GetShardIterator refuses a sequence number of another shard", Doc: "GetShardIterator", Sandbox: true, Run: func(t *T, e *Env) {
		d := open(t, e)
		shard := d.counting(1)
		for _, sequence := range []string{"000000000000000000001", strings.Repeat("9", 30), strings.Repeat("x", 21)} {
			_, err := d.at(d.arn(), shard, after, sequence)
			t.refused(err, "ValidationException", "Invalid SequenceNumber")
		}
	}},
	Case{Name: "GetShardIterator refuses a sequence number where none belongs", Doc: "GetShardIterator", Run: func(t *T, e *Env) {
		d := open(t, e)
		_, err := d.at(d.arn(), d.counting(1), horizon, strings.Repeat("1", 21))
		t.refused(err, "ValidationException", "SequenceNumber should not be passed for this iterator type")
	}},
	Case{Name: "GetShardIterator of a shard or a stream that does not exist", Doc: "GetShardIterator", Run: func(t *T, e *Env) {
		d := open(t, e)
		shard := d.counting(1)
		for _, in := range []*dynamodbstreams.GetShardIteratorInput{
			{StreamArn: d.arn(), ShardId: aws.String("shardId-00000000000000000000-00000000"), ShardIteratorType: horizon},
			{StreamArn: aws.String(*d.arn() + "0"), ShardId: shard, ShardIteratorType: horizon},
		} {
			_, err := d.streams.GetShardIterator(t.Context(), in)
			t.refused(err, "ResourceNotFoundException", "not")
		}
	}},
	Case{Name: "GetRecords pages by Limit, each page where the last ended", Doc: "GetRecords", Run: func(t *T, e *Env) {
		d := open(t, e)
		it := d.iterator(d.arn(), d.counting(5), horizon)
		var pages []string
		for range 3 {
			out, err := d.read(it, 2)
			t.ok(err)
			pages = append(pages, tell(out.Records))
			it = out.NextShardIterator
		}
		t.equal("the pages", strings.Join(pages, "; "), "INSERT x/y ->1, MODIFY x/y 1>2; MODIFY x/y 2>3, MODIFY x/y 3>4; MODIFY x/y 4>5")
	}},
	Case{Name: "GetRecords returns at most 1000 records", Doc: "GetRecords", Run: func(t *T, e *Env) {
		d := open(t, e)
		for i := 0; i < 1200; i += 25 {
			var b []types.WriteRequest
			for j := range 25 {
				b = append(b, putRequest(counted("x", strconv.Itoa(i+j), i+j)))
			}
			_, err := d.batch(b...)
			t.ok(err)
		}
		it := d.iterator(d.arn(), d.home("x"), horizon)
		out, err := d.read(it, 0)
		t.ok(err)
		t.equal("the records", len(out.Records), 1000)
		_, err = d.read(it, 1001)
		t.refused(err, "ValidationException", "Limit should be less than or equal to 1000")
		_, err = d.streams.GetRecords(t.Context(), &dynamodbstreams.GetRecordsInput{ShardIterator: it, Limit: aws.Int32(0)})
		t.refused(err, "ValidationException", "Member must have value greater than or equal to 1")
	}},
	Case{Name: "GetRecords returns at most 1 MB", Doc: "GetRecords", Run: func(t *T, e *Env) {
		d := open(t, e)
		for i := range 6 {
			d.put(with(counted("x", strconv.Itoa(i), i), "Note", str(strings.Repeat("x", 300<<10))))
		}
		d.all(6)
		out, err := d.read(d.iterator(d.arn(), d.home("x"), horizon), 0)
		t.ok(err)
		if n := len(out.Records); n < 3 || n > 4 {
			t.Fatalf("%d records of 300 KB", n)
		}
	}},
	Case{Name: "an iterator may be used again: it reads the same records", Doc: "GetRecords", Run: func(t *T, e *Env) {
		d := open(t, e)
		it := d.iterator(d.arn(), d.counting(3), horizon)
		for range 2 {
			out, err := d.read(it, 2)
			t.ok(err)
			t.equal("the records", tell(out.Records), "INSERT x/y ->1, MODIFY x/y 1>2")
		}
	}},
	Case{Name: "behind the last record of a closed shard there is an empty page, and the end", Doc: "GetRecords", Run: func(t *T, e *Env) {
		d := open(t, e)
		shard := d.counting(2)
		arn := d.arn()
		records, _ := d.drain(d.iterator(arn, shard, horizon))
		t.ok(d.stream(""))
		it, err := d.at(arn, shard, after, *records[1].Dynamodb.SequenceNumber)
		t.ok(err)
		out, err := d.read(it, 0)
		t.ok(err)
		t.equal("records, the end", fmt.Sprint(len(out.Records), out.NextShardIterator == nil), "0 true")
	}},
	Case{Name: "GetRecords of an open shard always has a next iterator", Doc: "GetRecords", Run: func(t *T, e *Env) {
		d := open(t, e)
		it := d.iterator(d.arn(), d.counting(1), latest)
		for range 3 {
			out, err := d.read(it, 0)
			t.ok(err)
			t.equal("the records", len(out.Records), 0)
			if it = out.NextShardIterator; it == nil {
				t.Fatalf("there is no next iterator")
			}
		}
	}},
	Case{Name: "GetRecords refuses what is no iterator", Doc: "GetRecords", Run: func(t *T, e *Env) {
		d := open(t, e)
		_, err := d.read(aws.String("nonsense"), 0)
		t.refused(err, "ValidationException", "Invalid ShardIterator")
	}},
	Case{Name: "the last page of a closed shard has records and no next iterator", Doc: "GetRecords", Run: func(t *T, e *Env) {
		d := open(t, e)
		it := d.iterator(d.arn(), d.counting(3), horizon)
		t.ok(d.stream(""))
		out, err := d.read(it, 2)
		t.ok(err)
		t.equal("the first page", fmt.Sprint(len(out.Records), out.NextShardIterator == nil), "2 false")
		out, err = d.read(out.NextShardIterator, 2)
		t.ok(err)
		t.equal("the last page", fmt.Sprint(len(out.Records), out.NextShardIterator == nil), "1 true")
	}},
	Case{Name: "a disabled stream is closed, and readable for a day", Doc: "Change data capture for DynamoDB Streams", Run: func(t *T, e *Env) {
		d := open(t, e)
		d.counting(3)
		arn := d.arn()
		t.ok(d.stream(""))
		d.put(counted("x", "y", 9)) // never recorded
		out, err := d.streams.DescribeStream(t.Context(), &dynamodbstreams.DescribeStreamInput{StreamArn: arn})
		t.ok(err)
		t.equal("the status", out.StreamDescription.StreamStatus, streamtypes.StreamStatusDisabled)
		total := 0
		for _, s := range out.StreamDescription.Shards {
			if s.SequenceNumberRange.EndingSequenceNumber == nil {
				t.Fatalf("shard %s is open", *s.ShardId)
			}
			records, ended := d.drain(d.iterator(arn, s.ShardId, horizon))
			t.equal("the shard's having ended", ended, true)
			total += len(records)
		}
		t.equal("the records", total, 3)
	}},
	Case{Name: "a stream that is enabled again has a new ARN and nothing of the old", Doc: "Change data capture for DynamoDB Streams", Run: func(t *T, e *Env) {
		d := open(t, e)
		d.counting(3)
		old := d.arn()
		t.ok(d.stream(""))
		d.put(counted("x", "y", 9))
		t.ok(d.stream(types.StreamViewTypeNewAndOldImages))
		d.put(counted("x", "y", 10))
		if *d.arn() == *old {
			t.Fatalf("the ARN is the old one")
		}
		t.equal("the records", tell(d.all(1)), "MODIFY x/y 9>10")
		out, err := d.streams.ListStreams(t.Context(), &dynamodbstreams.ListStreamsInput{TableName: inventory})
		t.ok(err)
		t.equal("the streams", len(out.Streams), 2)
	}},
	Case{Name: "a disabled stream is gone after a day", Doc: "Change data capture for DynamoDB Streams", Sandbox: true, Run: func(t *T, e *Env) {
		d := open(t, e)
		shard := d.counting(3)
		arn := d.arn()
		t.ok(d.stream(""))
		it := d.iterator(arn, shard, horizon)
		d.advance(24*time.Hour + time.Second)
		_, err := d.streams.DescribeStream(t.Context(), &dynamodbstreams.DescribeStreamInput{StreamArn: arn})
		t.refused(err, "ResourceNotFoundException", "Requested resource not found: Stream: ")
		_, err = d.read(it, 0)
		t.refused(err, "ExpiredIteratorException", "The shard iterator has expired")
	}},
	Case{Name: "a deleted table's stream can be read to its end", Doc: "DeleteTable", Run: func(t *T, e *Env) {
		d := open(t, e)
		shard := d.counting(3)
		arn := d.arn()
		_, err := d.DeleteTable(t.Context(), &dynamodb.DeleteTableInput{TableName: inventory})
		t.ok(err)
		records, ended := d.drain(d.iterator(arn, shard, horizon))
		t.equal("the records", fmt.Sprint(len(records), ended), "3 true")
	}},
	Case{Name: "an iterator lives for 15 minutes", Doc: "GetShardIterator", Sandbox: true, Run: func(t *T, e *Env) {
		d := open(t, e)
		it := d.iterator(d.arn(), d.counting(3), horizon)
		d.advance(14 * time.Minute)
		out, err := d.read(it, 1)
		t.ok(err)
		d.advance(14 * time.Minute)
		_, err = d.read(it, 1)
		t.refused(err, "ExpiredIteratorException", "The shard iterator has expired and can no longer be used to retrieve stream records.")
		out, err = d.read(out.NextShardIterator, 1) // which is younger
		t.ok(err)
		t.equal("the second record", tell(out.Records), "MODIFY x/y 1>2")
	}},
	Case{Name: "records are trimmed after 24 hours", Doc: "Change data capture for DynamoDB Streams", Sandbox: true, Run: func(t *T, e *Env) {
		e.Sandbox.Tables.SetRollover(0)
		d := open(t, e)
		shard := d.counting(2)
		arn := d.arn()
		records, _ := d.drain(d.iterator(arn, shard, horizon))
		d.advance(24*time.Hour - 5*time.Minute)
		it := d.iterator(arn, shard, horizon)
		d.put(counted("x", "y", 3))
		d.advance(10 * time.Minute)
		_, err := d.at(arn, shard, from, *records[1].Dynamodb.SequenceNumber)
		t.refused(err, "TrimmedDataAccessException", "past the oldest stream record in a shard")
		_, err = d.at(arn, shard, after, *records[0].Dynamodb.SequenceNumber)
		t.refused(err, "TrimmedDataAccessException", "past the oldest stream record in a shard")
		_, err = d.read(it, 0)
		t.refused(err, "TrimmedDataAccessException", "past the oldest stream record in a shard")
		got, _ := d.drain(d.iterator(arn, shard, horizon))
		t.equal("the records", tell(got), "MODIFY x/y 2>3")
	}},
	Case{Name: "a shard rolls over after about 4 hours: its child goes on", Doc: "Change data capture for DynamoDB Streams", Sandbox: true, Run: func(t *T, e *Env) {
		d := open(t, e)
		shard := d.counting(2)
		arn := d.arn()
		d.advance(3*time.Hour + 59*time.Minute)
		t.equal("the shards", len(d.shards(arn)), 4)
		d.advance(15 * time.Minute)
		d.put(counted("x", "y", 3))
		t.equal("the shards", len(d.shards(arn)), 8)
		records, ended := d.drain(d.iterator(arn, shard, horizon))
		t.equal("the parent", fmt.Sprint(tell(records), " ", ended), "INSERT x/y ->1, MODIFY x/y 1>2 true")
		child := d.childrenOf(arn, shard)
		t.equal("the children", len(child), 1)
		records, ended = d.drain(d.iterator(arn, child[0].ShardId, horizon))
		t.equal("the child", fmt.Sprint(tell(records), " ", ended), "MODIFY x/y 2>3 false")
	}},
	Case{Name: "a shard splits: each item goes on in one of the children", Doc: "Change data capture for DynamoDB Streams", Sandbox: true, Run: func(t *T, e *Env) {
		e.Sandbox.Tables.SetShards(1)
		d := open(t, e)
		arn := d.arn()
		parent := d.shards(arn)[0].ShardId
		children, err := e.Sandbox.Tables.Split(*inventory, *parent)
		t.ok(err)
		for i := range 50 {
			d.put(counted(strconv.Itoa(i), "pen", 1))
		}
		total := 0
		for _, c := range children {
			records, _ := d.drain(d.iterator(arn, &c, horizon))
			if len(records) == 0 {
				t.Fatalf("child %s has no records", c)
			}
			total += len(records)
		}
		t.equal("the records", total, 50)
		t.equal("the children listed", len(d.childrenOf(arn, parent)), 2)
	}},
	Case{Name: "CHILD_SHARDS lists the children of one parent", Doc: "DescribeStream", Run: func(t *T, e *Env) {
		d := open(t, e)
		shard := d.counting(1)
		arn := d.arn()
		list := func() int {
			out, err := d.streams.DescribeStream(t.Context(), &dynamodbstreams.DescribeStreamInput{StreamArn: arn, ShardFilter: &streamtypes.ShardFilter{Type: streamtypes.ShardFilterTypeChildShards, ShardId: shard}})
			t.ok(err)
			return len(out.StreamDescription.Shards)
		}
		t.equal("children of an open shard", list(), 0)
		if e.Sandbox != nil {
			_, err := e.Sandbox.Tables.Split(*inventory, *shard)
			t.ok(err)
			t.equal("children of a shard that split", list(), 2)
		}
	}},
	Case{Name: "a closed shard is gone a day after its end", Doc: "Change data capture for DynamoDB Streams", Sandbox: true, Run: func(t *T, e *Env) {
		e.Sandbox.Tables.SetRollover(0)
		d := open(t, e)
		shard := d.counting(1)
		arn := d.arn()
		_, err := e.Sandbox.Tables.Roll(*inventory, *shard)
		t.ok(err)
		d.advance(24*time.Hour - time.Minute)
		it := d.iterator(arn, shard, horizon)
		t.equal("the shards", len(d.shards(arn)), 5)
		d.advance(2 * time.Minute)
		t.equal("the shards", len(d.shards(arn)), 4)
		_, err = d.read(it, 0)
		t.refused(err, "ResourceNotFoundException", "Shard does not exist")
		_, err = d.streams.GetShardIterator(t.Context(), &dynamodbstreams.GetShardIteratorInput{StreamArn: arn, ShardId: shard, ShardIteratorType: horizon})
		t.refused(err, "ResourceNotFoundException", "Shard does not exist")
	}},
	Case{Name: "listings may lag behind a shard's birth", Doc: "DescribeStream", Sandbox: true, Run: func(t *T, e *Env) {
		d := open(t, e)
		shard := d.counting(1)
		arn := d.arn()
		t.ok(e.Sandbox.Tables.SetListingLag(*inventory, 3*time.Minute))
		child, err := e.Sandbox.Tables.Roll(*inventory, *shard)
		t.ok(err)
		t.equal("the shards", len(d.shards(arn)), 4)
		d.put(counted("x", "y", 2))
		records, _ := d.drain(d.iterator(arn, &child, horizon))
		t.equal("the child's records", tell(records), "MODIFY x/y 1>2")
		d.advance(3 * time.Minute)
		t.equal("the shards", len(d.shards(arn)), 5)
	}},
	Case{Name: "a child may be listed while its parent is open", Doc: "DescribeStream", Sandbox: true, Run: func(t *T, e *Env) {
		d := open(t, e)
		shard := d.counting(1)
		arn := d.arn()
		announced, err := e.Sandbox.Tables.Announce(*inventory, *shard, 2)
		t.ok(err)
		t.equal("the children", len(d.childrenOf(arn, shard)), 2)
		d.put(counted("x", "y", 2))
		records, ended := d.drain(d.iterator(arn, shard, horizon))
		t.equal("the parent", fmt.Sprint(len(records), ended), "2 false")
		children, err := e.Sandbox.Tables.Split(*inventory, *shard)
		t.ok(err)
		t.equal("the children", strings.Join(sorted(children), " "), strings.Join(sorted(announced), " "))
		d.put(counted("x", "y", 3))
		total := 0
		for _, c := range children {
			records, _ := d.drain(d.iterator(arn, &c, horizon))
			total += len(records)
		}
		t.equal("the children's records", total, 1)
	}},
	Case{Name: "a listing may show a shard that is gone, and repeat its cursor", Doc: "DescribeStream", Sandbox: true, Run: func(t *T, e *Env) {
		d := open(t, e)
		shard := d.counting(1)
		arn := d.arn()
		_, err := e.Sandbox.Tables.Roll(*inventory, *shard)
		t.ok(err)
		t.ok(e.Sandbox.Tables.Remove(*inventory, *shard, true))
		t.equal("the shards", len(d.shards(arn)), 5)
		_, err = d.streams.GetShardIterator(t.Context(), &dynamodbstreams.GetShardIteratorInput{StreamArn: arn, ShardId: shard, ShardIteratorType: horizon})
		t.refused(err, "ResourceNotFoundException", "Shard does not exist")
		t.ok(e.Sandbox.Tables.Remove(*inventory, *shard, false))
		t.equal("the shards", len(d.shards(arn)), 4)
		t.ok(e.Sandbox.Tables.RepeatCursors(*inventory, 1))
		in := &dynamodbstreams.DescribeStreamInput{StreamArn: arn, Limit: aws.Int32(1)}
		var cursors []string
		for range 3 {
			out, err := d.streams.DescribeStream(t.Context(), in)
			t.ok(err)
			in.ExclusiveStartShardId = out.StreamDescription.LastEvaluatedShardId
			cursors = append(cursors, *in.ExclusiveStartShardId)
		}
		t.equal("different cursors", len(slices.Compact(cursors)), 2)
	}},
	Case{Name: "an empty page is not the end", Doc: "GetRecords", Sandbox: true, Run: func(t *T, e *Env) {
		d := open(t, e)
		it := d.iterator(d.arn(), d.counting(2), horizon)
		t.ok(e.Sandbox.Tables.EmptyPages(*inventory, 2))
		var sizes []int
		for range 3 {
			out, err := d.read(it, 0)
			t.ok(err)
			sizes = append(sizes, len(out.Records))
			it = out.NextShardIterator
		}
		t.equal("the pages", fmt.Sprint(sizes), "[0 0 2]")
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
	Case{Name: "the status follows: ENABLING, ENABLED, DISABLING, DISABLED", Doc: "StreamDescription", Sandbox: true, Run: func(t *T, e *Env) {
		d := open(t, e)
		t.ok(d.stream(""))
		e.Sandbox.Tables.SetTransition(10 * time.Second)
		t.ok(d.stream(types.StreamViewTypeNewImage))
		arn := d.arn()
		status := func() string {
			out, err := d.streams.DescribeStream(t.Context(), &dynamodbstreams.DescribeStreamInput{StreamArn: arn})
			t.ok(err)
			return string(out.StreamDescription.StreamStatus)
		}
		var seen []string
		seen = append(seen, status())
		d.advance(10 * time.Second)
		seen = append(seen, status())
		t.ok(d.stream(""))
		seen = append(seen, status())
		d.advance(10 * time.Second)
		seen = append(seen, status())
		t.equal("the status", strings.Join(seen, " "), "ENABLING ENABLED DISABLING DISABLED")
	}},
)

// childrenOf are the listed shards that name the parent.
func (d db) childrenOf(arn, parent *string) []streamtypes.Shard {
	return slices.DeleteFunc(d.shards(arn), func(s streamtypes.Shard) bool { return aws.ToString(s.ParentShardId) != *parent })
}
