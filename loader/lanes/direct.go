package lanes

// The short way to DynamoDB, for calls that succeed.

import (
	"bytes"
	"context"
	"encoding/json"
	"net/url"
	"sync"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"inventoryd/internal/inventory"
)

// Direct calls BatchWriteItem without the SDK (loader/wire).
type Direct interface {
	// Call sends a body and has the answer of a success understood. Where it returns false, nobody knows what became of the
	// rows, and the SDK's client does the call again; Learn or Doubt must follow. It ends by itself well within PutTimeout.
	Call(ctx context.Context, body []byte, understand func(answer []byte) bool) bool
	// Learn is told of each call of the SDK's client that succeeds: its URL and the header Authorization.
	Learn(u *url.URL, authorization string)
	// Doubt is told that a call of the SDK's client has failed.
	Doubt()
}

// written is DynamoDB's answer to BatchWriteItem.
type written struct {
	UnprocessedItems map[string][]struct {
		PutRequest struct {
			Item map[string]struct{ S string }
		}
	}
	ConsumedCapacity []struct{ CapacityUnits float64 }
}

// bodies are used again: a call over the wire keeps none.
var bodies = sync.Pool{New: func() any { return new([]byte) }}

// direct writes rows by the short way. Those that are left stand in front.
func (d *Dynamo) direct(ctx context.Context, rows []Row) (left []Row, units float64, ok bool) {
	if d.Direct == nil {
		return nil, 0, false
	}
	body := bodies.Get().(*[]byte)
	defer bodies.Put(body)
	*body = d.encoder.body((*body)[:0], rows)
	ok = d.Direct.Call(ctx, *body, func(answer []byte) (known bool) {
		if u := d.usual.Load(); u != nil && bytes.Equal(answer, u.answer) {
			left, units = rows[:0], u.units
			return true
		}
		left, units, known = d.understand(answer, rows)
		return known
	})
	return left, units, ok
}

// usual is an answer that left nothing. Most are alike.
type usual struct {
	answer []byte
	units  float64
}

func (d *Dynamo) understand(answer []byte, rows []Row) (left []Row, units float64, known bool) {
	var out written
	if json.Unmarshal(answer, &out) != nil || out.UnprocessedItems == nil { // DynamoDB always names them, if only as {}
		return nil, 0, false
	}
	for _, c := range out.ConsumedCapacity {
		units += c.CapacityUnits
	}
	if left, known = d.left(rows, out); known && len(left) == 0 {
		d.usual.Store(&usual{bytes.Clone(answer), units})
	}
	return left, units, known
}

// left are the rows that an answer names; false: it names others too.
func (d *Dynamo) left(rows []Row, out written) ([]Row, bool) {
	if len(out.UnprocessedItems) == 0 {
		return rows[:0], true
	}
	named := map[inventory.Key]bool{}
	for _, requests := range out.UnprocessedItems {
		for _, r := range requests {
			named[inventory.Key{Store: r.PutRequest.Item[d.table.Store].S, Item: r.PutRequest.Item[d.table.Item].S}] = true
		}
	}
	n := toFront(rows, named)
	return rows[:n], n == len(named)
}

// way is how a call of the SDK's client went.
type way struct {
	url           *url.URL
	authorization string
}

// note adds the middleware that notes it.
func (w *way) note(o *dynamodb.Options) {
	o.APIOptions = append(o.APIOptions[:len(o.APIOptions):len(o.APIOptions)], func(stack *middleware.Stack) error {
		return stack.Finalize.Add(middleware.FinalizeMiddlewareFunc("NoteTheWay",
			func(ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler) (middleware.FinalizeOutput, middleware.Metadata, error) {
				if r, ok := in.Request.(*smithyhttp.Request); ok {
					w.url, w.authorization = r.URL, r.Header.Get("Authorization")
				}
				return next.HandleFinalize(ctx, in)
			}), middleware.After)
	})
}

// call has the SDK's client make a call, and the short way learn from it.
func (d *Dynamo) call(ctx context.Context, body []byte) (*dynamodb.BatchWriteItemOutput, error) {
	write := func(o *dynamodb.Options) { o.Protocol = protocol{o.Protocol, body} }
	if d.Direct == nil {
		return d.client.BatchWriteItem(ctx, d.input, write)
	}
	var w way
	out, err := d.client.BatchWriteItem(ctx, d.input, write, w.note)
	if err != nil || w.url == nil {
		d.Direct.Doubt()
	} else {
		d.Direct.Learn(w.url, w.authorization)
	}
	return out, err
}
