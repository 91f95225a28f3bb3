package loader_test

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"

	"inventoryd/internal/inventory"
	"inventoryd/internal/sandbox"
	"inventoryd/internal/sandbox/queues"
)

func TestAFileInTheBucketBecomesRows(t *testing.T) {
	inWorld(t, func(w *world) {
		i := w.start("a")
		feed, want := feedOf(1000, "Berlin", "Osaka", "Quito")
		w.put("feed.csv", feed)
		w.quiet(time.Minute)
		w.exact(want)
		if total := i.balanced(); total.Loaded != 1 || total.Books.Read != 1000 {
			t.Errorf("total %+v", total)
		}
		if err := i.Ready(); err != nil {
			t.Errorf("not ready: %v", err)
		}
	})
}

func TestTheSampleFeedsOneByOneAllAtOnceAndAgain(t *testing.T) {
	paths, err := filepath.Glob("../samples/*.csv")
	if err != nil || len(paths) != 6 {
		t.Fatalf("samples: %v, %v", paths, err)
	}
	inWorld(t, func(w *world) {
		i := w.start("a")
		want := map[inventory.Key]int64{}
		for round := range 3 {
			for _, path := range paths {
				text, err := os.ReadFile(path)
				if err != nil {
					t.Fatal(err)
				}
				want = both(want, plainRows(t, text))
				w.put(filepath.Base(path), string(text))
				if round == 0 {
					w.quiet(time.Minute)
				}
			}
			w.quiet(time.Minute)
			time.Sleep(time.Second) // what S3 tells of an upload's time: two within it, of one content, are one
		}
		w.exact(want)
		if total := i.balanced(); total.Loaded != 18 || total.Books.Written != 3*36 {
			t.Errorf("total %+v", total)
		}
	})
}

// plainRows reads a feed without anything awkward, by other means than the loader's.
func plainRows(t *testing.T, text []byte) map[inventory.Key]int64 {
	t.Helper()
	records, err := csv.NewReader(bytes.NewReader(text)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	rows := map[inventory.Key]int64{}
	for _, r := range records[1:] {
		count, err := strconv.ParseInt(r[2], 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		rows[inventory.Key{Store: r[0], Item: r[1]}] = count
	}
	return rows
}

// TestEveryShapeLoadsEveryKey lets the bucket tell of each key in each shape, all into one queue.
func TestEveryShapeLoadsEveryKey(t *testing.T) {
	inWorld(t, func(w *world) {
		wrapped, raw := w.topic("wrapped", "false"), w.topic("raw", "true")
		i := w.start("a")
		want := map[inventory.Key]int64{}
		for _, c := range []struct{ shape, topic string }{
			{"direct", ""},
			{"SNS", wrapped},
			{"raw SNS", raw},
			{"EventBridge", ""},
			{"EventBridge by SNS", wrapped},
			{"EventBridge by raw SNS", raw},
		} {
			bridge := strings.HasPrefix(c.shape, "EventBridge")
			w.notify(c.topic, bridge)
			for _, key := range []string{"a b.csv", "a+b.csv", "%2B%20.csv", "Zürich/ä.csv", "x=1/y.csv"} {
				count := int64(len(want))
				want[inventory.Key{Store: c.shape, Item: key}] = count
				e, err := w.Objects.Put(sandbox.Bucket, key, fmt.Appendf(nil, "store,item,count\n%s,%s,%d\n", c.shape, key, count))
				switch {
				case err != nil:
					t.Fatal(err)
				case bridge && c.topic == "":
					w.send(string(e.EventBridge()))
				case bridge:
					err = w.Topics.Notify(c.topic, "", string(e.EventBridge()))
				}
				if err != nil {
					t.Fatal(err)
				}
				w.quiet(time.Minute)
			}
		}
		w.exact(want)
		if total := i.balanced(); total.Loaded != int64(len(want)) || total.Failed > 0 {
			t.Errorf("total %+v; log %v", total, w.messages())
		}
	})
}

// topic makes a topic that delivers to the event queue.
func (w *world) topic(name, raw string) (arn string) {
	w.Helper()
	client := sns.NewFromConfig(w.Config("test"))
	topic, err := client.CreateTopic(w.Context(), &sns.CreateTopicInput{Name: &name})
	if err != nil {
		w.Fatal(err)
	}
	_, err = client.Subscribe(w.Context(), &sns.SubscribeInput{
		TopicArn: topic.TopicArn, Protocol: aws.String("sqs"), Endpoint: aws.String(queues.ARN(sandbox.EventQueue)),
		Attributes: map[string]string{"RawMessageDelivery": raw},
	})
	if err != nil {
		w.Fatal(err)
	}
	return *topic.TopicArn
}

// notify has the bucket tell a topic, or, without one, the queue; or nobody.
func (w *world) notify(topic string, nobody bool) {
	w.Helper()
	created := []types.Event{types.EventS3ObjectCreated}
	var n types.NotificationConfiguration
	switch {
	case nobody:
	case topic != "":
		n.TopicConfigurations = []types.TopicConfiguration{{TopicArn: &topic, Events: created}}
	default:
		n.QueueConfigurations = []types.QueueConfiguration{{QueueArn: aws.String(queues.ARN(sandbox.EventQueue)), Events: created}}
	}
	_, err := w.clients("test").S3.(*s3.Client).PutBucketNotificationConfiguration(w.Context(), &s3.PutBucketNotificationConfigurationInput{
		Bucket: aws.String(sandbox.Bucket), NotificationConfiguration: &n,
	})
	if err != nil {
		w.Fatal(err)
	}
}

func TestAMissingQueueIsNamedWithTheSettingAndTheRemedy(t *testing.T) {
	inWorld(t, func(w *world) {
		w.config.Queue = "inventory-evnets"
		i := w.start("a")
		i.once.Do(func() {})
		err := <-i.ended
		i.cancel()
		for _, part := range []string{"inventory-evnets", "loader.queue", "create it"} {
			if err == nil || !strings.Contains(err.Error(), part) {
				t.Errorf("the error does not speak of %q: %v", part, err)
			}
		}
	})
}
