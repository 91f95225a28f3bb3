package stream

// This file: the reader, its construction and its run.

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	"go.uber.org/zap"

	"inventoryd/internal/lease"
)

// Streams is what the reader needs of DynamoDB Streams' client; *dynamodbstreams.Client is one. Whatever
// retries the client has are left out: the reader retries itself, as each error demands.
type Streams interface {
	ListStreams(context.Context, *dynamodbstreams.ListStreamsInput, ...func(*dynamodbstreams.Options)) (*dynamodbstreams.ListStreamsOutput, error)
	DescribeStream(context.Context, *dynamodbstreams.DescribeStreamInput, ...func(*dynamodbstreams.Options)) (*dynamodbstreams.DescribeStreamOutput, error)
	GetShardIterator(context.Context, *dynamodbstreams.GetShardIteratorInput, ...func(*dynamodbstreams.Options)) (*dynamodbstreams.GetShardIteratorOutput, error)
	GetRecords(context.Context, *dynamodbstreams.GetRecordsInput, ...func(*dynamodbstreams.Options)) (*dynamodbstreams.GetRecordsOutput, error)
}

// Tables is what the reader needs of DynamoDB's client, for the table that is read and the lease table;
// *dynamodb.Client is one.
type Tables interface {
	Schema
	Rows
}

// Schema is the calls about tables.
type Schema interface {
	DescribeTable(context.Context, *dynamodb.DescribeTableInput, ...func(*dynamodb.Options)) (*dynamodb.DescribeTableOutput, error)
	CreateTable(context.Context, *dynamodb.CreateTableInput, ...func(*dynamodb.Options)) (*dynamodb.CreateTableOutput, error)
	UpdateTimeToLive(context.Context, *dynamodb.UpdateTimeToLiveInput, ...func(*dynamodb.Options)) (*dynamodb.UpdateTimeToLiveOutput, error)
}

// Rows is the calls for the lease table's rows.
type Rows interface {
	Query(context.Context, *dynamodb.QueryInput, ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error)
	UpdateItem(context.Context, *dynamodb.UpdateItemInput, ...func(*dynamodb.Options)) (*dynamodb.UpdateItemOutput, error)
	DeleteItem(context.Context, *dynamodb.DeleteItemInput, ...func(*dynamodb.Options)) (*dynamodb.DeleteItemOutput, error)
}

// Reader reads the stream of one table. Make it with New and Run it once.
type Reader struct {
	streams Streams
	tables  Tables
	store   store
	handler Handler
	config  Config                 // as given to New
	current atomic.Pointer[Config] // with what Apply has changed since
	log     *zap.Logger

	// What its goroutines use at the same time; each is safe for that.
	caller   caller
	fetcher  fetcher
	budget   *budget
	clock    clock
	troubles *troubles
	board    *board
	metrics  instruments
	running  atomic.Bool

	host hostLock // owned by Run
}

// leasePlace is where troubles with the lease table are.
const leasePlace = "lease table"

// New makes a reader of the table's stream that gives what it reads to handler. It makes no remote call.
func New(streams Streams, tables Tables, table string, handler Handler, config Config) (*Reader, error) {
	if err := config.Validate(); err != nil {
		return nil, err
	}
	if config.App == "" {
		return nil, errors.New("stream: Config.App is empty; it names the program in the lease table")
	}
	if (config.poison() == Divert || config.DeadLetterQueue != "") && config.Divert == nil {
		return nil, errors.New("stream: records are to be diverted (dead_letter_queue, on_poison), but Config.Divert is nil; DeadLetters makes one for a queue")
	}
	if config.Logger == nil {
		config.Logger = zap.NewNop()
	}
	if config.wall == nil {
		config.wall = time.Now
	}
	r := &Reader{
		streams: streams, tables: tables, store: store{tables, config.LeaseTable, table}, handler: handler, config: config,
		log: config.Logger,
	}
	r.current.Store(&config)
	r.clock.wall = config.wall
	r.board = newBoard(&r.clock)
	r.board.set(func(s *Status) { s.Table = table })
	r.troubles = &troubles{log: r.log, open: map[string]*trouble{}}
	r.budget = newBudget(int64(config.Memory))
	r.fetcher = sdkFetcher{streams, r.budget}
	metrics, err := newInstruments(config.Meter, func() gauges { return r.board.gauges() })
	if err != nil {
		return nil, fmt.Errorf("make the stream's instruments: %w", err)
	}
	r.metrics = metrics
	return r, nil
}

// live is the configuration in force.
func (r *Reader) live() *Config { return r.current.Load() }

// Apply takes over the settings that may change while the reader runs: idle_poll, max_attempts, on_poison, on_gap. The
// configuration must be valid.
func (r *Reader) Apply(config Config) {
	next := *r.live()
	next.IdlePoll, next.MaxAttempts = config.IdlePoll, config.MaxAttempts
	next.PoisonPolicy, next.GapPolicy = config.PoisonPolicy, config.GapPolicy
	r.current.Store(&next)
}

// loop registers a loop of this name.
func (r *Reader) loop(name string) (tick, done func()) {
	if r.config.Loop == nil {
		return func() {}, func() {}
	}
	return r.config.Loop(name)
}

// Run reads until ctx ends, and then finishes what is in flight (for at most Config.Shutdown), stores its checkpoints,
// releases its shards and returns nil. It returns an error where the configuration is wrong (the table has no stream,
// the lease table belongs to another program) and where the lease table vanishes. Outages and missing permissions it
// waits out; Ready tells of them. It is called once.
func (r *Reader) Run(ctx context.Context) error {
	r.caller = caller{pool: newPool(), troubles: r.troubles, errors: r.metrics.count, draw: r.config.draw}
	defer r.caller.pool.close()
	defer r.metrics.close()
	r.takeHost()
	defer func() { r.host.close() }()
	err := r.prepare(ctx)
	if err == nil {
		err = r.serve(ctx)
	}
	for errors.Is(err, lease.ErrDead) {
		r.log.Error("this instance was called dead by another; it starts anew under another name")
		err = r.serve(ctx)
	}
	if ctx.Err() != nil && (err == nil || errors.Is(err, ctx.Err()) || errors.Is(err, context.Cause(ctx))) {
		return nil
	}
	return err
}

// serve is one life of an instance.
func (r *Reader) serve(ctx context.Context) error {
	t, err := r.newTenure(ctx)
	if err != nil {
		return err
	}
	r.running.Store(true)
	defer r.running.Store(false)
	return t.run(ctx)
}

// Status is a snapshot of what the reader knows and does.
func (r *Reader) Status() Status { return r.board.status() }

// Ready is nil when the reader reads, or says why it does not: it has not started, something has failed for a while,
// the handler fails, a shard is blocked or has not been read for 5 minutes.
func (r *Reader) Ready() error {
	if err := r.troubles.ready(); err != nil {
		return err
	}
	if !r.running.Load() {
		return errNotStarted
	}
	return r.board.ready()
}
