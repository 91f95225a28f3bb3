package sandbox_test

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"inventoryd/internal/sandbox"
	"inventoryd/internal/sandbox/fault"
)

// A file uploaded by the SDK becomes an event in the queue.
func Example() {
	ctx := context.Background()
	box := sandbox.New()
	if err := box.Provision(ctx); err != nil {
		fmt.Println(err)
		return
	}
	client := s3.NewFromConfig(box.Config("till-7"), func(o *s3.Options) { o.UsePathStyle = true })
	_, err := client.PutObject(ctx, &s3.PutObjectInput{Bucket: aws.String(sandbox.Bucket), Key: aws.String("berlin.csv"), Body: strings.NewReader("store,item,count\n")})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, m := range box.Queues.Drain(sandbox.EventQueue) {
		fmt.Println(strings.Contains(m.Body, "s3:TestEvent"), strings.Contains(m.Body, `"key":"berlin.csv"`))
	}
	// Output:
	// true false
	// false true
}

// The second receive of one client is throttled, whatever others do.
func ExampleSandbox_Fault() {
	ctx := context.Background()
	box := sandbox.New()
	url, err := box.Queues.Create("q", nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	box.Fault(fault.Rule{Service: "sqs", Operation: "ReceiveMessage", Client: "one", Skip: 1, Times: 1, Effect: fault.Throttle})
	for range 3 {
		for _, name := range []string{"one", "two"} {
			_, err := sqs.NewFromConfig(box.Config(name)).ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: &url})
			fmt.Print(name, " ", err == nil, "  ")
		}
	}
	// Output: one true  two true  one false  two true  one true  two true
}

// The clock moves the sandbox through hours; in a testing/synctest bubble they also pass by sleeping.
func ExampleSandbox_clock() {
	ctx := context.Background()
	box := sandbox.New()
	url, err := box.Queues.Create("q", nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	client := sqs.NewFromConfig(box.Config("test"))
	_, err = client.SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: &url, MessageBody: aws.String("later"), DelaySeconds: 900})
	if err != nil {
		fmt.Println(err)
		return
	}
	for range 2 {
		got, err := client.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: &url})
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(len(got.Messages))
		box.Clock.Advance(15 * time.Minute)
	}
	// Output:
	// 0
	// 1
}
