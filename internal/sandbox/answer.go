package sandbox

// One request from its arrival to its answer, without what faults do to it (faulty.go).

import (
	"bytes"
	"cmp"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/fxamacker/cbor/v2"

	"inventoryd/internal/sandbox/topics"
	"inventoryd/internal/sandbox/wire"
)

// serve lets the service answer; unprocessed is the share of a batch that it leaves undone.
func (s *Sandbox) serve(w http.ResponseWriter, c call, unprocessed float64) {
	switch {
	case c.protocol == restXML:
		s.Objects.ServeHTTP(w, c.Request)
	case c.protocol == cborProtocol:
		c.Request.Body = io.NopCloser(bytes.NewReader(c.Body))
		s.Metrics.ServeHTTP(w, c.Request)
	default:
		answer, err := s.answer(c, unprocessed)
		if ctx := c.Request.Context(); ctx.Err() != nil { // the client has gone: nobody reads an answer
			panic(http.ErrAbortHandler)
		}
		if err != nil {
			s.fail(w, c, err)
			return
		}
		s.succeed(w, c, answer)
	}
}

func (s *Sandbox) answer(c call, unprocessed float64) (any, error) {
	ctx := c.Request.Context()
	r := wire.Request{Operation: c.Operation, Body: c.Body, Client: c.Client, Unprocessed: unprocessed}
	switch {
	case c.Service == "dynamodb" || c.Service == "streams":
		return s.Tables.Call(ctx, r)
	case c.Service == "sqs" && c.protocol == jsonProtocol:
		return s.Queues.Call(ctx, r)
	case c.Service == "sqs":
		return nil, wire.Errorf("InvalidAction", "The sandbox speaks the JSON protocol with SQS, not the Query protocol of %s: use a client of this decade", c.Operation)
	case c.Service == "sns":
		return s.Topics.Call(ctx, topics.Request{Operation: c.Operation, Form: c.form, Unprocessed: unprocessed})
	case c.Service == "sts":
		return identity(c)
	}
	return nil, wire.Errorf("UnknownOperationException", "the sandbox knows no service for the operation %q (%s %s)", c.Operation, c.Request.Method, c.Request.URL.Path)
}

// callerIdentity is the answer of STS.
type callerIdentity struct {
	XMLName              xml.Name `xml:"GetCallerIdentityResult"`
	Arn, UserId, Account string
}

func identity(c call) (any, error) {
	if c.Operation != "GetCallerIdentity" {
		return nil, wire.Errorf("InvalidAction", "the sandbox's STS has no operation %s", c.Operation)
	}
	return callerIdentity{Arn: "arn:aws:iam::" + Account + ":user/" + c.Client, UserId: c.Client, Account: Account}, nil
}

// requestID is the id of the next answer.
func (s *Sandbox) requestID() string {
	return fmt.Sprintf("%08x-0000-4000-8000-000000000000", s.requests.Add(1))
}

var namespaces = map[string]string{
	"sns": "http://sns.amazonaws.com/doc/2010-03-31/",
	"sts": "https://sts.amazonaws.com/doc/2011-06-15/",
	"sqs": "http://queue.amazonaws.com/doc/2012-11-05/",
}

// succeed encodes the answer of a JSON or query service.
func (s *Sandbox) succeed(w http.ResponseWriter, c call, answer any) {
	id := s.requestID()
	if c.protocol == jsonProtocol {
		s.writeJSON(w, http.StatusOK, id, answer)
		return
	}
	body, err := xml.Marshal(answer)
	if err != nil {
		panic(fmt.Errorf("sandbox: encode the answer of %s: %w", c.Operation, err))
	}
	writeXML(w, http.StatusOK, fmt.Sprintf(`<%[1]sResponse xmlns="%[2]s">%[3]s<ResponseMetadata><RequestId>%[4]s</RequestId></ResponseMetadata></%[1]sResponse>`,
		c.Operation, namespaces[c.Service], body, id))
}

// shapes are the prefixes of error types in JSON.
var shapes = map[string]string{
	"dynamodb": "com.amazonaws.dynamodb.v20120810#",
	"streams":  "com.amazonaws.dynamodb.v20120810#",
	"sqs":      "com.amazonaws.sqs#",
}

// fail encodes an error as the protocol of the call words it.
func (s *Sandbox) fail(w http.ResponseWriter, c call, err error) {
	e := &wire.Error{}
	if !errors.As(err, &e) {
		e = &wire.Error{Status: http.StatusInternalServerError, Code: "InternalServerError", Message: err.Error()}
	}
	status, id := e.Status, s.requestID()
	if status == 0 {
		status = http.StatusBadRequest
	}
	switch c.protocol {
	case jsonProtocol:
		fields := map[string]any{"__type": shapes[c.Service] + e.Code, "message": e.Message}
		for k, v := range e.Fields {
			fields[k] = v
		}
		if c.Service == "sqs" {
			w.Header().Set("X-Amzn-Query-Error", cmp.Or(queryCodes[e.Code], e.Code)+";"+sideAtFault(status))
		}
		s.writeJSON(w, status, id, fields)
	case queryProtocol:
		writeXML(w, status, fmt.Sprintf(`<ErrorResponse xmlns="%s"><Error><Type>%s</Type><Code>%s</Code><Message>%s</Message></Error><RequestId>%s</RequestId></ErrorResponse>`,
			namespaces[c.Service], sideAtFault(status), e.Code, escape(e.Message), id))
	case restXML:
		s.Objects.Fail(w, c.Request, e)
	case cborProtocol:
		body, _ := cbor.Marshal(map[string]string{"__type": e.Code, "message": e.Message}) // two strings: cannot fail
		w.Header().Set("Smithy-Protocol", "rpc-v2-cbor")
		write(w, status, "application/cbor", body)
	}
}

// queryCodes are the codes that SQS had in its Query protocol, which it still names in a header beside the type in JSON
// (trait awsQueryError of its model); the others are the same.
var queryCodes = map[string]string{
	"QueueDoesNotExist":            "AWS.SimpleQueueService.NonExistentQueue",
	"QueueDeletedRecently":         "AWS.SimpleQueueService.QueueDeletedRecently",
	"QueueNameExists":              "QueueAlreadyExists",
	"MessageNotInflight":           "AWS.SimpleQueueService.MessageNotInflight",
	"PurgeQueueInProgress":         "AWS.SimpleQueueService.PurgeQueueInProgress",
	"EmptyBatchRequest":            "AWS.SimpleQueueService.EmptyBatchRequest",
	"TooManyEntriesInBatchRequest": "AWS.SimpleQueueService.TooManyEntriesInBatchRequest",
	"BatchEntryIdsNotDistinct":     "AWS.SimpleQueueService.BatchEntryIdsNotDistinct",
	"BatchRequestTooLong":          "AWS.SimpleQueueService.BatchRequestTooLong",
	"InvalidBatchEntryId":          "AWS.SimpleQueueService.InvalidBatchEntryId",
	"UnsupportedOperation":         "AWS.SimpleQueueService.UnsupportedOperation",
}

func sideAtFault(status int) string {
	if status >= http.StatusInternalServerError {
		return "Receiver"
	}
	return "Sender"
}

func (s *Sandbox) writeJSON(w http.ResponseWriter, status int, id string, v any) {
	body, ready := v.(json.RawMessage) // the largest answers come encoded
	if !ready {
		var err error
		if body, err = json.Marshal(v); err != nil {
			panic(fmt.Errorf("sandbox: encode an answer: %w", err))
		}
	}
	w.Header().Set("X-Amzn-Requestid", id)
	w.Header().Set("X-Amz-Crc32", strconv.FormatUint(uint64(crc32.ChecksumIEEE(body)), 10))
	write(w, status, "application/x-amz-json-1.0", body)
}

func writeXML(w http.ResponseWriter, status int, body string) {
	write(w, status, "text/xml", []byte(xml.Header+body))
}

func write(w http.ResponseWriter, status int, contentType string, body []byte) {
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = w.Write(body) // the client may have gone
}

func escape(s string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(s)) // a Builder takes all
	return b.String()
}
