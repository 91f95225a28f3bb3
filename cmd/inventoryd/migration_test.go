package main

// docs/migration.md, walked through beside stand-ins of the two functions that it takes the place of.

import (
	"fmt"
	"maps"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"

	"inventoryd/internal/inventory"
	"inventoryd/internal/sandbox"
	"inventoryd/internal/sandbox/queues"
	"inventoryd/internal/sandbox/topics"
)

// functions does what the two Lambda functions do: a put for each row, a mail for each zero.
type functions struct {
	*world
	seen   map[string]bool // sequence numbers of the stream
	mailed map[string]int
}

// load is told of an upload.
func (f *functions) load(t *testing.T, key, feed string) {
	t.Helper()
	f.put(t, key, feed)
	for _, line := range strings.Split(strings.TrimSpace(feed), "\n")[1:] {
		c := strings.Split(line, ",")
		var n int64
		if _, err := fmt.Sscan(c[2], &n); err != nil {
			t.Fatal(err)
		}
		f.putRows(t, map[inventory.Key]int64{{Store: c[0], Item: c[1]}: n})
	}
}

func (w *world) put(t *testing.T, key, feed string) {
	t.Helper()
	if _, err := w.S3.PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String(sandbox.Bucket), Key: &key, Body: strings.NewReader(feed)}); err != nil {
		t.Fatal(err)
	}
}

// check is told of the changes since it was called last.
func (f *functions) check(t *testing.T) {
	t.Helper()
	streams, err := f.Streams.ListStreams(t.Context(), &dynamodbstreams.ListStreamsInput{TableName: aws.String(sandbox.Table)})
	if err != nil {
		t.Fatal(err)
	}
	arn := streams.Streams[0].StreamArn
	stream, err := f.Streams.DescribeStream(t.Context(), &dynamodbstreams.DescribeStreamInput{StreamArn: arn})
	if err != nil {
		t.Fatal(err)
	}
	for _, shard := range stream.StreamDescription.Shards {
		at, err := f.Streams.GetShardIterator(t.Context(), &dynamodbstreams.GetShardIteratorInput{StreamArn: arn, ShardId: shard.ShardId, ShardIteratorType: types.ShardIteratorTypeTrimHorizon})
		if err != nil {
			t.Fatal(err)
		}
		for next := at.ShardIterator; next != nil; {
			out, err := f.Streams.GetRecords(t.Context(), &dynamodbstreams.GetRecordsInput{ShardIterator: next})
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range out.Records {
				f.change(t, r.Dynamodb)
			}
			if next = out.NextShardIterator; len(out.Records) == 0 {
				break
			}
		}
	}
}

func (f *functions) change(t *testing.T, r *types.StreamRecord) {
	t.Helper()
	count, ok := r.NewImage["Count"].(*types.AttributeValueMemberN)
	if f.seen[*r.SequenceNumber] || !ok || count.Value != "0" {
		return
	}
	f.seen[*r.SequenceNumber] = true
	text := r.NewImage["Store"].(*types.AttributeValueMemberS).Value + " is out of stock of " + r.NewImage["Item"].(*types.AttributeValueMemberS).Value
	f.mailed[text]++
	if _, err := f.SNS.Publish(t.Context(), &sns.PublishInput{TopicArn: aws.String(topics.ARN(sandbox.Topic)), Message: &text}); err != nil {
		t.Fatal(err)
	}
}

// section runs the daemon's commands of a section of docs/migration.md; what else it says the test plays.
func (w *world) section(t *testing.T, heading string) (out string) {
	t.Helper()
	for _, line := range shellLines(t, "docs/migration.md", heading) {
		switch words := strings.Fields(line); words[0] {
		case "inventoryd":
			stdout, stderr, code := w.command(t, "", words[1:]...)
			t.Logf("%s\n%s%s", line, stdout, stderr)
			if out += stdout; code != 0 {
				t.Fatalf("%s: exit %d", line, code)
			}
		case "systemctl", "aws":
		default:
			t.Errorf("%s: who does %q?", heading, line)
		}
	}
	return out
}

// shellLines is the lines of the shell blocks below a heading of a page, without comments and redirections.
func shellLines(t *testing.T, page, heading string) (lines []string) {
	t.Helper()
	text, err := os.ReadFile(top + "/" + page)
	if err != nil {
		t.Fatal(err)
	}
	_, section, ok := strings.Cut(string(text), "\n## "+heading+"\n")
	if !ok {
		t.Fatalf("%s has no section %q", page, heading)
	}
	section, _, _ = strings.Cut(section, "\n## ")
	for _, block := range strings.Split(section, "```sh\n")[1:] {
		block, _, _ = strings.Cut(block, "```")
		for line := range strings.Lines(block) {
			line, _, _ = strings.Cut(line, "#")
			line, _, _ = strings.Cut(line, " > ")
			if line = strings.TrimSpace(strings.ReplaceAll(line, "$BUCKET", sandbox.Bucket)); line != "" {
				lines = append(lines, line)
			}
		}
	}
	return lines
}

// told is what the daemon has told: what reached the subscribers and was not the function's.
func (f *functions) told(t *testing.T, all map[string]int) map[string]int {
	t.Helper()
	f.inbox(t, all)
	rest := map[string]int{}
	for text, n := range all {
		if n -= f.mailed[text]; n != 0 {
			rest[text] = n
		}
	}
	return rest
}

func TestTheFunctionsHandOverWithoutALossAndWithoutTellingTwice(t *testing.T) {
	w := newWorld(t)
	f, all := &functions{w, map[string]bool{}, map[string]int{}}, map[string]int{}
	notify := func(n s3types.NotificationConfiguration) {
		_, err := w.S3.PutBucketNotificationConfiguration(t.Context(), &s3.PutBucketNotificationConfigurationInput{Bucket: aws.String(sandbox.Bucket), NotificationConfiguration: &n})
		if err != nil {
			t.Fatal(err)
		}
	}
	notify(s3types.NotificationConfiguration{}) // the functions are called by the test
	f.load(t, "berlin.csv", "store,item,count\nBerlin,Echo,0\nBerlin,Lamp,2\nBerlin,Tap,3\n")
	f.check(t)

	w.only = onlyNotifier
	w.settings = append(w.settings, "notifier: {send: false, group_wait: 0s}")
	d := w.start(t)
	eventually(t, d, time.Minute, func() bool { return ready(d) }, func() string { return "not ready" })
	w.section(t, "1. Beside them, silent")

	f.load(t, "berlin.csv", "store,item,count\nBerlin,Echo,5\nBerlin,Lamp,0\nBerlin,Tap,3\n")
	f.check(t)
	lists := func(text string, args ...string) func() bool {
		return func() bool { out, _, _ := w.command(t, "", args...); return strings.Contains(out, text) }
	}
	eventually(t, d, time.Minute, lists("Berlin is out of stock of Lamp", "alerts"), func() string { return "the daemon does not see what the function mailed" })
	if out := w.section(t, "2. Compare"); !strings.Contains(out, "Lamp") {
		t.Errorf("what the daemon would have told:\n%s", out)
	}

	notify(s3types.NotificationConfiguration{QueueConfigurations: []s3types.QueueConfiguration{{QueueArn: aws.String(queues.ARN(sandbox.EventQueue)), Events: []s3types.Event{"s3:ObjectCreated:*"}}}})
	w.section(t, "3. The loads change hands")
	before, waited := w.table(t), w.waiting(t, sandbox.EventQueue)                           // S3's test events
	w.put(t, "berlin.csv", "store,item,count\nBerlin,Echo,5\nBerlin,Lamp,0\nBerlin,Tap,0\n") // Lamp's zero again: the function would mail it twice
	f.check(t)
	if told := f.told(t, all); len(told) > 0 || !maps.Equal(before, w.table(t)) || w.waiting(t, sandbox.EventQueue) == waited {
		t.Errorf("with the functions gone and the daemon not come: told %v, table %v, waiting %s", told, w.table(t), w.waiting(t, sandbox.EventQueue))
	}

	if code := d.terminate(t, time.Minute); code != 0 {
		t.Fatalf("exit %d\n%s", code, d.log)
	}
	w.only = both
	w.settings[len(w.settings)-1] = "notifier: {group_wait: 0s}"
	d = w.start(t)
	eventually(t, d, time.Minute, lists("Berlin is out of stock of Tap", "alerts"), func() string { return "what waited is not told" })
	w.section(t, "4. The alerts change hands")
	want := map[string]int{"Berlin is out of stock of Tap": 1}
	if told := f.told(t, all); !maps.Equal(told, want) {
		t.Errorf("the daemon told %v, the function mailed %v; it was to tell %v", told, f.mailed, want)
	}
	if rows := w.table(t); rows[inventory.Key{Store: "Berlin", Item: "Tap"}] != 0 || len(rows) != 3 {
		t.Errorf("the table is %v", rows)
	}
}
