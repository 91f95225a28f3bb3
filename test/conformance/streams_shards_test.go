package conformance

// DynamoDB Streams: listings of shards, their lineage, what time and switching off do to them.

import (
	"fmt"
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

var _ = add("streams",
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
	Case{Name: "a cursor does not mean that there are more shards", Doc: "StreamDescription", Sandbox: true, Run: func(t *T, e *Env) {
		e.Sandbox.Tables.SetShards(100)
		d := open(t, e)
		in := &dynamodbstreams.DescribeStreamInput{StreamArn: d.arn()}
		full, err := d.streams.DescribeStream(t.Context(), in)
		t.ok(err)
		in.ExclusiveStartShardId = full.StreamDescription.LastEvaluatedShardId
		t.equal("the shards, a cursor", fmt.Sprint(len(full.StreamDescription.Shards), in.ExclusiveStartShardId != nil), "100 true")
		empty, err := d.streams.DescribeStream(t.Context(), in)
		t.ok(err)
		t.equal("the shards, a cursor", fmt.Sprint(len(empty.StreamDescription.Shards), empty.StreamDescription.LastEvaluatedShardId != nil), "0 false")
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
