package sandbox

// Which service answers a request. What faults do to it is in faulty.go, how an answer is worded in encode.go.

import (
	"encoding/xml"
	"net/http"

	"inventoryd/internal/sandbox/metrics"
	"inventoryd/internal/sandbox/topics"
	"inventoryd/internal/sandbox/wire"
)

// serve lets the service answer; unprocessed is the share of a batch that it leaves undone.
func (s *Sandbox) serve(w http.ResponseWriter, c call, unprocessed float64) {
	switch {
	case c.protocol == restXML:
		s.Objects.ServeHTTP(w, c.Request)
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
	case c.Service == "cloudwatch":
		return s.Metrics.Call(c.metrics())
	case c.Service == "sns":
		return s.Topics.Call(ctx, topics.Request{Operation: c.Operation, Form: c.form, Unprocessed: unprocessed})
	case c.Service == "sts":
		return identity(c)
	}
	return nil, wire.Errorf("UnknownOperationException", "the sandbox knows no service for the operation %q (%s %s)", c.Operation, c.Request.Method, c.Request.URL.Path)
}

// metrics is a call of CloudWatch as that reads it.
func (c call) metrics() metrics.Request {
	protocol := map[protocol]metrics.Protocol{cborProtocol: metrics.CBOR, jsonProtocol: metrics.JSON, queryProtocol: metrics.Query}[c.protocol]
	return metrics.Request{Operation: c.Operation, Protocol: protocol, Body: c.Body, Compressed: compressed(c.Request), Client: c.Client}
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
