package sandbox_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	snstypes "github.com/aws/aws-sdk-go-v2/service/sns/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"

	"inventoryd/internal/sandbox"
	"inventoryd/internal/sandbox/fault"
	"inventoryd/internal/sandbox/pipenet"
	"inventoryd/internal/sandbox/topics"
	"inventoryd/internal/transport"
	"inventoryd/test/loopback"
)

// over runs a test with clients that reach the sandbox in each way there is; only where virtual is true does time pass by
// itself.
func over(t *testing.T, test func(t *testing.T, box *sandbox.Sandbox, cfg aws.Config, virtual bool)) {
	t.Run("direct", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			box := sandbox.New()
			test(t, box, box.Config("test"), true)
		})
	})
	t.Run("pipe", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			box := sandbox.New()
			test(t, box, pipenet.Serve(t, box, box.Config("test")), true)
		})
	})
	t.Run("loopback", func(t *testing.T) {
		box := sandbox.New()
		test(t, box, serve(t, box), false)
	})
}

// serve serves the sandbox on a port until the test ends.
func serve(t *testing.T, box *sandbox.Sandbox) aws.Config {
	address := loopback.Serve(t, box)
	base := &http.Transport{}
	t.Cleanup(base.CloseIdleConnections)
	cfg := box.Config("test")
	cfg.BaseEndpoint = aws.String("http://" + address)
	cfg.HTTPClient = &http.Client{Transport: transport.PlainBody(base)}
	return cfg
}

const queueName = "q"

// sendOne sends a message to the queue q.
func sendOne(ctx context.Context, cfg aws.Config) error {
	_, err := sqs.NewFromConfig(cfg).SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: aws.String("/" + queueName), MessageBody: aws.String("hello")})
	return err
}

func withQueue(t *testing.T, box *sandbox.Sandbox) {
	t.Helper()
	if _, err := box.Queues.Create(queueName, nil); err != nil {
		t.Fatal(err)
	}
}

func sent(box *sandbox.Sandbox) int { return len(box.Queues.Contents(queueName).Visible) }

func TestDelayHoldsTheCallBack(t *testing.T) {
	over(t, func(t *testing.T, box *sandbox.Sandbox, cfg aws.Config, virtual bool) {
		withQueue(t, box)
		delay := 10 * time.Millisecond
		if virtual {
			delay = 7 * time.Minute
		}
		box.Fault(fault.Rule{Operation: "SendMessage", Effect: fault.Effect{Delay: delay}})
		begin := time.Now()
		if err := sendOne(context.Background(), cfg); err != nil || time.Since(begin) < delay || sent(box) != 1 {
			t.Errorf("%v after %v, %d messages", err, time.Since(begin), sent(box))
		}
	})
}

func TestHangLastsUntilTheClientGoes(t *testing.T) {
	over(t, func(t *testing.T, box *sandbox.Sandbox, cfg aws.Config, virtual bool) {
		withQueue(t, box)
		patience := 20 * time.Millisecond
		if virtual {
			patience = time.Hour
		}
		box.Fault(fault.Rule{Service: "sqs", Effect: fault.Effect{Hang: true}})
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := sendOne(ctx, cfg); !errors.Is(err, context.DeadlineExceeded) || sent(box) != 0 {
			t.Errorf("%v, %d messages", err, sent(box))
		}
	})
}

func TestResetHasNoEffect(t *testing.T) {
	over(t, func(t *testing.T, box *sandbox.Sandbox, cfg aws.Config, _ bool) {
		withQueue(t, box)
		box.Fault(fault.Rule{Times: 1, Effect: fault.Effect{Reset: true}})
		if err := sendOne(context.Background(), cfg); !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) || sent(box) != 0 {
			t.Errorf("%v, %d messages", err, sent(box))
		}
		if err := sendOne(context.Background(), cfg); err != nil || sent(box) != 1 {
			t.Errorf("once over: %v, %d messages", err, sent(box))
		}
	})
}

func TestDropComesAfterTheEffect(t *testing.T) {
	over(t, func(t *testing.T, box *sandbox.Sandbox, cfg aws.Config, _ bool) {
		withQueue(t, box)
		box.Fault(fault.Rule{Effect: fault.Effect{Drop: true}})
		if err := sendOne(context.Background(), cfg); err == nil || sent(box) != 1 {
			t.Errorf("%v, %d messages", err, sent(box))
		}
	})
}

func TestHalfABodyBreaksOff(t *testing.T) {
	over(t, func(t *testing.T, box *sandbox.Sandbox, cfg aws.Config, _ bool) {
		ctx := context.Background()
		if err := box.Objects.CreateBucket("feeds"); err != nil {
			t.Fatal(err)
		}
		whole := strings.Repeat("0123456789", 100_000)
		if _, err := box.Objects.Put("feeds", "a", []byte(whole)); err != nil {
			t.Fatal(err)
		}
		box.Fault(fault.Rule{Service: "s3", Operation: "GetObject", Times: 1, Effect: fault.Effect{Half: true}})
		in := &s3.GetObjectInput{Bucket: aws.String("feeds"), Key: aws.String("a")}
		got, err := s3Client(cfg).GetObject(ctx, in)
		if err != nil {
			t.Fatal(err)
		}
		defer got.Body.Close()
		read, err := io.ReadAll(got.Body)
		if !errors.Is(err, io.ErrUnexpectedEOF) || string(read) != whole[:len(whole)/2] || *got.ContentLength != int64(len(whole)) {
			t.Errorf("%d of %d bytes, %v", len(read), *got.ContentLength, err)
		}
	})
}

func TestStallSendsHalfABodyAndNothingMore(t *testing.T) {
	over(t, func(t *testing.T, box *sandbox.Sandbox, cfg aws.Config, virtual bool) {
		if err := box.Objects.CreateBucket("feeds"); err != nil {
			t.Fatal(err)
		}
		whole := strings.Repeat("0123456789", 100_000)
		if _, err := box.Objects.Put("feeds", "a", []byte(whole)); err != nil {
			t.Fatal(err)
		}
		patience := 3 * time.Second // for the first half, on a busy machine
		if virtual {
			patience = time.Hour
		}
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		box.Fault(fault.Rule{Service: "s3", Operation: "GetObject", Effect: fault.Effect{Stall: true}})
		got, err := s3Client(cfg).GetObject(ctx, &s3.GetObjectInput{Bucket: aws.String("feeds"), Key: aws.String("a")})
		if err != nil {
			t.Fatal(err)
		}
		defer got.Body.Close()
		if read, err := io.ReadAll(got.Body); !errors.Is(err, context.DeadlineExceeded) || virtual && len(read) != len(whole)/2 {
			t.Errorf("%d of %d bytes, %v", len(read), len(whole), err)
		}
	})
}

func TestErrorIsWordedByTheProtocol(t *testing.T) {
	over(t, func(t *testing.T, box *sandbox.Sandbox, cfg aws.Config, _ bool) {
		ctx := context.Background()
		box.Fault(fault.Rule{Effect: fault.Effect{Error: &fault.Error{Status: 503, Code: "SlowDown", Message: "Reduce <your> rate"}}})
		for service, call := range map[string]func() error{
			"sqs": func() error { return sendOne(ctx, cfg) },
			"s3": func() error {
				_, err := s3Client(cfg).PutObject(ctx, &s3.PutObjectInput{Bucket: aws.String("b"), Key: aws.String("k"), Body: strings.NewReader("x")})
				return err
			},
			"sns": func() error { _, err := sns.NewFromConfig(cfg).ListTopics(ctx, nil); return err },
			"sts": func() error { _, err := sts.NewFromConfig(cfg).GetCallerIdentity(ctx, nil); return err },
			"dynamodb": func() error {
				_, err := dynamodb.NewFromConfig(cfg).ListTables(ctx, nil)
				return err
			},
		} {
			var answer smithy.APIError
			var status interface{ HTTPStatusCode() int }
			if err := call(); !errors.As(err, &answer) || answer.ErrorCode() != "SlowDown" || answer.ErrorMessage() != "Reduce <your> rate" || !errors.As(err, &status) || status.HTTPStatusCode() != 503 {
				t.Errorf("%s: %v", service, err)
			}
		}
	})
}

func TestDoComesFirst(t *testing.T) {
	over(t, func(t *testing.T, box *sandbox.Sandbox, cfg aws.Config, _ bool) {
		withQueue(t, box)
		before := -1
		box.Fault(fault.Rule{Effect: fault.Effect{Do: func() { before = sent(box) }}})
		if err := sendOne(context.Background(), cfg); err != nil || before != 0 || sent(box) != 1 {
			t.Errorf("%v, %d then %d messages", err, before, sent(box))
		}
	})
}

func TestFaultCutsOneClient(t *testing.T) {
	box := sandbox.New()
	withQueue(t, box)
	heal := box.Fault(fault.Rule{Client: "one", Effect: fault.Effect{Reset: true}})
	if err := sendOne(context.Background(), box.Config("one")); err == nil {
		t.Error("the client that is cut got through")
	}
	if err := sendOne(context.Background(), box.Config("two")); err != nil {
		t.Error(err)
	}
	heal()
	if err := sendOne(context.Background(), box.Config("one")); err != nil {
		t.Error("healed:", err)
	}
}

func TestShareOfABatchFailsByNoFaultOfTheSender(t *testing.T) {
	box := sandbox.New()
	if err := box.Provision(context.Background()); err != nil {
		t.Fatal(err)
	}
	withQueue(t, box)
	cfg := box.Config("test")
	box.Fault(fault.Rule{Effect: fault.Effect{Unprocessed: 0.6}})
	var messages []sqstypes.SendMessageBatchRequestEntry
	var alerts []snstypes.PublishBatchRequestEntry
	for i := range 10 {
		id := aws.String(strconv.Itoa(i))
		messages = append(messages, sqstypes.SendMessageBatchRequestEntry{Id: id, MessageBody: id})
		alerts = append(alerts, snstypes.PublishBatchRequestEntry{Id: id, Message: id})
	}
	sentOut, err := sqs.NewFromConfig(cfg).SendMessageBatch(context.Background(), &sqs.SendMessageBatchInput{QueueUrl: aws.String("/" + queueName), Entries: messages})
	if err != nil || len(sentOut.Successful) != 4 || len(sentOut.Failed) != 6 || sentOut.Failed[0].SenderFault || sent(box) != 4 {
		t.Errorf("SQS: %v, %+v", err, sentOut)
	}
	published, err := sns.NewFromConfig(cfg).PublishBatch(context.Background(), &sns.PublishBatchInput{TopicArn: aws.String(topics.ARN("NoStock")), PublishBatchRequestEntries: alerts})
	if err != nil || len(published.Successful) != 4 || len(published.Failed) != 6 || published.Failed[0].SenderFault {
		t.Errorf("SNS: %v, %+v", err, published)
	}
	if n := len(box.Queues.Drain("nostock-inbox")); n != 4 {
		t.Errorf("%d alerts delivered", n)
	}
}
