package fire

// The fire on stand-ins that nobody here wrote: DynamoDB Local, and fauxqs for S3, SQS and SNS. They send no events of a bucket, which the
// town sends itself, have one shard, tell nobody of each change and break nothing: calls are broken on their way. So less is burned
// here, and judged by what is there at the end: the table, messages, and the audit. DynamoDB Local tells the minute in which a record
// was made, where DynamoDB tells the second, so that a shortage which follows another within a minute is taken for the same: what people
// were told last is judged of what the last uploads change, in a minute of their own.

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"inventoryd/internal/inventory"
	"inventoryd/internal/sandbox"
	"inventoryd/internal/sandbox/clock"
	"inventoryd/loader/event"
	"inventoryd/test/standins"
)

func TestFireOnStandIns(t *testing.T) {
	if os.Getenv("FIRE_MINUTES") == "" {
		t.Skip("it burns for minutes beside Java and node: make fire, or FIRE_MINUTES=1 FIRE_SEED=1")
	}
	seed := uint64(setting(t, "FIRE_SEED", 1))
	length := min(3*time.Minute, time.Duration(setting(t, "FIRE_MINUTES", 1)*float64(time.Minute)))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	a := goAbroad(t, ctx)
	defer a.atWork(t)()
	dice := rand.New(rand.NewPCG(seed, 2))
	for store := range storesAbroad {
		a.send(t, store, fresh, uint64(store), dice)
	}
	if !a.settles(t, 2*time.Minute, a.owed) {
		return
	}
	a.burn(t, dice, length)
	if !a.settles(t, 5*time.Minute, a.owed) {
		return
	}
	time.Sleep(65 * time.Second)
	a.before = a.rows(t)
	for store := range storesAbroad {
		a.send(t, store, fresh, dice.Uint64(), dice)
	}
	if a.settles(t, 5*time.Minute, a.owed) {
		time.Sleep(3 * time.Second) // what comes too late may come now
		a.judge(t)
	}
}

// storesAbroad leaves out the large ones, which DynamoDB Local takes minutes for.
const storesAbroad = 40

// abroad is a town on those stand-ins.
type abroad struct {
	*town
	s3      *s3.Client
	sqs     *sqs.Client
	queues  map[string]*string // URLs
	before  map[known]int64    // the table before the last uploads; nil: they are not yet
	trouble atomic.Pointer[func(w http.ResponseWriter, r *http.Request, next http.Handler)]
}

// goAbroad starts the stand-ins and makes what the daemons work on.
func goAbroad(t *testing.T, ctx context.Context) *abroad {
	dir := kept(t)
	a := &abroad{queues: map[string]*string{}, town: &town{
		dir: dir, binary: built(t, dir), config: filepath.Join(dir, "config.yaml"), reports: filepath.Join(dir, "rejects"),
		key: daemonName, witness: newWitness(&clock.Clock{}), // DynamoDB Local keeps a database for each access key
	}}
	database, rest := standins.DynamoDBLocal(t), standins.Fauxqs(t)
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	check(os.Mkdir(a.reports, 0o700))
	check(os.WriteFile(a.config, nil, 0o600))
	tables, others := a.front(t, database), a.front(t, rest)
	a.services = []string{
		"metrics.cloudwatch.enabled=false", "aws.endpoints.dynamodb=" + tables, "aws.endpoints.streams=" + tables,
		"aws.endpoints.s3=" + others, "aws.endpoints.sqs=" + others, "aws.endpoints.sns=" + others,
	}
	cfg := aws.Config{Region: sandbox.Region, Credentials: credentials.NewStaticCredentialsProvider(a.key, "secret", ""), BaseEndpoint: &rest}
	a.s3, a.sqs = s3.NewFromConfig(cfg, func(o *s3.Options) { o.UsePathStyle = true }), sqs.NewFromConfig(cfg)
	a.tables = dynamodb.NewFromConfig(cfg, func(o *dynamodb.Options) { o.BaseEndpoint = &database })
	_, err := a.s3.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: aws.String(sandbox.Bucket)})
	check(err)
	for _, name := range []string{sandbox.EventQueue, sandbox.Inbox, streamDeadLetters} {
		made, err := a.sqs.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: &name})
		check(err)
		a.queues[name] = made.QueueUrl
	}
	topics := sns.NewFromConfig(cfg)
	topic, err := topics.CreateTopic(ctx, &sns.CreateTopicInput{Name: aws.String(sandbox.Topic)})
	check(err)
	inbox, err := a.sqs.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{QueueUrl: a.queues[sandbox.Inbox], AttributeNames: []sqstypes.QueueAttributeName{sqstypes.QueueAttributeNameQueueArn}})
	check(err)
	arn := inbox.Attributes[string(sqstypes.QueueAttributeNameQueueArn)]
	_, err = topics.Subscribe(ctx, &sns.SubscribeInput{TopicArn: topic.TopicArn, Protocol: aws.String("sqs"), Endpoint: &arn})
	check(err)
	key := func(name string, kind types.KeyType) types.KeySchemaElement {
		return types.KeySchemaElement{AttributeName: &name, KeyType: kind}
	}
	text := func(name string) types.AttributeDefinition {
		return types.AttributeDefinition{AttributeName: &name, AttributeType: types.ScalarAttributeTypeS}
	}
	of := inventory.DefaultTable
	_, err = a.tables.CreateTable(ctx, &dynamodb.CreateTableInput{
		TableName: aws.String(of.Name), AttributeDefinitions: []types.AttributeDefinition{text(of.Store), text(of.Item)},
		KeySchema: []types.KeySchemaElement{key(of.Store, types.KeyTypeHash), key(of.Item, types.KeyTypeRange)}, BillingMode: types.BillingModePayPerRequest,
		StreamSpecification: &types.StreamSpecification{StreamEnabled: aws.Bool(true), StreamViewType: types.StreamViewTypeNewAndOldImages},
	})
	check(err)
	for n := range 2 {
		a.daemons = append(a.daemons, newDaemon(a.town, n))
	}
	return a
}

// front stands before a stand-in and makes the trouble of the day.
func (a *abroad) front(t *testing.T, endpoint string) string {
	to, err := url.Parse(endpoint)
	if err != nil {
		t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(to)
	proxy.ErrorHandler = func(w http.ResponseWriter, _ *http.Request, _ error) { panic(http.ErrAbortHandler) } // who was killed has gone
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if trouble := a.trouble.Load(); trouble != nil && rand.IntN(3) == 0 {
			(*trouble)(w, r, proxy)
			return
		}
		proxy.ServeHTTP(w, r)
	}))
	server.Config.ErrorLog = nil
	t.Cleanup(server.Close)
	return server.URL
}

// troubles are what a third of the calls may meet.
var troubles = []func(w http.ResponseWriter, r *http.Request, next http.Handler){
	func(http.ResponseWriter, *http.Request, http.Handler) { panic(http.ErrAbortHandler) },
	func(_ http.ResponseWriter, r *http.Request, next http.Handler) { // it was done, and nobody hears of it
		next.ServeHTTP(httptest.NewRecorder(), r)
		panic(http.ErrAbortHandler)
	},
	func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
		w.WriteHeader(http.StatusServiceUnavailable)
	},
	func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		time.Sleep(2 * time.Second)
		next.ServeHTTP(w, r)
	},
}

// send uploads a store's feed and tells of it, sometimes twice, sometimes late.
func (a *abroad) send(t *testing.T, store int, shape string, seed uint64, d *rand.Rand) {
	ctx, s := t.Context(), newSheet(store+3, shape, seed)
	a.witness.uploaded(store+3, s)
	key := feedKey(store + 3)
	if _, err := a.s3.PutObject(ctx, &s3.PutObjectInput{Bucket: aws.String(sandbox.Bucket), Key: &key, Body: bytes.NewReader(s.body)}); err != nil {
		t.Fatal(err)
	}
	for range 1 + d.IntN(2) {
		body := event.Again(sandbox.Bucket, key)
		_, err := a.sqs.SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: a.queues[sandbox.EventQueue], MessageBody: &body, DelaySeconds: int32(d.IntN(4))})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// burn does what the dice say for so long.
func (a *abroad) burn(t *testing.T, d *rand.Rand, length time.Duration) {
	for begun := time.Now(); time.Since(begun) < length; time.Sleep(time.Duration(d.IntN(600)) * time.Millisecond) {
		shapes := []string{fresh, fresh, fresh, truncated, gzipped, rejects}
		a.send(t, d.IntN(storesAbroad), shapes[d.IntN(len(shapes))], d.Uint64(), d)
		who := a.daemons[d.IntN(len(a.daemons))]
		switch d.IntN(60) {
		case 0, 1:
			a.witness.died()
			who.signal(syscall.SIGKILL)
		case 2:
			who.stop("", time.Duration(d.IntN(5))*time.Second)
		case 3:
			a.witness.died()
			who.signal(syscall.SIGSTOP)
			time.AfterFunc(time.Duration(1+d.IntN(6))*time.Second, func() { who.signal(syscall.SIGCONT) })
		case 4, 5, 6, 7:
			a.trouble.Store(&troubles[d.IntN(len(troubles))])
		case 8, 9, 10, 11, 12:
			a.trouble.Store(nil)
		}
		a.collect(t)
	}
	a.trouble.Store(nil)
	for _, who := range a.daemons {
		who.signal(syscall.SIGCONT)
	}
}

// collect takes what has reached the subscriber.
func (a *abroad) collect(t *testing.T) {
	for {
		out, err := a.sqs.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: a.queues[sandbox.Inbox], MaxNumberOfMessages: 10})
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range out.Messages {
			if err := a.witness.received(aws.ToString(m.Body)); err != nil {
				t.Fatal(err)
			}
			if _, err := a.sqs.DeleteMessage(t.Context(), &sqs.DeleteMessageInput{QueueUrl: a.queues[sandbox.Inbox], ReceiptHandle: m.ReceiptHandle}); err != nil {
				t.Fatal(err)
			}
		}
		if len(out.Messages) == 0 {
			return
		}
	}
}

// owed is what is not as the feeds say: rows, items that are out and nobody was ever told of, and what was not told of the last uploads.
func (a *abroad) owed(t *testing.T) (found []string) {
	a.collect(t)
	e := evidence{witness: a.witness, table: a.rows(t), promise: promised}
	a.witness.mu.Lock()
	defer a.witness.mu.Unlock()
	found = e.tableWrong()
	last, ever := map[known]string{}, map[known]bool{}
	for _, m := range a.witness.mails {
		for _, item := range m.items {
			k := known{Store: m.store, Item: item}
			last[k], ever[k] = m.event, ever[k] || m.event == "out_of_stock"
		}
	}
	for k, n := range e.table {
		was, there := a.before[k]
		switch said := last[k]; {
		case n <= 0 && !ever[k]:
			found = append(found, fmt.Sprintf("%v is out, and nobody was told", k))
		case there && was > 0 && n <= 0 && said != "out_of_stock", there && was <= 0 && n > 0 && said != "restocked":
			found = append(found, fmt.Sprintf("%v was %d and is %d, and the last message about it says %q", k, was, n, said))
		}
	}
	return found
}

func (a *abroad) rows(t *testing.T) map[known]int64 {
	rows, err := a.town.rows(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

func (a *abroad) judge(t *testing.T) {
	for _, finding := range a.owed(t) {
		t.Error(finding)
	}
	for _, d := range a.daemons {
		d.keepsHouse()
	}
	a.audit(t)
	t.Logf("%d uploads of stores, %d messages, %d deaths, %d starts", len(a.witness.sheets), len(a.witness.mails), a.witness.deaths, len(a.witness.starts))
}
