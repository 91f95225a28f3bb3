package main

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"inventoryd/internal/inventory"
	"inventoryd/internal/sandbox"
	"inventoryd/internal/sandbox/fault"
	"inventoryd/internal/sandbox/queues"
)

// largeFeed is a feed of so many rows, and what the table holds afterwards.
func largeFeed(rows int) (body []byte, want map[inventory.Key]int64) {
	var b bytes.Buffer
	b.WriteString("store,item,count\n")
	want = make(map[inventory.Key]int64, rows)
	for n := range rows {
		key := inventory.Key{Store: fmt.Sprint("store ", n%500), Item: fmt.Sprint("item ", n)}
		fmt.Fprintf(&b, "%s,%s,%d\n", key.Store, key.Item, 1+n%1000)
		want[key] = int64(1 + n%1000)
	}
	return b.Bytes(), want
}

// TestKill9InALargeLoadRepeatsLittle kills the daemon again and again in the middle of one load: three times, or of a million rows
// twenty times with TEST_LONG.
func TestKill9InALargeLoadRepeatsLittle(t *testing.T) {
	rows, kills := 150_000, 3
	if os.Getenv("TEST_LONG") != "" {
		rows, kills = 1_000_000, 20
	}
	w := newWorld(t)
	w.only = onlyLoader
	policy := map[string]string{"RedrivePolicy": `{"deadLetterTargetArn":"` + queues.ARN(sandbox.DeadLetterQueue) + `","maxReceiveCount":"1000"}`} // a death costs a receive
	if _, err := w.SQS.SetQueueAttributes(t.Context(), &sqs.SetQueueAttributesInput{QueueUrl: w.queueURL(t, sandbox.EventQueue), Attributes: policy}); err != nil {
		t.Fatal(err)
	}
	var written atomic.Int64
	w.aws.Fault(fault.Rule{Service: "dynamodb", Operation: "BatchWriteItem", Client: "daemon", Match: func(c fault.Call) bool {
		written.Add(int64(bytes.Count(c.Body, []byte("PutRequest"))))
		return false
	}})
	body, want := largeFeed(rows)
	if _, err := w.aws.Objects.Put(sandbox.Bucket, "large.csv", body); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	for n := range kills {
		p := w.start(t)
		killed := make(chan struct{})
		w.aws.Fault(fault.Rule{Service: "dynamodb", Operation: "BatchWriteItem", Client: "daemon", Skip: 1 + rand.N(rows/25/(kills+1)), Times: 1, Effect: fault.Effect{Do: func() {
			p.Process.Kill()
			close(killed)
		}}})
		select {
		case <-killed:
		case <-time.After(2 * time.Minute):
			t.Fatalf("life %d writes nothing\n%s", n, p.log)
		}
		p.Wait()
		t.Logf("kill %d after %d rows", n+1, written.Load())
	}
	last := w.start(t)
	eventually(t, last, 10*time.Minute, func() bool { return w.waiting(t, sandbox.EventQueue) == "0+0" }, func() string {
		return fmt.Sprintf("%d rows written, messages %s", written.Load(), w.waiting(t, sandbox.EventQueue))
	})
	got := w.table(t)
	for key, count := range want {
		if got[key] != count {
			t.Fatalf("%v is %d, the feed says %d", key, got[key], count)
		}
	}
	most := rows + 75_000*kills
	t.Logf("%d rows, %d kills: %d rows written in all, at most %d (%.0f repeated a kill), %v", rows, kills, written.Load(), most, float64(int(written.Load())-rows)/float64(kills), time.Since(began).Round(time.Second))
	if len(got) != rows || written.Load() > int64(most) {
		t.Errorf("%d items; %d rows written in all, at most %d", len(got), written.Load(), most)
	}
	if n := w.waiting(t, sandbox.DeadLetterQueue); n != "0+0" {
		t.Errorf("%s messages in the dead-letter queue", n)
	}
}
