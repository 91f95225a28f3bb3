// Package dynamo is the sandbox's DynamoDB with DynamoDB Streams: tables in memory that answer the JSON protocol as
// AWS documents it, as far as the daemon, its commands and its tests call it. Whatever else is called is refused by
// an error that names it.
//
// A Service is also controlled from Go: what happens to a stream over hours at AWS (its shards split and roll over,
// listings lag, iterators expire, records are trimmed) is done at will by Split, Roll, Announce, Trim and the others in
// streamcontrols.go, and by itself as the sandbox's clock moves on. Everything is in one account and region.
package dynamo

import (
	"context"
	"errors"
	"sync"
	"time"

	"inventoryd/internal/sandbox/clock"
	"inventoryd/internal/sandbox/dynamo/attr"
	"inventoryd/internal/sandbox/wire"
)

// Where all tables are.
const (
	Account = "123456789012"
	Region  = "us-east-1"
)

// maxRequest is the size of a request's body that DynamoDB takes, 16 MB ("BatchWriteItem", "BatchGetItem").
const maxRequest = 16 << 20

// Service is DynamoDB and DynamoDB Streams. It is safe for concurrent use.
type Service struct {
	clock  *clock.Clock
	tokens tokens

	mu       sync.RWMutex // guards what follows; the first of the locks: then a table's, then a stream's
	tables   map[string]*table
	streams  map[string]*stream // by ARN, also of tables that are gone
	settings settings
}

// settings are what controls change for tables and streams to come.
type settings struct {
	shards       int
	rollover     time.Duration
	transition   time.Duration
	onRecord     func(table string, r Record)
	onWrite      func(table string, old, next attr.Item)
	split        time.Duration // LimitThroughput's
	limitStreams bool
	conflicts    map[string]int // by table: of how many transactions to come
}

// New makes a service without tables, whose time is c.
func New(c *clock.Clock) *Service {
	return &Service{
		clock: c, tables: map[string]*table{}, streams: map[string]*stream{},
		settings: settings{shards: 4, rollover: 4 * time.Hour},
	}
}

type operation func(*Service, *request) (any, error)

// operations are those of both services: their names do not collide.
var operations = map[string]operation{
	"CreateTable": (*Service).createTable, "DescribeTable": (*Service).describeTable, "ListTables": (*Service).listTables,
	"UpdateTable": (*Service).updateTable, "DeleteTable": (*Service).deleteTable,
	"DescribeTimeToLive": (*Service).describeTimeToLive, "UpdateTimeToLive": (*Service).updateTimeToLive,
	"PutItem": (*Service).putItem, "UpdateItem": (*Service).updateItem, "DeleteItem": (*Service).deleteItem,
	"GetItem": (*Service).readItem, "Query": (*Service).query, "Scan": (*Service).scan,
	"BatchWriteItem": (*Service).batchWriteItem, "BatchGetItem": (*Service).batchGetItem,
	"TransactWriteItems": (*Service).transactWriteItems,
	"TagResource":        (*Service).tagResource, "UntagResource": (*Service).untagResource, "ListTagsOfResource": (*Service).listTags,
	"DescribeContinuousBackups": (*Service).describeContinuousBackups,
	"ListStreams":               (*Service).listStreams, "DescribeStream": (*Service).describeStream,
	"GetShardIterator": (*Service).shardIterator, "GetRecords": (*Service).records,
}

// Call answers one call. It never waits.
func (s *Service) Call(ctx context.Context, r wire.Request) (any, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	op, ok := operations[r.Operation]
	if !ok {
		return nil, wire.Errorf("UnknownOperationException", "The sandbox's DynamoDB does not have the operation %s.", r.Operation)
	}
	if len(r.Body) > maxRequest {
		return nil, &wire.Error{Status: 413, Code: "RequestEntityTooLargeException", Message: "Request size exceeded 16777216 bytes"}
	}
	out, err := op(s, &request{Request: r, now: s.clock.Now()})
	if err != nil {
		return nil, wireError(err)
	}
	return out, nil
}

// request is a call under way.
type request struct {
	wire.Request
	now time.Time
}

// wireError gives an error its code.
func wireError(err error) *wire.Error {
	var known *wire.Error
	var malformed *attr.Malformed
	switch {
	case errors.As(err, &known):
		return known
	case errors.As(err, &malformed):
		return wire.Errorf("SerializationException", "%s", malformed.What)
	}
	return wire.Errorf("ValidationException", "%s", err.Error()) // expr and attr word them so
}

// message is an error's text without its code.
func message(err error) string { return wireError(err).Message }

func validation(format string, args ...any) error {
	return wire.Errorf("ValidationException", format, args...)
}

func notFound(format string, args ...any) error {
	return wire.Errorf("ResourceNotFoundException", format, args...)
}

// seconds is an instant as the protocol has it: epoch seconds, with milliseconds.
func seconds(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }
