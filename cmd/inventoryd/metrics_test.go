package main

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"inventoryd/internal/inventory"
	"inventoryd/internal/sandbox"
	"inventoryd/internal/sandbox/fault"
	"inventoryd/internal/sandbox/objects"
	"inventoryd/loader"
)

// The metrics of a daemon to which everything has happened that a metric tells of.

// metricRow is a row of docs/metrics.md; cloudwatch is empty where the metric is not pushed.
type metricRow struct{ prometheus, cloudwatch, kind string }

func metricRows(t *testing.T) (rows []metricRow) {
	t.Helper()
	page, err := os.ReadFile(filepath.Join(top, "docs/metrics.md"))
	if err != nil {
		t.Fatal(err)
	}
	row := regexp.MustCompile("(?m)^\\| `[a-z.]+` \\| `([a-z_]+)` \\| (?:`([A-Za-z]+)`|–) \\| ([a-z]+) \\|")
	for _, m := range row.FindAllStringSubmatch(string(page), -1) {
		rows = append(rows, metricRow{m[1], m[2], m[3]})
	}
	return rows
}

func TestEachMetricIsMeasuredAndBothWaysOutAgree(t *testing.T) {
	var exposition string
	var f *world
	eventful := func(c *Config) {
		c.Loader.Visibility, c.Loader.MaxRejects, c.Loader.Objects.Exclude = 8*time.Second, 2, []string{"*.tmp"}
		whole := loader.Feed{Name: "whole", Pattern: sandbox.Bucket + "/whole-*", Guard: loader.Guard{Gate: loader.Gate{Action: "hold"}, Whole: true, Absent: "zero", AbsentMax: 50}}
		whole.Expect = loader.Expect{By: "00:03"} // the world begins at midnight
		c.Loader.Feeds = []loader.Feed{whole}
		c.Stream.DeadLetterQueue = sandbox.DeadLetterQueue
		c.Notifier.Cooldown = time.Hour
	}
	inBubble(t, eventful, func(t *testing.T, w *world) {
		f = w
		cfg := defaults()
		eventful(&cfg)
		time.Sleep(10 * time.Second)
		w.upload(t)
		time.Sleep(5 * time.Minute) // a feed is late
		for _, happen := range []func(*testing.T){w.wholeFeeds, w.objectsOfAllFates, w.objectsThatChange, w.messagesOfAllKinds, w.troubleWithWrites, w.changesOfAllKinds, w.troubleWithTheStream} {
			happen(t)
			time.Sleep(time.Minute)
		}
		w.changedThresholds(t, cfg)
		cfg.Notifier.Send, cfg.Loader.Mode = false, "delta" // in force from here on, and nothing begins to count anew
		w.reload <- cfg
		w.putObject(t, "again.csv", "store,item,count\nOslo,Kettle,4\n")
		w.stock(t, "shadow", 0)
		w.aws.Fault(fault.Rule{Service: "cloudwatch", Client: "daemon", Times: 3, Effect: fault.Unavailable})
		time.Sleep(2*time.Minute + 25*time.Second) // stopped in mid-interval
		w.stock(t, "late", 7)
		time.Sleep(10 * time.Second)
		w.daemon.ask(t, "/") // somebody looks
		_, exposition = w.daemon.ask(t, "/metrics")
	})
	amounts := parseClean(t, exposition)
	for _, row := range metricRows(t) {
		n, there := amounts[row.prometheus]
		if slices.Contains(rare, row.prometheus) {
			continue
		}
		if !there || n == 0 && row.kind != "gauge" {
			t.Errorf("%s: there %v, %v: nobody measures it", row.prometheus, there, n)
		}
		if row.cloudwatch == "" {
			continue
		}
		switch pushed := f.aws.Metrics.Statistics(row.cloudwatch); {
		case pushed.Count == 0:
			t.Errorf("%s is never pushed", row.cloudwatch)
		case row.kind == "counter" && (pushed.Sum != n || pushed.Count < 8):
			t.Errorf("%s is %v in %v data, %s is %v", row.cloudwatch, pushed.Sum, pushed.Count, row.prometheus, n)
		case row.kind == "histogram" && pushed.Count != n:
			t.Errorf("%s has %v measurements, %s has %v", row.cloudwatch, pushed.Count, row.prometheus, n)
		}
	}
	documented := map[string]bool{}
	for _, row := range metricRows(t) {
		documented[row.prometheus] = true
	}
	for name := range amounts {
		if strings.HasPrefix(name, "inventoryd_") && !documented[name] {
			t.Errorf("%s is not in docs/metrics.md", name)
		}
	}
	for _, c := range f.aws.Metrics.Calls() {
		if !c.Compressed {
			t.Errorf("a call is not compressed: %+v", c)
		}
	}
	if series := f.aws.Metrics.Series(); len(series) > 40 {
		t.Errorf("%d series: %v", len(series), series)
	}
}

// parseClean reads an exposition with which Prometheus' own linter finds no fault: what each metric has counted, over all
// labels; of a histogram, its measurements.
func parseClean(t *testing.T, exposition string) map[string]float64 {
	t.Helper()
	problems, err := promlint.New(strings.NewReader(exposition)).Lint()
	if err != nil || len(problems) > 0 {
		t.Error("the exposition is not clean:", problems, err)
	}
	parser := expfmt.NewTextParser(model.LegacyValidation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(exposition))
	if err != nil {
		t.Fatal(err)
	}
	amounts := map[string]float64{}
	for name, f := range families {
		for _, m := range f.GetMetric() {
			amounts[name] += m.GetCounter().GetValue() + m.GetGauge().GetValue() + float64(m.GetHistogram().GetSampleCount())
		}
	}
	return amounts
}

// objectsOfAllFates brings objects that are loaded, ignored, unusable, too bad, replaced and deleted.
func (w *world) objectsOfAllFates(t *testing.T) {
	for key, body := range map[string]string{
		"half.tmp":     "store,item,count\n",
		"nocount.csv":  "store,item,amount\nLisbon,Kettle,3\n",
		"rejects.csv":  "store,item,count\nOslo,Lamp,x\nOslo,Lamp,2\n",
		"joined.csv":   "store,item,count\nOslo,Bowl,3\nstore,item,count\nOslo,Fork,4\n",
		"twice.csv":    "store,item,count\nOslo,Kettle,3\nOslo,Kettle,4\n",
		"too-bad.csv":  "store,item,count\nBern,Lamp,1\n" + strings.Repeat("Bern,Lamp,x\n", 5) + strings.Repeat("Bern,Fan,1\n", 60),
		"replaced.csv": "store,item,count\nBonn,Lamp,1\n",
	} {
		w.putObject(t, key, body)
	}
	w.tell(t, objects.Event{Name: "ObjectCreated:Put", Key: "replaced.csv", ETag: strings.Repeat("0", 32)})
	w.tell(t, objects.Event{Name: "ObjectCreated:Put", Key: "deleted.csv", ETag: strings.Repeat("0", 32)})
}

// wholeFeeds brings a feed, one that lacks an item of it, and one that names another store.
func (w *world) wholeFeeds(t *testing.T) {
	for i, body := range []string{"Lima,Lamp,1\nLima,Fan,2\n", "Lima,Fan,2\n", "Cusco,Fan,2\n"} {
		w.putObject(t, fmt.Sprintf("whole-%d.csv", i), "store,item,count\n"+body)
		time.Sleep(30 * time.Second)
	}
}

// objectsThatChange brings one that is replaced while it is read, one that is deleted while it is written, one that is
// archived until the message comes back, and one that cannot be read to its end for a while.
func (w *world) objectsThatChange(t *testing.T) {
	reads := func(key string) func(fault.Call) bool {
		return func(c fault.Call) bool { return strings.HasSuffix(c.Request.URL.Path, key) }
	}
	feed := "store,item,count\n"
	for i := range 100 {
		feed += fmt.Sprintf("Rome,Tile %d,7\n", i)
	}
	read := fault.Rule{Service: "s3", Operation: "GetObject", Client: "daemon", Match: reads("changing.csv"), Times: 1, Effect: fault.Effect{Half: true}}
	w.aws.Fault(read)
	read.Effect = fault.Effect{Do: func() { w.putObject(t, "changing.csv", strings.ReplaceAll(feed, ",7", ",8")) }}
	w.aws.Fault(read)
	w.putObject(t, "changing.csv", feed)
	w.aws.Fault(fault.Rule{Service: "dynamodb", Operation: "BatchWriteItem", Client: "daemon", Times: 1, Effect: fault.Effect{Delay: 2 * time.Second}})
	w.putObject(t, "vanishing.csv", "store,item,count\nRome,Vase,3\n")
	time.Sleep(time.Second)
	if _, err := w.S3.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: aws.String(sandbox.Bucket), Key: aws.String("vanishing.csv")}); err != nil {
		t.Fatal(err)
	}

	archived := &fault.Error{Status: 403, Code: "InvalidObjectState", Message: "The operation is not valid for the object's storage class"}
	w.aws.Fault(fault.Rule{Service: "s3", Operation: "GetObject", Client: "daemon", Match: reads("archived.csv"), Times: 1, Effect: fault.Effect{Error: archived}})
	w.putObject(t, "archived.csv", "store,item,count\nRome,Urn,3\n")
	time.Sleep(30 * time.Second)

	broken := fault.Rule{Service: "s3", Operation: "GetObject", Client: "daemon", Match: reads("breaking.csv"), Times: 1, Effect: fault.Effect{Half: true}}
	w.aws.Fault(broken)
	broken.Times, broken.Effect = 0, fault.Unavailable
	mend := w.aws.Fault(broken)
	w.putObject(t, "breaking.csv", strings.Repeat(feed, 100))
	time.Sleep(30 * time.Second)
	mend()
	time.Sleep(5 * time.Minute)
}

// messagesOfAllKinds brings events that are no creations; that of the bucket's configuration is in the queue already.
func (w *world) messagesOfAllKinds(t *testing.T) {
	w.tell(t, objects.Event{Name: "ObjectRemoved:Delete", Key: "replaced.csv"})
	w.tell(t, objects.Event{Name: "ObjectCreated:Put", Key: "joined.csv"}) // once more
}

// troubleWithWrites throttles writes, and slows them down until the message that they are for must be renewed, which fails
// at first.
func (w *world) troubleWithWrites(t *testing.T) {
	w.aws.Fault(fault.Rule{Service: "dynamodb", Operation: "BatchWriteItem", Client: "daemon", Times: 2, Effect: fault.ThroughputExceeded})
	w.aws.Fault(fault.Rule{Service: "dynamodb", Operation: "BatchWriteItem", Client: "daemon", Times: 1, Effect: fault.Effect{Delay: 7 * time.Second}})
	w.aws.Fault(fault.Rule{Service: "sqs", Operation: "ChangeMessageVisibilityBatch", Client: "daemon", Times: 3, Effect: fault.Unavailable})
	w.putObject(t, "slow.csv", "store,item,count\nRome,Lamp,3\n")
}

// changesOfAllKinds writes to the table by another hand than the loader's.
func (w *world) changesOfAllKinds(t *testing.T) {
	for _, n := range []int64{0, 5, 0} { // the second shortage is within the cooldown
		w.stock(t, "again", n)
		time.Sleep(40 * time.Second) // longer than a store rests
	}
	key := inventory.DefaultTable.KeyAttributes(inventory.Key{Store: "store of again", Item: "again"})
	_, err := w.Tables.DeleteItem(t.Context(), &dynamodb.DeleteItemInput{TableName: aws.String(sandbox.Table), Key: key})
	if err != nil {
		t.Fatal(err)
	}
	_, err = w.Tables.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: aws.String(sandbox.Table), Item: key}) // no count
	if err != nil {
		t.Fatal(err)
	}
	refuse := fault.Effect{Error: &fault.Error{Code: "InvalidParameter", Message: "Invalid parameter: Message"}}
	w.aws.Fault(fault.Rule{Service: "sns", Client: "daemon", Times: 1, Effect: refuse})
	w.stock(t, "refused", 0)
	time.Sleep(5 * time.Second)
	poison := fault.Effect{Error: &fault.Error{Code: "ValidationException", Message: "One or more parameter values were invalid"}}
	w.aws.Fault(fault.Rule{Operation: "UpdateItem", Client: "daemon", Match: func(c fault.Call) bool { return bytes.Contains(c.Body, []byte("poisoned")) }, Effect: poison})
	w.stock(t, "poisoned", 0) // a change that DynamoDB refuses to hold is diverted
	time.Sleep(5 * time.Second)
	deny := w.aws.Fault(fault.Rule{Service: "sns", Client: "daemon", Effect: fault.AccessDenied})
	w.stock(t, "recovered", 0)
	time.Sleep(5 * time.Second)
	blind := w.aws.Fault(fault.Rule{Service: "streams", Client: "daemon", Effect: fault.Unavailable})
	w.stock(t, "recovered", 9) // the table knows it before the row does
	time.Sleep(time.Minute)
	blind()
	deny()
	time.Sleep(2 * time.Minute) // until the next attempt
}

// changedThresholds lets comparisons with the table find a shortage and close it.
func (w *world) changedThresholds(t *testing.T, cfg Config) {
	w.stock(t, "scarce", 1)
	time.Sleep(10 * time.Second)
	for _, threshold := range []int64{1, 0} {
		cfg.Notifier.Threshold = threshold
		w.reload <- cfg
		time.Sleep(30 * time.Second)
	}
}

// troubleWithTheStream lets checkpoints fail, loses a shard's row, and trims records that were not read.
func (w *world) troubleWithTheStream(t *testing.T) {
	leases := func(c fault.Call) bool { return bytes.Contains(c.Body, []byte(`"inventoryd-leases"`)) }
	w.aws.Fault(fault.Rule{Service: "dynamodb", Operation: "UpdateItem", Client: "daemon", Times: 6, Match: leases, Effect: fault.InternalServerError})
	w.stock(t, "checkpoint", 3)
	time.Sleep(time.Minute)
	for _, key := range w.shardRows(t) {
		_, err := w.Tables.DeleteItem(t.Context(), &dynamodb.DeleteItemInput{TableName: aws.String("inventoryd-leases"), Key: key})
		if err != nil {
			t.Fatal(err)
		}
	}
	for i := range 40 { // each shard has something to store, and finds its row missing
		w.stock(t, fmt.Sprint("checkpoint ", i), 3)
	}
	time.Sleep(2 * time.Minute)
	trimmed := fault.Effect{Error: &fault.Error{Code: "TrimmedDataAccessException", Message: "The operation attempted to read past the oldest stream record in a shard."}}
	w.aws.Fault(fault.Rule{Service: "streams", Client: "daemon", Operation: "GetRecords", Times: 1, Effect: trimmed})
}

// shardRows are the keys of the shards' rows.
func (w *world) shardRows(t *testing.T) (keys []map[string]types.AttributeValue) {
	t.Helper()
	rows := w.partition(t, "inventoryd-leases", "pk", "Inventory#shards")
	if len(rows) == 0 {
		t.Fatal("there are no shards")
	}
	for _, row := range rows {
		maps.DeleteFunc(row, func(name string, _ types.AttributeValue) bool { return !slices.Contains([]string{"pk", "sk"}, name) })
		keys = append(keys, row)
	}
	return keys
}

// putObject uploads an object.
func (w *world) putObject(t *testing.T, key, body string) {
	t.Helper()
	_, err := w.S3.PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String(sandbox.Bucket), Key: &key, Body: strings.NewReader(body)})
	if err != nil {
		t.Fatal(err)
	}
}

// tell sends an event of the bucket.
func (w *world) tell(t *testing.T, e objects.Event) {
	t.Helper()
	e.Bucket, e.Time = sandbox.Bucket, time.Now()
	_, err := w.SQS.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: w.queueURL(t, sandbox.EventQueue), MessageBody: aws.String(string(e.Direct()))})
	if err != nil {
		t.Fatal(err)
	}
}

// stock sets the count of an item, each of a store of its own, so that they are spread over the stream's shards.
func (w *world) stock(t *testing.T, item string, count int64) {
	t.Helper()
	w.putRows(t, map[inventory.Key]int64{{Store: "store of " + item, Item: item}: count})
}
