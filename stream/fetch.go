package stream

// This file: the seam behind which pages are read. The SDK would build three maps for each record; here the answer's
// body is taken before it does, and only errors are left to it.

import (
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"strings"
	"time"
	"unsafe"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams/schemas"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"github.com/aws/smithy-go/transport/http/protocol/awsjson"
)

// maxRecords is the most records that one answer of GetRecords holds.
const maxRecords = 1000

// fetcher reads one page: the seam for another client than the SDK's. Its errors are the SDK's kinds of errors.
type fetcher interface {
	fetch(ctx context.Context, iterator, label, shard string) (page, error)
}

// sdkFetcher is the SDK's client with its decoding of records left out. The memory of a page that it returns is taken
// from the budget; who handles the page gives it back.
type sdkFetcher struct {
	client Streams
	budget *budget
}

func (f sdkFetcher) fetch(ctx context.Context, iterator, label, shard string) (p page, err error) {
	answer := taker{budget: f.budget}
	defer func() {
		if p.size = answer.reserved; err != nil {
			f.budget.release(answer.reserved)
			p = page{}
		}
	}()
	out, err := f.client.GetRecords(ctx, &dynamodbstreams.GetRecordsInput{
		ShardIterator: &iterator, Limit: aws.Int32(maxRecords),
	}, onceStreams, dynamodbstreams.WithAPIOptions(answer.install))
	if err != nil {
		return page{}, err
	}
	if !answer.taken { // another kind of client, or another protocol than JSON
		if answer.body, err = encode(ctx, out); err != nil {
			return page{}, err
		}
	}
	p, err = parsePage(answer.body, label, shard)
	p.at = serverTime(out.ResultMetadata)
	return p, err
}

// serverTime is the Date header of an answer, zero where it has none.
func serverTime(m middleware.Metadata) time.Time {
	at, _ := awsmiddleware.GetServerTime(m)
	return at
}

// taker takes the body of a good answer and leaves the SDK an empty object to decode.
type taker struct {
	budget   *budget
	body     string
	taken    bool
	reserved int64
}

func (t *taker) install(stack *middleware.Stack) error {
	return stack.Deserialize.Add(middleware.DeserializeMiddlewareFunc("TakeRecords", t.handle), middleware.After)
}

func (t *taker) handle(ctx context.Context, in middleware.DeserializeInput, next middleware.DeserializeHandler) (middleware.DeserializeOutput, middleware.Metadata, error) {
	out, metadata, err := next.HandleDeserialize(ctx, in)
	response, ok := out.RawResponse.(*smithyhttp.Response)
	if err != nil || !ok || response.StatusCode != 200 || !strings.Contains(response.Header.Get("Content-Type"), "json") {
		return out, metadata, err
	}
	defer response.Body.Close()
	if t.reserved, err = t.budget.take(ctx, bodySize(response)); err != nil {
		return out, metadata, fmt.Errorf("wait for memory: %w", err)
	}
	if t.body, err = readBody(response); err != nil {
		return out, metadata, &smithy.DeserializationError{Err: fmt.Errorf("read the answer's body: %w", err)}
	}
	if excess := t.reserved - int64(len(t.body)); excess > 0 {
		t.budget.release(excess)
		t.reserved -= excess
	}
	t.taken = true
	response.Body = io.NopCloser(strings.NewReader("{}"))
	response.ContentLength = 2
	return out, metadata, nil
}

const (
	smallBody   = 1 << 10 // an answer without records, or hardly any: not worth accounting for
	unknownBody = 2 << 20 // an answer that does not tell its length, until that is known
)

// bodySize is the memory that an answer's body will need.
func bodySize(response *smithyhttp.Response) int64 {
	switch n := response.ContentLength; {
	case n < 0 || response.Header.Get("Content-Encoding") == "gzip":
		return max(n, unknownBody)
	case n <= smallBody:
		return 0
	default:
		return n
	}
}

// readBody reads an answer's text: in one piece where its length is known, for a page is copied once then.
func readBody(response *smithyhttp.Response) (string, error) {
	var body io.Reader = response.Body
	switch n := response.ContentLength; {
	case response.Header.Get("Content-Encoding") == "gzip":
		unzipped, err := gzip.NewReader(body)
		if err != nil {
			return "", err
		}
		response.Header.Del("Content-Encoding")
		body = unzipped
	case n > 0 && n <= 4<<20:
		text := make([]byte, n)
		if _, err := io.ReadFull(body, text); err != nil {
			return "", err
		}
		return unsafe.String(&text[0], len(text)), nil // nobody else has the bytes; as strings.Builder does
	}
	var text strings.Builder
	text.Grow(int(min(max(response.ContentLength, 512), 4<<20)))
	if _, err := io.Copy(&text, body); err != nil {
		return "", err
	}
	return text.String(), nil
}

var (
	protocol       = awsjson.New10(schemas.DynamoDBStreams_20120810)
	recordsAsInput = smithy.NewOperationSchema(schemas.GetRecords, schemas.GetRecordsOutput, schemas.GetRecordsOutput)
)

// encode writes a decoded answer as the JSON it came from.
func encode(ctx context.Context, out *dynamodbstreams.GetRecordsOutput) (string, error) {
	request := smithyhttp.NewStackRequest().(*smithyhttp.Request)
	if err := protocol.SerializeRequest(ctx, recordsAsInput, out, request); err != nil {
		return "", fmt.Errorf("encode records: %w", err)
	}
	body, err := io.ReadAll(request.GetStream())
	return string(body), err
}
