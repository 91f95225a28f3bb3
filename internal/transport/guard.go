package transport

// What is not AWS's answer: proxies, portals and load balancers on the way answer too, and the SDK takes some of what they
// say for a success.

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Protocol is how a service words its answers.
type Protocol int

// The protocols of the services that the daemon uses.
const (
	JSON  Protocol = iota // SQS, DynamoDB and its streams: each answer is a JSON object
	Query                 // SNS and STS: each answer is an XML document
	CBOR                  // CloudWatch: a success has the header Smithy-Protocol
	S3                    // errors are XML documents; an object, read or written, has its ETag
)

// Foreign is the error of a call that somebody else than the service has answered. It says nothing of what was asked for:
// the way to the service is in trouble, as with a connection that breaks.
type Foreign struct {
	Status int
	Reason string
}

func (f *Foreign) Error() string {
	return fmt.Sprintf("not AWS has answered (status %d, %s): look for a proxy or a portal on the way, and at aws.endpoint", f.Status, f.Reason)
}

// Client returns an HTTP client for one service over base, as PlainBody wraps it. It follows no redirect but 307 and 308 to the
// same scheme and host, so that neither a signature nor a session token reaches anybody else, and an answer that is
// not the service's is an error, *Foreign. timeout bounds a whole call; 0: none.
func Client(base http.RoundTripper, p Protocol, timeout time.Duration) *http.Client {
	return &http.Client{Transport: guard{PlainBody(base), p}, Timeout: timeout, CheckRedirect: follow}
}

// follow is asked with the request that a redirect leads to; its Response is the redirect.
func follow(next *http.Request, via []*http.Request) error {
	if len(via) < 5 && stays(next.Response) {
		return nil
	}
	return http.ErrUseLastResponse
}

// stays reports whether an answer is a redirect that leads nowhere else: the same request to the same scheme and host.
func stays(r *http.Response) bool {
	if r.StatusCode != http.StatusTemporaryRedirect && r.StatusCode != http.StatusPermanentRedirect {
		return false
	}
	to, err := r.Location()
	return err == nil && r.Request != nil && to.Scheme == r.Request.URL.Scheme && to.Host == r.Request.URL.Host
}

// guard refuses answers that are not the service's.
type guard struct {
	base     http.RoundTripper
	protocol Protocol
}

func (g guard) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := g.base.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	if answer.Request == nil {
		answer.Request = r
	}
	p := &peeked{ReadCloser: answer.Body}
	reason, err := g.judge(r, answer, p)
	if err == nil && reason != "" {
		err = &Foreign{Status: answer.StatusCode, Reason: reason}
	}
	if err != nil {
		answer.Body.Close()
		return nil, err
	}
	if p.n > 0 || p.err != nil {
		answer.Body = p
	}
	return answer, nil
}

// CloseIdleConnections lets http.Client's method of that name reach the base.
func (g guard) CloseIdleConnections() {
	if c, ok := g.base.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}

// judge says why an answer is not the service's, or nothing. An error is one of reading it.
func (g guard) judge(r *http.Request, answer *http.Response, p *peeked) (reason string, err error) {
	status := answer.StatusCode
	switch {
	case status == http.StatusNotModified, status == http.StatusNoContent, stays(answer):
		return "", nil
	case status == http.StatusProxyAuthRequired:
		return "a proxy asks for a password", nil
	case r.Method == http.MethodHead: // has no body, and its 404 no code
		if status >= 300 && status < 400 && answer.Header.Get("X-Amz-Bucket-Region") == "" {
			return "a redirect", nil
		}
		return "", nil
	case status >= 300:
		return g.failure(answer, p)
	}
	return g.success(r, answer, p)
}

// failure judges an answer of failure: it has the shape of the service's errors.
func (g guard) failure(answer *http.Response, p *peeked) (reason string, err error) {
	head, err := p.peek()
	if err != nil {
		return "", err
	}
	redirect := answer.StatusCode < 400
	switch {
	case len(head) == 0 && g.protocol != CBOR:
		return "without the service's error code", nil
	case g.isPage(head):
		return "a page of HTML", nil
	case g.protocol == JSON && (redirect || head[0] != '{'),
		g.protocol == Query && (redirect || !bytes.Contains(head, []byte("<Error"))),
		g.protocol == S3 && !bytes.Contains(head, []byte("<Error")),
		g.protocol == CBOR && redirect:
		return "not in the shape of the service's errors", nil
	}
	return "", nil
}

// success judges an answer of success.
func (g guard) success(r *http.Request, answer *http.Response, p *peeked) (reason string, err error) {
	if g.protocol == S3 {
		id, isList := r.URL.Query().Get("x-id"), r.URL.Query().Get("list-type") != ""
		switch {
		case slices.Contains([]string{"GetObject", "PutObject", "UploadPart"}, id):
			if answer.Header.Get("Etag") == "" {
				return "an object without its ETag", nil
			}
			return "", nil // what an object holds may be a page of HTML
		case !isList:
			return "", nil
		}
	}
	if g.protocol == CBOR {
		if answer.Header.Get("Smithy-Protocol") != "rpc-v2-cbor" {
			return "a success without the header Smithy-Protocol", nil
		}
		return "", nil
	}
	head, err := p.peek()
	switch {
	case err != nil:
		return "", err
	case len(head) == 0 && g.protocol == JSON && wordless(r.Header.Get("X-Amz-Target")):
		return "", nil
	case len(head) == 0:
		return "a success without a body", nil
	case g.isPage(head):
		return "a page of HTML", nil
	case g.protocol == JSON && head[0] != '{', g.protocol != JSON && head[0] != '<':
		return "not in the shape of the service's answers", nil
	}
	return "", nil
}

// wordless reports whether an operation is answered without a body ("Amazon SQS API Reference").
func wordless(target string) bool {
	service, operation, _ := strings.Cut(target, ".")
	return service == "AmazonSQS" && slices.Contains([]string{
		"AddPermission", "ChangeMessageVisibility", "DeleteMessage", "DeleteQueue", "PurgeQueue", "RemovePermission",
		"SetQueueAttributes", "TagQueue", "UntagQueue",
	}, operation)
}

// isPage reports whether a body is a page of HTML. What a JSON object holds may look like one.
func (g guard) isPage(head []byte) bool {
	if g.protocol == JSON && head[0] == '{' {
		return false
	}
	return bytes.Contains(bytes.ToLower(head), []byte("<html")) || bytes.HasPrefix(bytes.ToLower(head), []byte("<!doctype html"))
}

// peeked is a body whose beginning has been looked at.
type peeked struct {
	io.ReadCloser
	head  [256]byte
	n, at int   // bytes in head, and of those how many were read since
	err   error // behind them
}

// peek returns the beginning of the body from its first character on that is no blank. What the body breaks with is an error;
// its end is none.
func (p *peeked) peek() ([]byte, error) {
	for p.n < len(p.head) && p.err == nil {
		var n int
		n, p.err = p.ReadCloser.Read(p.head[p.n:])
		p.n += n
	}
	head := bytes.TrimLeft(p.head[:p.n], " \t\r\n")
	if p.err != nil && p.err != io.EOF {
		return nil, p.err
	}
	return head, nil
}

func (p *peeked) Read(b []byte) (int, error) {
	if p.at < p.n {
		n := copy(b, p.head[p.at:p.n])
		p.at += n
		return n, nil
	}
	if p.err != nil {
		return 0, p.err
	}
	return p.ReadCloser.Read(b)
}
