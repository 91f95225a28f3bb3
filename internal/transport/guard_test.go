package transport_test

// What proxies and portals answer in a service's place: nothing of it passes for the service's word, and no token leaves.

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	ddbtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/smithy-go"

	"inventoryd/internal/transport"
)

// scripted answers each request as a test says, and remembers whom the requests were for.
type scripted struct {
	answer func(*http.Request) *http.Response
	hosts  map[string]int
	tokens int // requests with a session token to another host than the service's
}

func (s *scripted) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		_, _ = io.Copy(io.Discard, r.Body)
		_ = r.Body.Close()
	}
	s.hosts[r.URL.Host]++
	if r.URL.Host != "service.example" && r.Header.Get("X-Amz-Security-Token") != "" {
		s.tokens++
	}
	a := s.answer(r)
	a.Request, a.Proto, a.ProtoMajor, a.ProtoMinor = r, "HTTP/1.1", 1, 1
	return a, nil
}

func respond(status int, body string, headers ...string) func(*http.Request) *http.Response {
	return func(r *http.Request) *http.Response {
		h := http.Header{}
		for i := 0; i < len(headers); i += 2 {
			h.Set(headers[i], headers[i+1])
		}
		return &http.Response{StatusCode: status, Header: h, Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body))}
	}
}

// redirect leads whoever asks the service away, to somebody who answers in its place.
func redirect(status int, to string, then func(*http.Request) *http.Response) func(*http.Request) *http.Response {
	return func(r *http.Request) *http.Response {
		if r.URL.Host == "service.example" {
			return respond(status, "", "Location", to)(r)
		}
		return then(r)
	}
}

// calls are one of each service at an endpoint, over a transport.
func calls(base http.RoundTripper, endpoint string) map[string]func() error {
	ctx := context.Background()
	cfg := func(p transport.Protocol) aws.Config {
		return aws.Config{
			Region: "us-east-1", BaseEndpoint: &endpoint,
			Credentials: credentials.NewStaticCredentialsProvider("AK", "SK", "the session token"),
			HTTPClient:  transport.Client(base, p, 0), Retryer: func() aws.Retryer { return aws.NopRetryer{} },
		}
	}
	tables := dynamodb.NewFromConfig(cfg(transport.JSON), func(o *dynamodb.Options) { o.DisableValidateResponseChecksum = true })
	queue := sqs.NewFromConfig(cfg(transport.JSON))
	objects := s3.NewFromConfig(cfg(transport.S3), func(o *s3.Options) { o.UsePathStyle = true })
	key := map[string]ddbtypes.AttributeValue{"pk": &ddbtypes.AttributeValueMemberS{Value: "k"}}
	return map[string]func() error{
		"rows": func() error {
			_, err := tables.BatchWriteItem(ctx, &dynamodb.BatchWriteItemInput{RequestItems: map[string][]ddbtypes.WriteRequest{"t": {{PutRequest: &ddbtypes.PutRequest{Item: key}}}}})
			return err
		},
		"a checkpoint": func() error {
			_, err := tables.UpdateItem(ctx, &dynamodb.UpdateItemInput{TableName: aws.String("t"), Key: key})
			return err
		},
		"an alert row": func() error {
			_, err := tables.PutItem(ctx, &dynamodb.PutItemInput{TableName: aws.String("t"), Item: key})
			return err
		},
		"an object": func() error {
			out, err := objects.GetObject(ctx, &s3.GetObjectInput{Bucket: aws.String("b"), Key: aws.String("k")})
			if err == nil {
				err = out.Body.Close()
			}
			return err
		},
		"a report": func() error {
			_, err := objects.PutObject(ctx, &s3.PutObjectInput{Bucket: aws.String("b"), Key: aws.String("k"), Body: strings.NewReader("x")})
			return err
		},
		"a listing": func() error {
			_, err := objects.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: aws.String("b")})
			return err
		},
		"messages": func() error {
			_, err := queue.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: aws.String(endpoint + "/q")})
			return err
		},
		"an alert": func() error {
			_, err := sns.NewFromConfig(cfg(transport.Query)).Publish(ctx, &sns.PublishInput{TopicArn: aws.String("arn:aws:sns:us-east-1:1:t"), Message: aws.String("m")})
			return err
		},
		"metrics": func() error {
			_, err := cloudwatch.NewFromConfig(cfg(transport.CBOR)).PutMetricData(ctx, &cloudwatch.PutMetricDataInput{Namespace: aws.String("n")})
			return err
		},
	}
}

func TestWhatIsNotAWSsAnswerIsNoAnswer(t *testing.T) {
	const page = "<!DOCTYPE html><html><body>Log in</body></html>"
	const elsewhere = "https://portal.example/login"
	for name, answer := range map[string]func(*http.Request) *http.Response{
		"302 to an empty 200":              redirect(302, elsewhere, respond(200, "")),
		"302 to a page":                    redirect(302, elsewhere, respond(200, page, "Content-Type", "text/html")),
		"301 to an empty 200":              redirect(301, elsewhere, respond(200, "")),
		"303 to a page":                    redirect(303, elsewhere, respond(200, page)),
		"307 to another host":              redirect(307, elsewhere, respond(200, "{}")),
		"308 to another scheme":            redirect(308, "http://service.example/", respond(200, "{}")),
		"302 to the same host":             respond(302, "", "Location", "https://service.example/login"),
		"a page as a success":              respond(200, page, "Content-Type", "text/html"),
		"an empty success":                 respond(200, ""),
		"404 with a page":                  respond(404, page),
		"404 with nothing":                 respond(404, ""),
		"403 with a page":                  respond(403, page),
		"407":                              respond(407, ""),
		"407 with a page":                  respond(407, page),
		"502 with a page":                  respond(502, page),
		"plain words":                      respond(404, "404 page not found\n"),
		"a success in plain words":         respond(200, "OK"),
		"a page behind blanks as an error": respond(500, "\r\n\r\n<HTML><TITLE>Bad Gateway</TITLE></HTML>"),
	} {
		t.Run(name, func(t *testing.T) {
			base := &scripted{answer: answer, hosts: map[string]int{}}
			for what, call := range calls(base, "https://service.example") {
				err := call()
				var api smithy.APIError
				var foreign *transport.Foreign
				switch {
				case err == nil:
					t.Errorf("%s: passes for a success", what)
				case what == "metrics": // the SDK's own error for some of these
				case errors.As(err, &api):
					t.Errorf("%s: passes for the service's error %s", what, api.ErrorCode())
				case !errors.As(err, &foreign):
					t.Errorf("%s: %v", what, err)
				}
			}
			if base.tokens > 0 || base.hosts["portal.example"] > 0 {
				t.Errorf("%d requests went to the portal, %d of them with the token", base.hosts["portal.example"], base.tokens)
			}
		})
	}
}

func TestTheServicesOwnAnswersPass(t *testing.T) {
	const denied = `<?xml version="1.0" encoding="UTF-8"?><Error><Code>AccessDenied</Code><Message>no</Message></Error>`
	for _, c := range []struct {
		what   string
		answer func(*http.Request) *http.Response
		code   string // empty: a success
	}{
		{"an object", respond(200, "<html>a feed may be anything</html>", "Etag", `"e"`, "Content-Type", "text/html"), ""},
		{"an object", respond(200, "", "Etag", `"e"`), ""},
		{"an object", respond(403, denied), "AccessDenied"},
		{"an object", respond(301, strings.Replace(denied, "AccessDenied", "PermanentRedirect", 1), "X-Amz-Bucket-Region", "eu-west-1"), "PermanentRedirect"},
		{"a report", respond(200, "", "Etag", `"e"`), ""},
		{"a listing", respond(200, `<?xml version="1.0"?><ListBucketResult></ListBucketResult>`), ""},
		{"rows", respond(200, ` {"UnprocessedItems":{}}`), ""},
		{"rows", respond(400, `{"__type":"com.amazonaws.dynamodb.v20120810#ThrottlingException","message":"`+strings.Repeat("no ", 300)+`"}`), "ThrottlingException"},
		{"rows", respond(200, `{"UnprocessedItems":{"t":[{"PutRequest":{"Item":{"Store":{"S":"<html><!doctype html>"}}}}]}}`), ""},
		{"rows", respond(400, `{"__type":"ValidationException","message":"<html>"}`), "ValidationException"},
		{"messages", respond(200, `{}`), ""},
		{"messages", respond(403, `{"__type":"com.amazon.coral.service#AccessDeniedException"}`), "AccessDeniedException"},
		{"an alert", respond(200, `<PublishResponse><PublishResult><MessageId>1</MessageId></PublishResult></PublishResponse>`), ""},
		{"an alert", respond(403, `<ErrorResponse><Error><Type>Sender</Type><Code>AuthorizationError</Code></Error></ErrorResponse>`), "AuthorizationError"},
		{"metrics", respond(200, "", "Smithy-Protocol", "rpc-v2-cbor"), ""},
	} {
		err := calls(&scripted{answer: c.answer, hosts: map[string]int{}}, "https://service.example")[c.what]()
		var api smithy.APIError
		switch {
		case c.code == "" && err != nil:
			t.Errorf("%s: %v", c.what, err)
		case c.code != "" && (!errors.As(err, &api) || api.ErrorCode() != c.code):
			t.Errorf("%s: not %s: %v", c.what, c.code, err)
		}
	}
}

// TestARedirectThatStaysIsFollowed keeps method and body, over real connections.
func TestARedirectThatStaysIsFollowed(t *testing.T) {
	var got string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/" {
			http.Redirect(w, r, "/again", http.StatusTemporaryRedirect)
			return
		}
		body, _ := io.ReadAll(r.Body)
		got = r.Method + " " + string(body)
		_, _ = w.Write([]byte("{}"))
	}))
	defer server.Close()
	r, _ := http.NewRequest(http.MethodPost, server.URL+"/", strings.NewReader(`{"a":1}`))
	answer, err := transport.Client(http.DefaultTransport, transport.JSON, 0).Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if body, _ := io.ReadAll(answer.Body); string(body) != "{}" || got != `POST {"a":1}` {
		t.Errorf("the server got %q, the client %q", got, body)
	}
}
