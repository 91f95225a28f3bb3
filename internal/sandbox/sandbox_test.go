package sandbox_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"inventoryd/internal/sandbox"
	"inventoryd/internal/sandbox/topics"
)

func s3Client(cfg aws.Config) *s3.Client {
	return s3.NewFromConfig(cfg, func(o *s3.Options) { o.UsePathStyle = true })
}

func TestOneFileBecomesOneEventThatWakesALongPoll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := t.Context()
		box := sandbox.New()
		if err := box.Provision(ctx); err != nil {
			t.Fatal(err)
		}
		cfg := box.Config("test")
		queue := sqs.NewFromConfig(cfg)
		url, err := queue.GetQueueUrl(ctx, &sqs.GetQueueUrlInput{QueueName: aws.String("inventory-events")})
		if err != nil {
			t.Fatal(err)
		}
		if got := box.Queues.Drain("inventory-events"); len(got) != 1 || !strings.Contains(got[0].Body, "s3:TestEvent") {
			t.Fatalf("a configured notification sends one test event, got %v", got)
		}
		begin := time.Now()
		uploaded := make(chan struct{})
		time.AfterFunc(3*time.Second, func() {
			defer close(uploaded)
			if _, err := s3Client(cfg).PutObject(ctx, &s3.PutObjectInput{Bucket: aws.String("inventory"), Key: aws.String("a b.csv"), Body: strings.NewReader("store,item,count\n")}); err != nil {
				t.Error(err)
			}
		})
		got, err := queue.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: url.QueueUrl, WaitTimeSeconds: 20})
		if err != nil || len(got.Messages) != 1 || !strings.Contains(*got.Messages[0].Body, `"key":"a+b.csv"`) {
			t.Fatalf("got %v, %v", got, err)
		}
		if waited := time.Since(begin); waited != 3*time.Second {
			t.Errorf("woke after %v", waited)
		}
		<-uploaded
	})
}

func TestAlertReachesTheInbox(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		box := sandbox.New()
		if err := box.Provision(t.Context()); err != nil {
			t.Fatal(err)
		}
		_, err := sns.NewFromConfig(box.Config("test")).Publish(t.Context(), &sns.PublishInput{
			TopicArn: aws.String(topics.ARN("NoStock")), Subject: aws.String("Inventory Alert!"), Message: aws.String("Berlin is out of stock of <Echo>"),
		})
		if err != nil {
			t.Fatal(err)
		}
		if got := box.Queues.Drain("nostock-inbox"); len(got) != 1 || !strings.Contains(got[0].Body, `"Subject":"Inventory Alert!"`) {
			t.Fatalf("got %+v", got)
		}
	})
}

func TestCallerIdentityNamesTheClient(t *testing.T) {
	got, err := sts.NewFromConfig(sandbox.New().Config("me")).GetCallerIdentity(context.Background(), &sts.GetCallerIdentityInput{})
	if err != nil || *got.Account != sandbox.Account || *got.Arn != "arn:aws:iam::123456789012:user/me" {
		t.Fatalf("got %v, %v", got, err)
	}
}

func TestObjectIsReadAsItWasWritten(t *testing.T) {
	ctx := context.Background()
	box := sandbox.New()
	if err := box.Objects.CreateBucket("feeds"); err != nil {
		t.Fatal(err)
	}
	client := s3Client(box.Config("test"))
	body := strings.Repeat("store,item,1\n", 100_000)
	key := aws.String("x=1/Zürich ä+.csv")
	if _, err := client.PutObject(ctx, &s3.PutObjectInput{Bucket: aws.String("feeds"), Key: key, Body: strings.NewReader(body)}); err != nil {
		t.Fatal(err)
	}
	got, err := client.GetObject(ctx, &s3.GetObjectInput{Bucket: aws.String("feeds"), Key: key})
	if err != nil {
		t.Fatal(err)
	}
	defer got.Body.Close()
	read, err := io.ReadAll(got.Body)
	if err != nil || string(read) != body {
		t.Fatalf("read %d bytes of %d, %v", len(read), len(body), err)
	}
}

func TestUnsignedRequestsAreRefused(t *testing.T) {
	box := sandbox.New()
	for want, r := range map[string]func(h http.Header) (method, path, body string){
		"400 MissingAuthenticationTokenException": func(h http.Header) (string, string, string) {
			h.Set("X-Amz-Target", "DynamoDB_20120810.ListTables")
			return http.MethodPost, "/", "{}"
		},
		"403 <Code>MissingAuthenticationToken</Code>": func(h http.Header) (string, string, string) {
			h.Set("Content-Type", "application/x-www-form-urlencoded")
			return http.MethodPost, "/", "Action=ListTopics&Version=2010-03-31"
		},
		"403 <Code>AccessDenied</Code>": func(http.Header) (string, string, string) { return http.MethodGet, "/", "" },
	} {
		header := http.Header{}
		method, path, body := r(header)
		request, err := http.NewRequestWithContext(t.Context(), method, "http://sandbox"+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		request.Header = header
		res, err := sandbox.Direct(box).RoundTrip(request)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := io.ReadAll(res.Body)
		status, code, _ := strings.Cut(want, " ")
		if err != nil || fmt.Sprint(res.StatusCode) != status || !strings.Contains(string(answer), code) {
			t.Errorf("%s: %d %s %v", want, res.StatusCode, answer, err)
		}
	}
}

func TestAnswersAreDatedByTheSandboxsClock(t *testing.T) {
	box := sandbox.New()
	box.Clock.Advance(48 * time.Hour)
	out, err := sts.NewFromConfig(box.Config("me")).GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
	if err != nil {
		t.Fatal(err)
	}
	dated, _ := awsmiddleware.GetServerTime(out.ResultMetadata)
	if off := box.Clock.Now().Sub(dated); off < 0 || off > 2*time.Second {
		t.Errorf("dated %v, the clock shows %v", dated, box.Clock.Now())
	}
}
