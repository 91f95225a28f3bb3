package conformance

// DynamoDB Streams: GetShardIterator and GetRecords.

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	streamtypes "github.com/aws/aws-sdk-go-v2/service/dynamodbstreams/types"
)

var _ = add("streams",
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
)
