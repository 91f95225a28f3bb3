package sandbox

// Which service and operation a request is for, and who calls.

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"net/url"
	"strings"

	"inventoryd/internal/sandbox/fault"
	"inventoryd/internal/sandbox/objects"
)

// protocol is how a service words requests and answers.
type protocol int

const (
	jsonProtocol  protocol = iota // X-Amz-Target and JSON 1.0
	queryProtocol                 // a form in, XML out
	cborProtocol                  // smithy's rpc-v2-cbor
	restXML                       // S3's
)

// call is a request that has been read.
type call struct {
	fault.Call
	protocol protocol
	form     url.Values // of the query protocol
}

// targets are the services that the prefix of X-Amz-Target names.
var targets = map[string]string{
	"DynamoDB_20120810":        "dynamodb",
	"DynamoDBStreams_20120810": "streams",
	"AmazonSQS":                "sqs",

	"GraniteServiceVersion20100801": "cloudwatch",
}

// versions are the services that the Version of the query protocol names.
var versions = map[string]string{"2010-03-31": "sns", "2011-06-15": "sts", "2012-11-05": "sqs", "2010-08-01": "cloudwatch"}

// identify reads a request as far as its protocol asks for: S3's body is left to be streamed.
func identify(r *http.Request) (call, error) {
	c := call{Call: fault.Call{Client: client(r), Request: r}}
	target := r.Header.Get("X-Amz-Target")
	switch {
	case r.Header.Get("Smithy-Protocol") == "rpc-v2-cbor":
		c.protocol, c.Service = cborProtocol, "cloudwatch"
		c.Operation = r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:]
	case target != "":
		prefix, operation, _ := strings.Cut(target, ".")
		c.protocol, c.Service, c.Operation = jsonProtocol, targets[prefix], operation
	case r.Method == http.MethodPost && strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded"):
		c.protocol = queryProtocol
	default:
		c.protocol, c.Service, c.Operation = restXML, "s3", objects.Operation(r)
		return c, nil
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return c, err
	}
	c.Body = body
	if c.protocol == queryProtocol {
		c.form, _ = url.ParseQuery(string(plain(r, body))) // what it cannot read is missed by the operation
		c.Service, c.Operation = versions[c.form.Get("Version")], c.form.Get("Action")
	}
	return c, nil
}

// compressed tells whether the client has compressed the body, as CloudWatch's do with large ones.
func compressed(r *http.Request) bool { return r.Header.Get("Content-Encoding") == "gzip" }

// plain is the body as it was before the client compressed it.
func plain(r *http.Request, body []byte) []byte {
	if !compressed(r) {
		return body
	}
	z, err := gzip.NewReader(bytes.NewReader(body))
	if err != nil {
		return body
	}
	text, err := io.ReadAll(io.LimitReader(z, 64<<20))
	if err != nil {
		return body
	}
	return text
}

// client is the access key id in the request's signature (header or presigned query); "" without one.
func client(r *http.Request) string {
	credential := r.URL.Query().Get("X-Amz-Credential")
	if _, after, ok := strings.Cut(r.Header.Get("Authorization"), "Credential="); ok {
		credential = after
	}
	id, _, _ := strings.Cut(credential, "/")
	return id
}
