package main

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/smithy-go/logging"
	"github.com/google/go-cmp/cmp"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
)

func TestSilenceIsWhatNobodyAnswersHoweverOftenItIsAsked(t *testing.T) {
	q := question{"DynamoDB", "GetItem", "state"}
	// ask is a call that takes so long and is answered or not.
	ask := func(c *calls, q question, d time.Duration, answered bool) {
		o := c.begin(q)
		time.Sleep(d)
		c.end(o, answered, false)
	}
	const silent = "DynamoDB has not answered GetItem of state for "
	for name, test := range map[string]struct {
		act  func(c *calls)
		want string
	}{
		"a call under way": {func(c *calls) { c.begin(q); time.Sleep(slowCall) }, silent + "25s"},
		"not for long yet": {func(c *calls) { c.begin(q); time.Sleep(slowCall - 1) }, ""},
		"calls that are given up": {func(c *calls) {
			ask(c, q, 10*time.Second, false)
			time.Sleep(6 * time.Second)
			ask(c, q, 10*time.Second, false)
		}, silent + "26s"},
		"an answer between": {func(c *calls) { ask(c, q, 20*time.Second, false); ask(c, q, 0, true); ask(c, q, 10*time.Second, false) }, ""},
		"an answer of another table": {func(c *calls) {
			ask(c, q, 20*time.Second, false)
			ask(c, question{"DynamoDB", "GetItem", "leases"}, 6*time.Second, true)
		}, silent + "26s"},
		"nobody asks any more": {func(c *calls) { ask(c, q, 30*time.Second, false); time.Sleep(forgetCalls) }, ""},
		"asked again after a long time": {func(c *calls) {
			ask(c, q, 20*time.Second, false)
			time.Sleep(forgetCalls)
			ask(c, q, 10*time.Second, false)
		}, ""},
		"cancelled by the caller": {func(c *calls) {
			o := c.begin(q)
			time.Sleep(4 * time.Second)
			c.end(o, false, true)
			time.Sleep(30 * time.Second)
		}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newCalls()
				test.act(c)
				got := ""
				if err := c.Ready(); err != nil {
					got = err.Error()
				}
				if got != test.want {
					t.Errorf("%q, want %q", got, test.want)
				}
			})
		})
	}
}

func TestOnlyWhatAServiceSaysIsAnAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorldHere(t)
		_, refused := w.SQS.GetQueueUrl(t.Context(), &sqs.GetQueueUrlInput{QueueName: aws.String("nowhere")})
		if refused == nil || !answered(refused) || !answered(nil) {
			t.Errorf("an error that SQS answers is an answer: %v", refused)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, given := w.SQS.GetQueueUrl(ctx, &sqs.GetQueueUrlInput{QueueName: aws.String("nowhere")})
		if given == nil || answered(given) || answered(errors.New("connection refused")) {
			t.Errorf("what comes of the way to SQS is none: %v", given)
		}
	})
}

// Standard error would get lines that are no JSON.
func TestWhatTheSDKLogsIsALineOfTheLog(t *testing.T) {
	core, lines := observer.New(zap.DebugLevel)
	log := remarks(zap.New(core))
	log.Logf(logging.Warn, "no checksum in %d answers", 2)
	log.Logf(logging.Debug, "all well")
	if d := cmp.Diff([]string{"warn no checksum in 2 answers", "debug all well"}, []string{
		fmt.Sprint(lines.All()[0].Level, " ", lines.All()[0].ContextMap()["detail"]),
		fmt.Sprint(lines.All()[1].Level, " ", lines.All()[1].ContextMap()["detail"]),
	}); d != "" {
		t.Error(d)
	}
}

func TestTheTableThatACallIsAbout(t *testing.T) {
	keys := types.KeysAndAttributes{}
	for want, input := range map[string]any{
		"a": &dynamodb.GetItemInput{TableName: aws.String("a")},
		"b": &dynamodb.BatchGetItemInput{RequestItems: map[string]types.KeysAndAttributes{"b": keys}},
		"c": &dynamodb.BatchWriteItemInput{RequestItems: map[string][]types.WriteRequest{"c": nil}},
		"":  &sqs.ReceiveMessageInput{},
	} {
		if got := tableOf(input); got != want {
			t.Errorf("%T: %q, want %q", input, got, want)
		}
	}
	for _, input := range []any{nil, (*dynamodb.GetItemInput)(nil), &dynamodb.GetItemInput{}, &dynamodb.BatchGetItemInput{}, 3} {
		if got := tableOf(input); got != "" {
			t.Errorf("%#v: %q", input, got)
		}
	}
}
