package loader_test

// A hostile proxy in front of each service: nothing is lost, nothing condemned, and no token leaves.

import (
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"inventoryd/internal/sandbox"
	"inventoryd/internal/transport"
	"inventoryd/loader"
)

// proxy stands between the loader and the sandbox, and answers in its place while it is on.
type proxy struct {
	behind http.RoundTripper
	on     *atomic.Bool
	answer func(*http.Request) (status int, header http.Header, body string)
	leaked *atomic.Int64 // requests to another host than the sandbox
	asked  *atomic.Int64 // that were answered in its place
}

func (p proxy) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Host != "sandbox" {
		p.leaked.Add(1)
	}
	if !p.on.Load() {
		return p.behind.RoundTrip(r)
	}
	if r.Body != nil {
		_, _ = io.Copy(io.Discard, r.Body)
		r.Body.Close()
	}
	p.asked.Add(1)
	status, header, body := p.answer(r)
	return &http.Response{
		StatusCode: status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: header, Request: r,
		Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)),
	}, nil
}

func TestAProxyThatAnswersForAServiceCostsNothing(t *testing.T) {
	const page = "<html><body>Log in</body></html>"
	portal := http.Header{"Location": {"https://portal.example/"}}
	away := func(then string) func(*http.Request) (int, http.Header, string) {
		return func(r *http.Request) (int, http.Header, string) {
			if r.URL.Host == "sandbox" {
				return 302, portal, ""
			}
			return 200, http.Header{}, then
		}
	}
	always := func(status int, body string) func(*http.Request) (int, http.Header, string) {
		return func(*http.Request) (int, http.Header, string) { return status, http.Header{}, body }
	}
	for name, answer := range map[string]func(*http.Request) (int, http.Header, string){
		"302 to an empty 200": away(""), "302 to a page": away(page), "404 with a page": always(404, page), "404 without a code": always(404, ""),
		"407": always(407, ""), "200 without ETag": always(200, ""), "200 with a page": always(200, page), "403 with a page": always(403, page),
	} {
		for _, service := range []string{"s3", "sqs", "table", "state"} {
			t.Run(service+" "+name, func(t *testing.T) {
				inWorld(t, func(w *world) {
					var on atomic.Bool
					var leaked, asked atomic.Int64
					w.twist = func(c *loader.Clients) {
						*c = w.behind(service, proxy{on: &on, answer: answer, leaked: &leaked, asked: &asked})
					}
					w.config.Rejects = "s3://inventory/rejects/"
					i := w.start("a")
					w.put("before.csv", "store,item,count\nLima,Mug,1\nLima,Pot,2\n") // by the fast path from its second batch on
					w.quiet(time.Minute)
					on.Store(true)
					w.put("feed.csv", feedWithRejects(200, 10))
					time.Sleep(10 * time.Minute)
					if asked.Load() == 0 {
						t.Error("the proxy was not asked")
					}
					on.Store(false)
					w.quiet(20 * time.Minute)
					if total := i.balanced(); total.Loaded != 2 || total.Failed > 0 || len(w.rows()) != 182 {
						t.Errorf("total %+v, %d rows; log %v", total, len(w.rows()), w.messages())
					}
					if _, _, ok := w.Objects.Object(sandbox.Bucket, "rejects/inventory%2Ffeed.csv.rejects.ndjson"); !ok {
						t.Error("there is no report")
					}
					if n := leaked.Load(); n > 0 || len(w.Queues.Contents(sandbox.DeadLetterQueue).Visible) > 0 {
						t.Errorf("%d requests went to the portal; dead letters: %v", n, w.Queues.Contents(sandbox.DeadLetterQueue).Visible)
					}
				})
			})
		}
	}
}

// behind makes clients as the daemon does, over the transport that it uses, with a proxy before one of the services.
func (w *world) behind(service string, p proxy) loader.Clients {
	never := &atomic.Bool{}
	way := func(name string) http.RoundTripper {
		one := p
		one.behind = sandbox.Direct(w.Sandbox)
		if name != service {
			one.on = never
		}
		return one
	}
	creds := credentials.NewStaticCredentialsProvider("a", "secret", "the session token")
	cfg := func(name string, protocol transport.Protocol) aws.Config {
		c := w.Config("a")
		c.Credentials, c.HTTPClient = creds, transport.Client(way(name), protocol, 0)
		return c
	}
	standard := func() aws.Retryer {
		return retry.NewStandard(func(o *retry.StandardOptions) { o.MaxAttempts, o.MaxBackoff = 3, 5*time.Second })
	}
	tables := func(name string) *dynamodb.Client {
		return dynamodb.NewFromConfig(cfg(name, transport.JSON), func(o *dynamodb.Options) { o.DisableValidateResponseChecksum = true })
	}
	return loader.Clients{
		SQS: sqs.NewFromConfig(cfg("sqs", transport.JSON), func(o *sqs.Options) { o.Retryer = standard() }),
		S3: s3.NewFromConfig(cfg("s3", transport.S3), func(o *s3.Options) {
			o.Retryer, o.UsePathStyle, o.DisableLogOutputChecksumValidationSkipped = standard(), true, true
		}),
		Tables: tables("table"), State: tables("state"), Wire: w.wired(way("table"), creds),
	}
}
