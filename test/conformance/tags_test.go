package conformance

// Tags, which infrastructure tools set and read, and what they want to know of capacity.

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

var _ = add("sqs",
	Case{Name: "a queue keeps its tags", Doc: "TagQueue", Run: func(t *T, e *Env) {
		q := newQueue(t, e, "q", nil)
		_, err := q.TagQueue(t.Context(), &sqs.TagQueueInput{QueueUrl: q.url, Tags: map[string]string{"team": "shops", "stage": "test"}})
		t.ok(err)
		_, err = q.UntagQueue(t.Context(), &sqs.UntagQueueInput{QueueUrl: q.url, TagKeys: []string{"stage", "other"}})
		t.ok(err)
		out, err := q.ListQueueTags(t.Context(), &sqs.ListQueueTagsInput{QueueUrl: q.url})
		t.ok(err)
		t.equal("the tags", fmt.Sprint(out.Tags), "map[team:shops]")
	}},
)

var _ = add("s3",
	Case{Name: "a bucket keeps its tags", Doc: "PutBucketTagging", Run: func(t *T, e *Env) {
		b := newBucket(t, e)
		_, err := b.GetBucketTagging(t.Context(), &s3.GetBucketTaggingInput{Bucket: b.name})
		t.refused(err, "NoSuchTagSet", "The TagSet does not exist")
		_, err = b.PutBucketTagging(t.Context(), &s3.PutBucketTaggingInput{Bucket: b.name, Tagging: &s3types.Tagging{TagSet: []s3types.Tag{{Key: aws.String("team"), Value: aws.String("shops")}}}})
		t.ok(err)
		out, err := b.GetBucketTagging(t.Context(), &s3.GetBucketTaggingInput{Bucket: b.name})
		t.ok(err)
		t.equal("the tags", fmt.Sprint(len(out.TagSet), *out.TagSet[0].Key, *out.TagSet[0].Value), "1teamshops")
		_, err = b.DeleteBucketTagging(t.Context(), &s3.DeleteBucketTaggingInput{Bucket: b.name})
		t.ok(err)
		_, err = b.GetBucketTagging(t.Context(), &s3.GetBucketTaggingInput{Bucket: b.name})
		t.refused(err, "NoSuchTagSet")
	}},
)

var _ = add("dynamodb",
	Case{Name: "a table keeps its tags", Doc: "TagResource", Run: func(t *T, e *Env) {
		d := open(t, e)
		out, err := d.DescribeTable(t.Context(), &dynamodb.DescribeTableInput{TableName: inventory})
		t.ok(err)
		arn := out.Table.TableArn
		_, err = d.TagResource(t.Context(), &dynamodb.TagResourceInput{ResourceArn: arn, Tags: []types.Tag{{Key: aws.String("team"), Value: aws.String("shops")}, {Key: aws.String("stage"), Value: aws.String("test")}}})
		t.ok(err)
		_, err = d.UntagResource(t.Context(), &dynamodb.UntagResourceInput{ResourceArn: arn, TagKeys: []string{"stage"}})
		t.ok(err)
		list, err := d.ListTagsOfResource(t.Context(), &dynamodb.ListTagsOfResourceInput{ResourceArn: arn})
		t.ok(err)
		t.equal("the tags", fmt.Sprint(len(list.Tags), *list.Tags[0].Key, *list.Tags[0].Value), "1teamshops")
	}},
	Case{Name: "a table may be protected against its deletion", Doc: "UpdateTable", Run: func(t *T, e *Env) {
		d := bare(t, e)
		in := definition("Inventory", "Store", "Item")
		in.DeletionProtectionEnabled = aws.Bool(true)
		d.create(in)
		remove := func() error {
			_, err := d.DeleteTable(t.Context(), &dynamodb.DeleteTableInput{TableName: inventory})
			return err
		}
		t.refused(remove(), "ValidationException", "Resource cannot be deleted as it is currently protected against deletion.")
		_, err := d.UpdateTable(t.Context(), &dynamodb.UpdateTableInput{TableName: inventory, DeletionProtectionEnabled: aws.Bool(false)})
		t.ok(err)
		t.ok(remove())
	}},
	Case{Name: "UpdateTable changes how capacity is paid", Doc: "UpdateTable", Run: func(t *T, e *Env) {
		d := open(t, e)
		update := func(mode types.BillingMode, units int64) error {
			in := &dynamodb.UpdateTableInput{TableName: inventory, BillingMode: mode}
			if units > 0 {
				in.ProvisionedThroughput = &types.ProvisionedThroughput{ReadCapacityUnits: &units, WriteCapacityUnits: &units}
			}
			_, err := d.UpdateTable(t.Context(), in)
			return err
		}
		t.ok(update(types.BillingModeProvisioned, 5))
		t.ok(update("", 7))
		out, err := d.DescribeTable(t.Context(), &dynamodb.DescribeTableInput{TableName: inventory})
		t.ok(err)
		t.equal("the units", *out.Table.ProvisionedThroughput.WriteCapacityUnits, int64(7))
		t.refused(update("", 7), "ValidationException", "will not change")
		t.ok(update(types.BillingModePayPerRequest, 0))
		out, err = d.DescribeTable(t.Context(), &dynamodb.DescribeTableInput{TableName: inventory})
		t.ok(err)
		t.equal("the mode", out.Table.BillingModeSummary.BillingMode, types.BillingModePayPerRequest)
	}},
	Case{Name: "a new table on demand takes 4,000 write and 12,000 read units at once", Doc: "DynamoDB warm throughput", Sandbox: true, Run: func(t *T, e *Env) {
		d := openIndexed(t, e, look("look", "KEYS_ONLY", "due"))
		out, err := d.DescribeTable(t.Context(), &dynamodb.DescribeTableInput{TableName: inventory})
		t.ok(err)
		w, x := out.Table.WarmThroughput, out.Table.GlobalSecondaryIndexes[0].WarmThroughput
		t.equal("the table's", fmt.Sprint(*w.ReadUnitsPerSecond, *w.WriteUnitsPerSecond), "12000 4000")
		t.equal("the index's", fmt.Sprint(*x.ReadUnitsPerSecond, *x.WriteUnitsPerSecond), "12000 4000")
	}},
	Case{Name: "one partition key takes 1,000 write units a second", Doc: "Burst and adaptive capacity", Sandbox: true, Run: func(t *T, e *Env) {
		d := open(t, e)
		e.Sandbox.Tables.LimitThroughput(time.Hour)
		item := with(key("one", "a"), "x", str(strings.Repeat("x", 99<<10))) // 100 units
		taken, begun := 0, time.Now()
		for ; taken < 100; taken++ {
			if _, err := d.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: inventory, Item: item}); err != nil {
				t.refused(err, "ThrottlingException", "Throughput exceeds the current capacity of your table or index.")
				var e *types.ThrottlingException
				if !errors.As(err, &e) || aws.ToString(e.ThrottlingReasons[0].Reason) != "TableWriteKeyRangeThroughputExceeded" {
					t.Fatalf("the reason: %+v", e)
				}
				break
			}
		}
		if took := time.Since(begun); taken < 10 || taken > 12+int(10*took.Seconds()) { // real time goes on
			t.Fatalf("%d writes of 100 units in %v", taken, took)
		}
	}},
)
