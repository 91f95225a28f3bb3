package stream

// This file: the world of the scenarios: a sandbox in a bubble of virtual time, a writer, and instances of the reader
// that start, stop and crash. What happens is written into a history, which check_test.go judges.

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"inventoryd/internal/attribute"
	"inventoryd/internal/sandbox"
	"inventoryd/internal/sandbox/dynamo"
	"inventoryd/internal/sandbox/fault"
	"inventoryd/internal/state"
)

const (
	table  = "Orders"
	leases = "inventoryd-leases"
	dlq    = "dead"
)

// TestMain has the collector run more rarely: the scenarios' heaps are small, and it took an eighth of their time.
func TestMain(m *testing.M) {
	if as := os.Getenv(asInstance); as != "" {
		if err := runAs(as); err != nil {
			fmt.Fprintln(os.Stderr, as, err)
			os.Exit(1)
		}
		return
	}
	debug.SetGCPercent(400)
	os.Exit(m.Run())
}

// world is one scenario.
type world struct {
	testing.TB
	sandbox *sandbox.Sandbox
	db      *dynamodb.Client // the writer's
	history history
	log     *observer.ObservedLogs
	core    *zap.Logger
	unspy   func()
	lost    func(written) bool // records that may never be delivered; nil: none
	starts  int
	dying   []chan error         // of instances that were killed in a call of their handler
	lease   time.Duration        // of all readers
	planted planted              // a bug of all readers; nil: none
	sdk     func(start int) bool // who has the SDK's clients; nil: who reads often
	trace   *trace               // of what instances do; nil: none

	mu     sync.Mutex // guards what follows
	handle Handler    // what the handlers do, after they wrote it down; nil: nothing
	gaps   []Gap      // as OnGap was told
}

// scenario runs f in a bubble with a table of n shards that do not roll over by themselves, and judges the history.
func scenario(t *testing.T, shards int, f func(w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		core, log := observer.New(zap.InfoLevel)
		w := &world{TB: t, sandbox: sandbox.New(), log: log, core: zap.New(core), lease: DefaultConfig().LeaseDuration}
		w.db = dynamodb.NewFromConfig(w.sandbox.Config("writer"))
		w.sandbox.Tables.SetShards(shards)
		w.sandbox.Tables.SetRollover(0)
		w.sandbox.Tables.OnRecord(w.history.commit)
		w.sandbox.Fault(fault.Rule{Match: w.history.attempt})
		w.spy()
		w.createTable(bothImages)
		if _, err := w.sandbox.Queues.Create(dlq, nil); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second) // records are never as old as their stream
		f(w)
		w.survey()
		w.judge()
		if t.Failed() {
			for _, entry := range log.All() {
				t.Log(entry.Time.Format(time.DateTime+".000"), entry.Message, entry.ContextMap())
			}
		}
	})
}

var bothImages = &types.StreamSpecification{StreamEnabled: aws.Bool(true), StreamViewType: types.StreamViewTypeNewAndOldImages}

func (w *world) createTable(stream *types.StreamSpecification) {
	w.Helper()
	_, err := w.db.CreateTable(w.Context(), &dynamodb.CreateTableInput{
		TableName:            aws.String(table),
		BillingMode:          types.BillingModePayPerRequest,
		AttributeDefinitions: []types.AttributeDefinition{{AttributeName: aws.String("ID"), AttributeType: types.ScalarAttributeTypeS}},
		KeySchema:            []types.KeySchemaElement{{AttributeName: aws.String("ID"), KeyType: types.KeyTypeHash}},
		StreamSpecification:  stream,
	})
	if err != nil {
		w.Fatal(err)
	}
}

// spy has the history see the calls that no rule made fail; it is kept behind all rules.
func (w *world) spy() {
	w.unspy = w.sandbox.Fault(fault.Rule{Match: w.history.effect})
}

// fault scripts a fault.
func (w *world) fault(r fault.Rule) (remove func()) {
	w.unspy()
	defer w.spy()
	return w.sandbox.Fault(r)
}

// put writes one item n times, each time with a new value.
func (w *world) put(id string, n int) {
	w.Helper()
	for range n {
		w.history.value++
		_, err := w.db.PutItem(w.Context(), &dynamodb.PutItemInput{TableName: aws.String(table), Item: map[string]types.AttributeValue{
			"ID": &types.AttributeValueMemberS{Value: id}, "Value": &types.AttributeValueMemberN{Value: fmt.Sprint(w.history.value)},
		}})
		if err != nil {
			w.Fatal(err)
		}
	}
}

// spread writes one change to each of n items.
func (w *world) spread(n int) {
	w.Helper()
	for i := range n {
		w.put(fmt.Sprint("item-", i), 1)
	}
}

// shards lists the latest stream's shards.
func (w *world) shards() []dynamo.Shard {
	w.Helper()
	shards, err := w.sandbox.Tables.Shards(table)
	if err != nil {
		w.Fatal(err)
	}
	return shards
}

// open is the first open shard.
func (w *world) open() string {
	w.Helper()
	w.survey()
	for _, s := range w.shards() {
		if s.Open {
			return s.ID
		}
	}
	w.Fatal("no shard is open")
	return ""
}

// roll closes a shard and opens its child.
func (w *world) roll(shard string) string {
	w.Helper()
	child, err := w.sandbox.Tables.Roll(table, shard)
	if err != nil {
		w.Fatal(err)
	}
	w.survey()
	return child
}

func (w *world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// survey writes the present parents into the history.
func (w *world) survey() {
	shards, err := w.sandbox.Tables.Shards(table)
	if err != nil {
		return // the table has no stream just now
	}
	for _, s := range shards {
		w.history.parent(s.ID, s.Parent)
	}
}

// calm has the reader do as little as may be, for scenarios of days.
func (w *world) calm(c *Config) {
	w.lease = 10 * time.Minute
	c.LeaseDuration = w.lease
	rarely(c)
}

// instance is one start of the reader.
type instance struct {
	*Reader
	world  *world
	name   string // its client's access key
	cancel context.CancelFunc
	done   chan error
}

// start runs a reader with the defaults as changed.
func (w *world) start(change ...func(*Config)) *instance {
	w.Helper()
	w.starts++
	i := &instance{world: w, name: fmt.Sprint("reader-", w.starts), done: make(chan error, 1)}
	config := DefaultConfig()
	config.App = "inventoryd"
	config.Logger = w.core.Named(i.name)
	config.OnGap = w.gap
	for _, f := range change {
		f(&config)
	}
	w.named(i, &config)
	aws := w.sandbox.Config(i.name)
	aws.HTTPClient = w.direct()
	if config.DeadLetterQueue != "" {
		config.Divert = DeadLetters(sqs.NewFromConfig(aws), config.DeadLetterQueue, table)
	}
	var streams Streams = dynamodbstreams.NewFromConfig(aws)
	if w.planted != nil {
		streams = w.planted(streams)
	}
	var tables Tables = dynamodb.NewFromConfig(aws)
	quick := config.IdlePoll >= rare && (w.sdk == nil || !w.sdk(w.starts))
	if quick {
		tables = quickTables{dynamodb.NewFromConfig(aws), wire{w.front(), i.name}}
	}
	reader, err := New(streams, tables, table, i.deliver, config)
	w.must(err)
	if quick {
		reader.fetcher = quickPages{wire{w.front(), i.name}}
	}
	ctx, cancel := context.WithCancelCause(context.Background()) // as a signal's context, which has a cause of its own
	i.Reader, i.cancel = reader, func() { cancel(errors.New("signal")) }
	go func() { i.done <- reader.Run(ctx) }()
	return i
}

func (i *instance) deliver(ctx context.Context, batch []Record) error {
	i.world.trace.note(i.name, "handles %s: %d records", batch[0].Shard, len(batch))
	call := i.world.history.begin(i.name, batch)
	i.world.mu.Lock()
	handle := i.world.handle
	i.world.mu.Unlock()
	var err error
	if handle != nil {
		err = handle(ctx, batch)
	}
	i.world.history.end(call, err)
	return err
}

// stop ends the reader in order.
func (i *instance) stop() {
	i.world.Helper()
	i.world.trace.note(i.name, "is told to stop")
	i.cancel()
	if err := <-i.done; err != nil {
		i.world.Errorf("%s: Run returned %v", i.name, err)
	}
}

// crash cuts the reader off from everything and then ends it: as kill -9, nothing that it does counts any more, and it
// does not take its time to stop. Only a call of the handler that does not heed its context goes on.
func (i *instance) crash() {
	i.world.trace.kill(i.name)
	i.world.fault(fault.Rule{Client: i.name, Effect: fault.Effect{Reset: true}})
	i.Reader.config.Shutdown = 0
	i.cancel()
	select {
	case <-i.done:
	case <-time.After(100 * time.Millisecond):
		i.world.dying = append(i.world.dying, i.done)
	}
}

// behave has the handlers do as handle does from now on; nil: they succeed.
func (w *world) behave(handle Handler) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.handle = handle
}

// gap is OnGap.
func (w *world) gap(_ context.Context, g Gap) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.gaps = append(w.gaps, g)
	return nil
}

func (w *world) told() []Gap {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.gaps
}

// rows reads the lease table's shards by their ids.
func (w *world) rows() map[string]shardRow {
	w.Helper()
	all, err := store{w.db, leases, table}.shards(w.Context())
	w.must(err)
	rows := map[string]shardRow{}
	for _, row := range all {
		rows[row.ID] = row
	}
	return rows
}

// plant writes a row of one of the latest stream's shards, as an earlier run may have left it.
func (w *world) plant(r shardRow) {
	w.Helper()
	_, err := state.Ensure(w.Context(), w.db, leases)
	w.must(err)
	described, err := w.db.DescribeTable(w.Context(), &dynamodb.DescribeTableInput{TableName: aws.String(table)})
	w.must(err)
	r.Label = labelOf(*described.Table.LatestStreamArn)
	row := r.encode()
	maps.Copy(row, store{table: table}.shardKey(r.key()))
	row[colCheckpoint], row[colEnded] = attribute.S(r.Checkpoint), instant(r.Ended)
	_, err = w.db.PutItem(w.Context(), &dynamodb.PutItemInput{TableName: aws.String(leases), Item: row})
	w.must(err)
}

// state of one shard as a reader shows it.
func (i *instance) shard(id string) ShardStatus {
	for _, s := range i.Status().Shards {
		if s.Shard == id {
			return s
		}
	}
	return ShardStatus{}
}

// unready fails unless the reader says that it is not ready for a reason with this text.
func (i *instance) unready(text string) {
	i.world.Helper()
	if err := i.Ready(); err == nil || !strings.Contains(err.Error(), text) {
		i.world.Errorf("%s: Ready is %v, want an error with %q", i.name, err, text)
	}
}

func (i *instance) ready() {
	i.world.Helper()
	if err := i.Ready(); err != nil {
		i.world.Errorf("%s: Ready is %v", i.name, err)
	}
}

// letters are the records in the dead-letter queue.
func (w *world) letters() []Letter {
	w.Helper()
	client := sqs.NewFromConfig(w.sandbox.Config("reader of " + dlq))
	url, err := client.GetQueueUrl(w.Context(), &sqs.GetQueueUrlInput{QueueName: aws.String(dlq)})
	w.must(err)
	var all []Letter
	for {
		out, err := client.ReceiveMessage(w.Context(), &sqs.ReceiveMessageInput{QueueUrl: url.QueueUrl, MaxNumberOfMessages: 10, VisibilityTimeout: 43200})
		w.must(err)
		if len(out.Messages) == 0 {
			return all
		}
		for _, m := range out.Messages {
			letter, err := ParseLetter(*m.Body)
			w.must(err)
			all = append(all, letter)
		}
	}
}

// shardOf reads the shard's id from one of the sandbox's iterators.
func shardOf(body []byte) string {
	id, _, _ := strings.Cut(iteratorIn(body), "|")
	return id
}

// issued reads when the sandbox gave the iterator.
func issued(body []byte) time.Time {
	inner := iteratorIn(body)
	at, err := strconv.ParseInt(inner[strings.LastIndexByte(inner, '|')+1:], 10, 64)
	if err != nil {
		panic(err)
	}
	return time.Unix(0, at)
}

// iteratorIn is what the sandbox's iterator in a call says: shard|position|nanoseconds.
func iteratorIn(body []byte) string {
	var in struct{ ShardIterator string }
	if json.Unmarshal(body, &in) != nil {
		return ""
	}
	inner, err := base64.StdEncoding.DecodeString(in.ShardIterator[strings.LastIndexByte(in.ShardIterator, '|')+1:])
	if err != nil {
		return ""
	}
	return string(inner)
}

// contains tells whether a call's body holds a text.
func contains(c fault.Call, text string) bool { return strings.Contains(string(c.Body), text) }

// calls counts the calls of an operation since the beginning, of all readers.
func (w *world) calls(operation string) int { return w.history.count(operation) }
