//go:build long

package long

// The stream reader on DynamoDB Local whose time runs 480 times as fast: shards roll over every half minute, iterators
// expire within two seconds, records within three minutes.

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"

	"inventoryd/stream"
)

// collector is a handler that keeps the counts it was given, each once, in order.
type collector struct {
	mu     sync.Mutex // guards what follows
	counts []int
	shards map[string]bool
	gaps   []stream.Gap
}

func (c *collector) handle(_ context.Context, batch []stream.Record) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i, r := range batch {
		v, _ := r.New.Lookup("n")
		text, _ := v.N()
		n, err := strconv.Atoi(text)
		if err != nil {
			return stream.FailedAt(i, stream.Permanent(err))
		}
		c.shards[r.Shard] = true
		if !slices.Contains(c.counts, n) { // a restart repeats a suffix
			c.counts = append(c.counts, n)
		}
	}
	return nil
}

func (c *collector) gap(_ context.Context, g stream.Gap) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.gaps = append(c.gaps, g)
	return nil
}

func (c *collector) seen() (counts, shards int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.counts), len(c.shards)
}

// follow starts a reader of the world's table; stop ends it.
func (w *world) follow(endpoint *string, c *collector) (stop func()) {
	cfg := aws.Config{
		Region: "us-east-1", BaseEndpoint: endpoint, Credentials: credentials.NewStaticCredentialsProvider("long", "secret", ""),
		HTTPClient: &http.Client{Transport: &http.Transport{DisableKeepAlives: true}},
		Retryer:    func() aws.Retryer { return aws.NopRetryer{} },
	}
	config := stream.DefaultConfig()
	config.App = "long"
	config.LeaseTable, config.OnGap = "leases", c.gap
	r, err := stream.New(dynamodbstreams.NewFromConfig(cfg), dynamodb.NewFromConfig(cfg), *table, c.handle, config)
	w.must(err)
	ctx, cancel := context.WithCancel(w.t.Context())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	return func() {
		cancel()
		w.must(<-done)
	}
}

func TestReaderFollowsFiveGenerationsOfDynamoDBLocalWithoutLoss(t *testing.T) {
	w := onDynamoDBLocal(t)
	endpoint := w.db.Options().BaseEndpoint
	c := &collector{shards: map[string]bool{}}
	stop := w.follow(endpoint, c)
	restarted := false
	for _, shards := c.seen(); shards < 6; _, shards = c.seen() {
		w.write()
		time.Sleep(50 * time.Millisecond)
		if shards == 3 && !restarted {
			stop()
			stop, restarted = w.follow(endpoint, c), true
		}
	}
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(100 * time.Millisecond) {
		if counts, _ := c.seen(); counts == w.put {
			break
		}
		if time.Now().After(deadline) {
			break
		}
	}
	stop()
	if !slices.Equal(c.counts, upTo(1, w.put)) {
		t.Errorf("%d records of %d arrived, in order: %t", len(c.counts), w.put, slices.IsSorted(c.counts))
	}
	if len(c.gaps) > 0 {
		t.Errorf("gaps %+v", c.gaps)
	}
	t.Logf("%d records of %d shards", len(c.counts), len(c.shards))
}
