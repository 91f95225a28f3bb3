package main

// How long an alert takes in the daemon itself: bin/inventoryd as a process beside a sandbox in this one, over loopback
// connections that take no time. The sandbox notes when it committed what.

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"inventoryd/internal/inventory"
	"inventoryd/internal/sandbox"
	"inventoryd/internal/sandbox/dynamo/attr"
	"inventoryd/test/figure"
)

const (
	warm      = 60  // puts and uploads that are not measured
	puts      = 400 // each takes an item to zero
	uploads   = 100 // each a feed with an item at zero
	between   = 25 * time.Millisecond
	patience  = time.Minute
	binary    = "bin/inventoryd"
	stateName = "inventoryd-state"
)

// marks are when the sandbox committed the count and the row of an item.
type marks struct {
	mu          sync.Mutex // guards what follows
	counts, due map[string]time.Time
}

func (m *marks) wrote(table string, _, next attr.Item) {
	now := time.Now()
	m.mu.Lock()
	defer m.mu.Unlock()
	name, to := "Item", m.counts
	if table == stateName {
		name, to = "sk", m.due
		if _, is := next.Lookup("due"); !is {
			return
		}
	}
	if item, ok := next.Lookup(name); ok && strings.HasPrefix(item.Text, "item-") {
		if _, known := to[item.Text]; !known {
			to[item.Text] = now
		}
	}
}

// latencies are from the commit of a count to that of the row that makes its alert durable, in milliseconds.
func (m *marks) latencies(skip int) (all []float64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for item, at := range m.counts {
		var n int
		if _, err := fmt.Sscanf(item, "item-%d", &n); err == nil && n >= skip {
			all = append(all, m.due[item].Sub(at).Seconds()*1000)
		}
	}
	slices.Sort(all)
	return all
}

func (m *marks) rows() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.due)
}

// town is the sandbox, the daemon and clients.
type town struct {
	*marks
	tables  *dynamodb.Client
	objects *s3.Client
	queues  *sqs.Client
	inbox   string
}

// measureDaemon starts both, and measures.
func measureDaemon() (err error) {
	t := &town{marks: &marks{counts: map[string]time.Time{}, due: map[string]time.Time{}}}
	world := sandbox.New()
	world.Tables.OnWrite(t.wrote)
	world.Tables.SetRollover(0)
	if err := world.Provision(context.Background()); err != nil {
		return err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- world.Serve(ctx, l) }() // waited for below
	defer func() { stop(); <-served }()
	cfg := aws.Config{
		Region: sandbox.Region, BaseEndpoint: aws.String("http://" + l.Addr().String()), Credentials: credentials.NewStaticCredentialsProvider("bench", "s", ""),
	}
	t.tables, t.queues = dynamodb.NewFromConfig(cfg), sqs.NewFromConfig(cfg)
	t.objects = s3.NewFromConfig(cfg, func(o *s3.Options) { o.UsePathStyle = true })
	out, err := t.queues.GetQueueUrl(ctx, &sqs.GetQueueUrlInput{QueueName: aws.String(sandbox.Inbox)})
	if err != nil {
		return err
	}
	t.inbox = aws.ToString(out.QueueUrl)
	end, err := startDaemon(l.Addr().String())
	if err != nil {
		return err
	}
	defer end()
	if err := t.putLatency(ctx); err != nil {
		return err
	}
	return t.endToEnd(ctx)
}

// startDaemon runs the daemon, and returns how to end it.
func startDaemon(address string) (end func(), err error) {
	dir, err := os.MkdirTemp("", "bench-notifier")
	if err != nil {
		return nil, err
	}
	file := filepath.Join(dir, "config.yaml")
	const config = "http: {listen: off}\nmetrics: {cloudwatch: {enabled: false}}\n" +
		"notifier: {group_wait: 0s, group_interval: 0s, rate: 1000}\n"
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		return nil, err
	}
	c := exec.Command(binary, "run", "-c", file)
	c.Env = append(os.Environ(), sandbox.Environment(address, "daemon")...)
	c.Stderr = os.Stderr
	if err := c.Start(); err != nil {
		return nil, fmt.Errorf("%w; make build makes it", err)
	}
	return func() {
		_ = c.Process.Signal(syscall.SIGTERM) // it may have ended
		_ = c.Wait()
		os.RemoveAll(dir)
	}, nil
}

// putLatency: from a put's commit to the durable row of what is due.
func (t *town) putLatency(ctx context.Context) error {
	for n := range warm + puts {
		i := inventory.Item{Key: inventory.Key{Store: fmt.Sprint("Store ", n%20), Item: fmt.Sprintf("item-%d", n)}}
		if _, err := t.tables.PutItem(ctx, &dynamodb.PutItemInput{TableName: aws.String(sandbox.Table), Item: inventory.DefaultTable.Attributes(i)}); err != nil {
			return err
		}
		if n == 0 { // the daemon is there from now on
			if err := t.until(func() bool { return t.rows() == 1 }); err != nil {
				return err
			}
		}
		time.Sleep(rand.N(2 * between))
	}
	if err := t.until(func() bool { return t.rows() == warm+puts }); err != nil {
		return err
	}
	taken := t.latencies(warm)
	figure.Print("alert_latency_p50_ms", "ms", taken[len(taken)/2])
	figure.Print("alert_latency_p99_ms", "ms", taken[len(taken)*99/100])
	return nil
}

func (t *town) until(holds func() bool) error {
	for began := time.Now(); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Since(began) > patience {
			return fmt.Errorf("%d rows after %v", t.rows(), patience)
		}
	}
	return nil
}

// endToEnd: from an upload to the message in the subscriber's queue.
func (t *town) endToEnd(ctx context.Context) error {
	if err := t.empty(ctx); err != nil {
		return err
	}
	var taken []float64
	for n := range warm/6 + uploads {
		store := fmt.Sprint("Town ", n)
		began := time.Now()
		_, err := t.objects.PutObject(ctx, &s3.PutObjectInput{
			Bucket: aws.String(sandbox.Bucket), Key: aws.String(fmt.Sprintf("feed-%d.csv", n)), Body: strings.NewReader("store,item,count\n" + store + ",Lamp,0\n"),
		})
		if err != nil {
			return err
		}
		if err := t.await(ctx, store+" is out of stock of Lamp"); err != nil {
			return err
		}
		if took := time.Since(began); n >= warm/6 {
			taken = append(taken, took.Seconds()*1000)
		}
		time.Sleep(rand.N(10 * between))
	}
	slices.Sort(taken)
	figure.Print("alert_end_to_end_p50_ms", "ms", taken[len(taken)/2])
	figure.Print("alert_end_to_end_p99_ms", "ms", taken[len(taken)*99/100])
	return nil
}

// empty takes what has arrived so far, until nothing more comes.
func (t *town) empty(ctx context.Context) error {
	for {
		got, err := t.receive(ctx, 2)
		if err != nil || len(got) == 0 {
			return err
		}
	}
}

func (t *town) await(ctx context.Context, text string) error {
	for began := time.Now(); time.Since(began) < patience; {
		got, err := t.receive(ctx, 20)
		if err != nil || slices.Contains(got, text) {
			return err
		}
	}
	return fmt.Errorf("no message %q after %v", text, patience)
}

// receive takes messages from the subscriber's queue; it waits for the first.
func (t *town) receive(ctx context.Context, wait int32) (texts []string, err error) {
	out, err := t.queues.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: &t.inbox, MaxNumberOfMessages: 10, WaitTimeSeconds: wait})
	if err != nil {
		return nil, err
	}
	for _, m := range out.Messages {
		var envelope struct{ Message string }
		if err := json.Unmarshal([]byte(aws.ToString(m.Body)), &envelope); err != nil {
			return nil, err
		}
		texts = append(texts, envelope.Message)
		if _, err := t.queues.DeleteMessage(ctx, &sqs.DeleteMessageInput{QueueUrl: &t.inbox, ReceiptHandle: m.ReceiptHandle}); err != nil {
			return nil, err
		}
	}
	return texts, nil
}
