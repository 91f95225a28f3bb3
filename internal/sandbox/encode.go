package sandbox

// Answers and errors as each protocol words them.

import (
	"cmp"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"hash/crc32"
	"net/http"
	"strconv"
	"strings"

	"github.com/fxamacker/cbor/v2"

	"inventoryd/internal/sandbox/wire"
)

// requestID is the id of the next answer.
func (s *Sandbox) requestID() string {
	return fmt.Sprintf("%08x-0000-4000-8000-000000000000", s.requests.Add(1))
}

var namespaces = map[string]string{
	"sns":        "http://sns.amazonaws.com/doc/2010-03-31/",
	"sts":        "https://sts.amazonaws.com/doc/2011-06-15/",
	"cloudwatch": "http://monitoring.amazonaws.com/doc/2010-08-01/",

	"sqs": "http://queue.amazonaws.com/doc/2012-11-05/",
}

// succeed encodes the answer of a JSON or query service.
func (s *Sandbox) succeed(w http.ResponseWriter, c call, answer any) {
	id := s.requestID()
	if c.protocol == jsonProtocol {
		s.writeJSON(w, http.StatusOK, id, answer)
		return
	}
	if c.protocol == cborProtocol {
		writeCBOR(w, http.StatusOK, answer)
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

	"cloudwatch": "com.amazonaws.cloudwatch#",
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
		if c.Service == "sqs" || c.Service == "cloudwatch" {
			w.Header().Set("X-Amzn-Query-Error", queryCode(e)+";"+sideAtFault(status))
		}
		s.writeJSON(w, status, id, fields)
	case queryProtocol:
		code := e.Code
		if c.Service == "cloudwatch" {
			code = queryCode(e)
		}
		writeXML(w, status, fmt.Sprintf(`<ErrorResponse xmlns="%s"><Error><Type>%s</Type><Code>%s</Code><Message>%s</Message></Error><RequestId>%s</RequestId></ErrorResponse>`,
			namespaces[c.Service], sideAtFault(status), code, escape(e.Message), id))
	case restXML:
		s.Objects.Fail(w, c.Request, e)
	case cborProtocol:
		// CloudWatch's model writes the member both ways: Message of InternalServiceFault, message of the others.
		w.Header().Set("X-Amzn-Query-Error", queryCode(e)+";"+sideAtFault(status))
		writeCBOR(w, status, map[string]string{"__type": shapes[c.Service] + e.Code, "message": e.Message, "Message": e.Message})
	}
}

// queryCode is an error's code in the Query protocol.
func queryCode(e *wire.Error) string { return cmp.Or(queryCodes[e.Code], e.Code) }

// queryCodes are the codes that SQS and CloudWatch had in the Query protocol, which they still name in a header beside the
// type (trait awsQueryError of their models); the others are the same.
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

	"InvalidParameterValueException":       "InvalidParameterValue",
	"InvalidParameterCombinationException": "InvalidParameterCombination",
	"MissingRequiredParameterException":    "MissingParameter",
}

func sideAtFault(status int) string {
	if status >= http.StatusInternalServerError {
		return "Receiver"
	}
	return "Sender"
}

func (s *Sandbox) writeJSON(w http.ResponseWriter, status int, id string, v any) {
	if v == nil {
		v = struct{}{}
	}
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

func writeCBOR(w http.ResponseWriter, status int, v any) {
	body := []byte{0xa0} // an empty map
	if v != nil {
		var err error
		if body, err = cbor.Marshal(v); err != nil {
			panic(fmt.Errorf("sandbox: encode an answer: %w", err))
		}
	}
	w.Header().Set("Smithy-Protocol", "rpc-v2-cbor")
	write(w, status, "application/cbor", body)
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
