package loader_test

// The world of the tests: the sandbox, real SDK clients, and a loader in a synctest bubble.

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/google/go-cmp/cmp"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"inventoryd/internal/inventory"
	"inventoryd/internal/sandbox"
	"inventoryd/internal/state"
	"inventoryd/loader"
)

// world is one sandbox and what a test does with it. It lives in a bubble.
type world struct {
	*testing.T
	*sandbox.Sandbox
	config loader.Config         // of the loaders started from here on
	twist  func(*loader.Clients) // of their clients; may be nil
	logs   *observer.ObservedLogs
	slow   bool  // without the fast path
	lines  lines // the fast path's connections
}

// inWorld runs a test in a bubble with a provisioned sandbox and a state table.
func inWorld(t *testing.T, test func(w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		core, logs := observer.New(zap.DebugLevel)
		w := &world{T: t, Sandbox: sandbox.New(), config: loader.DefaultConfig(), logs: logs}
		w.config.Logger = zap.New(core)
		if err := w.Provision(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.Queues.Drain(sandbox.EventQueue) // the test event that the notification's configuration sent
		if _, err := state.Ensure(t.Context(), w.dynamo("test"), w.config.StateTable); err != nil {
			t.Fatal(err)
		}
		test(w)
	})
}

func (w *world) dynamo(name string) *dynamodb.Client {
	return dynamodb.NewFromConfig(w.Config(name), func(o *dynamodb.Options) { o.DisableValidateResponseChecksum = true })
}

// clients are those of one instance, as the daemon makes them.
func (w *world) clients(name string) loader.Clients {
	cfg := w.Config(name)
	retryer := func() aws.Retryer {
		return retry.NewStandard(func(o *retry.StandardOptions) { o.MaxAttempts, o.MaxBackoff = 3, 5*time.Second })
	}
	return loader.Clients{
		SQS: sqs.NewFromConfig(cfg, func(o *sqs.Options) { o.Retryer = retryer() }),
		S3: s3.NewFromConfig(cfg, func(o *s3.Options) {
			o.Retryer, o.UsePathStyle, o.DisableLogOutputChecksumValidationSkipped = retryer(), true, true
		}),
		Tables: w.dynamo(name), State: w.dynamo(name),
		Wire: w.wired(cfg.HTTPClient.(*http.Client).Transport, cfg.Credentials),
	}
}

// instance is a running loader.
type instance struct {
	*loader.Loader
	w      *world
	cancel context.CancelFunc
	ended  chan error
	once   sync.Once
}

// start runs a loader; the test's end stops it.
func (w *world) start(name string) *instance {
	w.Helper()
	clients := w.clients(name)
	if w.twist != nil {
		w.twist(&clients)
	}
	l, err := loader.New(clients, w.config)
	if err != nil {
		w.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	i := &instance{Loader: l, w: w, cancel: cancel, ended: make(chan error, 1)}
	go func() { i.ended <- l.Run(ctx) }()
	w.Cleanup(i.stop)
	return i
}

// stop stops the loader and waits for its end, which must be an orderly one.
func (i *instance) stop() {
	i.once.Do(func() {
		i.cancel()
		if err := <-i.ended; err != nil {
			i.w.Errorf("the loader ended with: %v", err)
		}
	})
}

// put uploads a feed; the bucket tells the queue.
func (w *world) put(key, body string) {
	w.Helper()
	if _, err := w.Objects.Put(sandbox.Bucket, key, []byte(body)); err != nil {
		w.Fatal(err)
	}
}

// quiet waits until the queue is empty, in virtual time.
func (w *world) quiet(limit time.Duration) {
	w.Helper()
	for end := time.Now().Add(limit); ; time.Sleep(100 * time.Millisecond) {
		c := w.Queues.Contents(sandbox.EventQueue)
		if len(c.Visible)+len(c.InFlight)+len(c.Delayed) == 0 {
			return
		}
		if time.Now().After(end) {
			w.Fatalf("the queue still holds %d visible messages and %d in flight after %v; log: %v",
				len(c.Visible), len(c.InFlight)+len(c.Delayed), limit, w.messages())
		}
	}
}

// messages are the texts of the log.
func (w *world) messages() (texts []string) {
	for _, e := range w.logs.All() {
		texts = append(texts, e.Message+" "+fmt.Sprint(e.ContextMap()))
	}
	return texts
}

// rows is what the table holds.
func (w *world) rows() map[inventory.Key]int64 {
	w.Helper()
	rows := map[inventory.Key]int64{}
	w.scan(func(item inventory.Item, attributes map[string]types.AttributeValue) {
		if len(attributes) != 3 {
			w.Errorf("%v has further attributes: %v", item.Key, attributes)
		}
		rows[item.Key] = item.Count
	})
	return rows
}

// scan looks at each item of the table.
func (w *world) scan(look func(inventory.Item, map[string]types.AttributeValue)) {
	w.Helper()
	pages := dynamodb.NewScanPaginator(w.dynamo("reader"), &dynamodb.ScanInput{TableName: aws.String(sandbox.Table)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(context.Background())
		if err != nil {
			w.Fatal(err)
		}
		for _, attributes := range page.Items {
			item, err := inventory.DefaultTable.ItemOf(attributes)
			if err != nil {
				w.Fatal(err)
			}
			look(item, attributes)
		}
	}
}

// exact fails unless the table holds want and nothing else.
func (w *world) exact(want map[inventory.Key]int64) {
	w.Helper()
	if diff := cmp.Diff(want, w.rows()); diff != "" {
		w.Errorf("the table is not as the feeds say (-want +got):\n%.4000s", diff)
	}
}

// balanced fails unless the books of all loads balance, and returns their sum.
func (i *instance) balanced() loader.Totals {
	i.w.Helper()
	for _, p := range i.Status().Recent {
		b := p.Books
		rest := 2 * b.Read
		b.Each(func(_ string, rows int64) { rest -= rows })
		if rest != 0 {
			i.w.Errorf("the books of %s do not balance: %+v", p.Key, b)
		}
	}
	return i.Status().Total
}

// feedOf makes a feed of n rows of the given stores, and what the table holds afterwards. A tenth of the keys come
// again with another count.
func feedOf(n int, stores ...string) (string, map[inventory.Key]int64) {
	var b strings.Builder
	want := map[inventory.Key]int64{}
	b.WriteString("store,item,count\n")
	for i := range n {
		key := inventory.Key{Store: stores[i%len(stores)], Item: fmt.Sprintf("item %d", i)}
		if i%10 == 9 {
			key.Item = fmt.Sprintf("item %d", i-len(stores)*((i/len(stores)+1)/2))
		}
		fmt.Fprintf(&b, "%s,%s,%d\n", key.Store, key.Item, i)
		want[key] = int64(i)
	}
	return b.String(), want
}

// both merges what two feeds leave.
func both(a, b map[inventory.Key]int64) map[inventory.Key]int64 {
	all := maps.Clone(a)
	maps.Copy(all, b)
	return all
}

// eventually waits in virtual time until a condition holds.
func (w *world) eventually(limit time.Duration, what string, holds func() bool) {
	w.Helper()
	for end := time.Now().Add(limit); !holds(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			w.Fatalf("after %v: not yet %s; log: %v", limit, what, w.messages())
		}
	}
}
