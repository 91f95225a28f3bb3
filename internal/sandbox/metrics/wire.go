package metrics

// The wire: today's SDKs speak Smithy RPC v2 CBOR or JSON 1.0, older ones and Debian's command line the Query protocol. All
// mean the same requests.

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/fxamacker/cbor/v2"

	"inventoryd/internal/sandbox/wire"
)

// Protocol is how a request is written.
type Protocol int

// The protocols.
const (
	CBOR Protocol = iota
	JSON
	Query
)

// Request is one call.
type Request struct {
	Operation  string
	Protocol   Protocol
	Body       []byte // compressed where Compressed says so
	Compressed bool   // by gzip
	Client     string // the access key id that signed it
}

// TooLarge is the code of a body beyond 1 MB.
const TooLarge = "RequestEntityTooLarge"

var operations = map[string]func(*Service, Request) (any, error){
	"PutMetricData": (*Service).putMetricData, "ListMetrics": (*Service).listMetrics, "GetMetricStatistics": (*Service).metricStatistics,
}

// Call answers one request; the answer is a struct to be encoded by its protocol, nil where the operation has no result.
func (s *Service) Call(r Request) (any, error) {
	op, ok := operations[r.Operation]
	switch {
	case len(r.Body) > maxBody:
		return nil, &wire.Error{Status: 413, Code: TooLarge, Message: "Request body is larger than 1 MB"}
	case !ok:
		return nil, wire.Errorf("UnknownOperationException", "the sandbox's CloudWatch has no operation %s", r.Operation)
	}
	return op(s, r)
}

// Namespace is that of a request; "" where it has none that can be read.
func (r Request) Namespace() string {
	var in struct{ Namespace string }
	_ = r.read(&in, false) // what it cannot read is refused by the operation
	return in.Namespace
}

// decode reads the request, and refuses members that the sandbox does not have.
func (r Request) decode(into any) error {
	if err := r.read(into, true); err != nil {
		return wire.Errorf("SerializationException", "the sandbox's CloudWatch cannot read the request: %s", err)
	}
	return nil
}

func (r Request) read(into any, strictly bool) error {
	body := r.Body
	if r.Compressed {
		var err error
		if body, err = gunzip(body); err != nil {
			return err
		}
	}
	if r.Protocol == CBOR {
		if strictly {
			return strict.Unmarshal(body, into)
		}
		return cbor.Unmarshal(body, into)
	}
	if r.Protocol == Query {
		form, err := url.ParseQuery(string(body))
		if err != nil {
			return err
		}
		if body, err = json.Marshal(tree(form)); err != nil {
			return err
		}
	}
	d := json.NewDecoder(bytes.NewReader(body))
	if strictly {
		d.DisallowUnknownFields()
	}
	return d.Decode(into)
}

// strict refuses a request with a member that the sandbox does not have.
var strict = func() cbor.DecMode {
	mode, err := cbor.DecOptions{ExtraReturnErrors: cbor.ExtraDecErrorUnknownField}.DecMode()
	if err != nil {
		panic(err) // the options are constant
	}
	return mode
}()

func gunzip(b []byte) ([]byte, error) {
	z, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(io.LimitReader(z, 64<<20))
}

// tree turns the names of a form, "MetricData.member.1.MetricName", into objects and lists.
func tree(form url.Values) map[string]any {
	root := map[string]any{}
	for name, values := range form {
		if name == "Action" || name == "Version" {
			continue
		}
		at := root
		parts := strings.Split(name, ".")
		for _, p := range parts[:len(parts)-1] {
			next, ok := at[p].(map[string]any)
			if !ok {
				next = map[string]any{}
				at[p] = next
			}
			at = next
		}
		at[parts[len(parts)-1]] = values[0]
	}
	return listed(root).(map[string]any)
}

// listed makes lists of the objects whose only member is "member".
func listed(v any) any {
	object, ok := v.(map[string]any)
	if !ok {
		return v
	}
	if members, ok := object["member"].(map[string]any); ok && len(object) == 1 {
		list := []any{}
		for i := 1; members[strconv.Itoa(i)] != nil; i++ {
			list = append(list, listed(members[strconv.Itoa(i)]))
		}
		return list
	}
	for name, member := range object {
		object[name] = listed(member)
	}
	return object
}

// number is written as a text by the Query protocol.
type number float64

// UnmarshalJSON implements json.Unmarshaler.
func (n *number) UnmarshalJSON(b []byte) error {
	f, err := strconv.ParseFloat(strings.Trim(string(b), `"`), 64)
	*n = number(f)
	return err
}

// instant is epoch seconds in JSON, a tagged number in CBOR, and ISO 8601 in the Query protocol.
type instant struct{ time.Time }

// UnmarshalJSON implements json.Unmarshaler.
func (i *instant) UnmarshalJSON(b []byte) (err error) {
	text := strings.Trim(string(b), `"`)
	if seconds, err := strconv.ParseFloat(text, 64); err == nil {
		i.Time = time.UnixMilli(int64(seconds * 1000)).UTC()
		return nil
	}
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05", "2006-01-02"} {
		if i.Time, err = time.Parse(layout, text); err == nil {
			return nil
		}
	}
	return fmt.Errorf("%q is no time", text)
}

// UnmarshalCBOR implements cbor.Unmarshaler.
func (i *instant) UnmarshalCBOR(b []byte) error { return cbor.Unmarshal(b, &i.Time) }

// MarshalJSON implements json.Marshaler.
func (i instant) MarshalJSON() ([]byte, error) {
	return strconv.AppendFloat(nil, float64(i.UnixMilli())/1000, 'f', -1, 64), nil
}

// MarshalText implements encoding.TextMarshaler, for XML.
func (i instant) MarshalText() ([]byte, error) {
	return i.UTC().AppendFormat(nil, "2006-01-02T15:04:05Z"), nil
}

// MarshalCBOR implements cbor.Marshaler.
func (i instant) MarshalCBOR() ([]byte, error) {
	return cbor.Marshal(cbor.Tag{Number: 1, Content: float64(i.UnixMilli()) / 1000})
}
