package stream

// This file: clients that speak the wire as the SDK's do, with the SDK's own shapes, but without the forty steps by
// which it makes a call: those cost four times what the reader and the sandbox do, and days of idle reading are made of
// nothing else. Most scenarios run with the SDK's clients.

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/schemas"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"github.com/aws/smithy-go/transport/http/protocol/awsjson"
)

// wire calls a service in the caller's own goroutine.
type wire struct {
	service http.Handler
	client  string // who calls
}

// post makes a call; a connection that breaks is an error.
func (w wire) post(ctx context.Context, target string, body io.Reader) (a *answered, err error) {
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	a = &answered{status: http.StatusOK, header: http.Header{}}
	defer func() {
		if gone := recover(); gone == http.ErrAbortHandler {
			err = cmp.Or(ctx.Err(), io.ErrUnexpectedEOF)
		} else if gone != nil {
			panic(gone)
		}
	}()
	r := &http.Request{
		Method: http.MethodPost, URL: &url.URL{Path: "/"}, RequestURI: "/", Host: "sandbox", Body: io.NopCloser(body), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{
			"X-Amz-Target": {target}, "Content-Type": {"application/x-amz-json-1.0"},
			"Authorization": {"AWS4-HMAC-SHA256 Credential=" + w.client + "/20261126/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=0"},
		},
	}
	w.service.ServeHTTP(a, r.WithContext(ctx))
	return a, nil
}

// answered is an answer.
type answered struct {
	status int
	header http.Header
	body   bytes.Buffer
}

func (a *answered) Header() http.Header         { return a.header }
func (a *answered) WriteHeader(status int)      { a.status = status }
func (a *answered) Write(b []byte) (int, error) { return a.body.Write(b) }

// response is the answer as the SDK takes it.
func (a *answered) response() *smithyhttp.Response {
	return &smithyhttp.Response{Response: &http.Response{StatusCode: a.status, Header: a.header, Body: io.NopCloser(&a.body)}}
}

// quickPages reads pages.
type quickPages struct{ wire }

func (q quickPages) fetch(ctx context.Context, iterator, label, shard string) (page, error) {
	quoted, err := json.Marshal(iterator)
	if err != nil {
		return page{}, err
	}
	a, err := q.post(ctx, "DynamoDBStreams_20120810.GetRecords", strings.NewReader(`{"Limit":1000,"ShardIterator":`+string(quoted)+`}`))
	if err != nil {
		return page{}, err
	}
	if a.status != http.StatusOK {
		failed := &smithy.GenericAPIError{}
		var said struct {
			Type    string `json:"__type"`
			Message string `json:"message"`
		}
		if err := json.Unmarshal(a.body.Bytes(), &said); err == nil {
			failed.Code, failed.Message = said.Type[strings.LastIndexByte(said.Type, '#')+1:], said.Message
		}
		return page{}, &smithyhttp.ResponseError{Response: a.response(), Err: failed}
	}
	p, err := parsePage(a.body.String(), label, shard)
	p.at, _ = http.ParseTime(a.header.Get("Date"))
	return p, err
}

// quickTables makes the calls of which there are many, and leaves the others to the SDK's client.
type quickTables struct {
	*dynamodb.Client
	wire
}

var (
	tablesProtocol = awsjson.New10(schemas.DynamoDB_20120810)
	queryShape     = smithy.NewOperationSchema(schemas.Query, schemas.QueryInput, schemas.QueryOutput)
	updateShape    = smithy.NewOperationSchema(schemas.UpdateItem, schemas.UpdateItemInput, schemas.UpdateItemOutput)
)

func (q quickTables) Query(ctx context.Context, in *dynamodb.QueryInput, _ ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error) {
	out := new(dynamodb.QueryOutput)
	err := q.call(ctx, queryShape, in, out, &out.ResultMetadata)
	return out, err
}

func (q quickTables) UpdateItem(ctx context.Context, in *dynamodb.UpdateItemInput, _ ...func(*dynamodb.Options)) (*dynamodb.UpdateItemOutput, error) {
	out := new(dynamodb.UpdateItemOutput)
	err := q.call(ctx, updateShape, in, out, &out.ResultMetadata)
	return out, err
}

func (q quickTables) call(ctx context.Context, shape *smithy.OperationSchema, in smithy.Serializable, out smithy.Deserializable, metadata *middleware.Metadata) error {
	request := smithyhttp.NewStackRequest().(*smithyhttp.Request)
	if err := tablesProtocol.SerializeRequest(ctx, shape, in, request); err != nil {
		return err
	}
	answer, err := q.post(ctx, request.Header.Get("X-Amz-Target"), request.GetStream())
	if err != nil {
		return err
	}
	next := middleware.DeserializeHandlerFunc(func(context.Context, middleware.DeserializeInput) (o middleware.DeserializeOutput, m middleware.Metadata, _ error) {
		o.RawResponse = answer.response()
		return o, m, nil
	})
	timed, m, err := (&awsmiddleware.RecordResponseTiming{}).HandleDeserialize(ctx, middleware.DeserializeInput{}, next) // takes the service's time
	if err != nil {
		return err
	}
	*metadata = m
	response, ok := timed.RawResponse.(*smithyhttp.Response)
	if !ok {
		return errors.New("no answer")
	}
	if err := tablesProtocol.DeserializeResponse(ctx, shape, dynamodb.TypeRegistry, response, out); err != nil {
		return &smithyhttp.ResponseError{Response: response, Err: err}
	}
	return nil
}

// rare is how seldom who has quick clients reads a quiet shard: much time passes for it.
const rare = 5 * time.Second
