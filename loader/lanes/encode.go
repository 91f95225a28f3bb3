package lanes

// The body of BatchWriteItem, written by hand: the SDK's three maps and a dozen allocations per row cost more than all
// else that the loader does with a row. Everything else of the call — endpoint, signature, transport, answer, errors —
// stays the SDK's, whose clients take a protocol of one's own for a call.

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"

	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"inventoryd/internal/inventory"
)

// encoder writes bodies for one table.
type encoder struct {
	head, item, store, count, tail []byte // what stands between the values
}

func newEncoder(t inventory.Table) *encoder {
	return &encoder{
		head:  []byte(`{"RequestItems":{` + quoted(t.Name) + `:[`),
		store: []byte(`{"PutRequest":{"Item":{` + quoted(t.Store) + `:{"S":"`),
		item:  []byte(`"},` + quoted(t.Item) + `:{"S":"`),
		count: []byte(`"},` + quoted(t.Count) + `:{"N":"`),
		tail:  []byte(`]},"ReturnConsumedCapacity":"TOTAL"}`),
	}
}

// quoted is a string as JSON has it.
func quoted(s string) string {
	b, err := json.Marshal(s)
	if err != nil { // no string is without a form in JSON
		panic(err)
	}
	return string(b)
}

// body appends the whole body for rows to b.
func (e *encoder) body(b []byte, rows []Row) []byte {
	size := len(e.head) + len(e.tail)
	for _, r := range rows {
		size += len(e.store) + len(e.item) + len(e.count) + len(r.Store) + len(r.Item) + 32
	}
	b = append(slices.Grow(b, size), e.head...)
	for i, r := range rows {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendText(append(b, e.store...), r.Store)
		b = appendText(append(b, e.item...), r.Item)
		b = strconv.AppendInt(append(b, e.count...), r.Count, 10)
		b = append(b, `"}}}}`...)
	}
	return append(b, e.tail...)
}

// appendText appends what stands between the quotes of a JSON string. s is valid UTF-8.
func appendText(b, s []byte) []byte {
	from := 0
	for i, c := range s {
		if c >= ' ' && c != '"' && c != '\\' {
			continue
		}
		b = append(b, s[from:i]...)
		from = i + 1
		switch {
		case c >= ' ':
			b = append(b, '\\', c)
		default:
			const hex = "0123456789abcdef"
			b = append(b, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		}
	}
	return append(b, s[from:]...)
}

// protocol is the client's own protocol but for the body.
type protocol struct {
	smithyhttp.ClientProtocol
	body []byte
}

// SerializeRequest makes the request, as AWS JSON 1.0 has it.
func (p protocol) SerializeRequest(_ context.Context, _ *smithy.OperationSchema, _ smithy.Serializable, r *smithyhttp.Request) error {
	r.Method = http.MethodPost
	if r.URL.Path == "" {
		r.URL.Path = "/"
	}
	r.Header.Set("Content-Type", "application/x-amz-json-1.0")
	r.Header.Set("X-Amz-Target", "DynamoDB_20120810.BatchWriteItem")
	with, err := r.SetStream(bytes.NewReader(p.body))
	if err != nil {
		return err
	}
	*r = *with
	return nil
}
