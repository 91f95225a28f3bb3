package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"inventoryd/internal/inventory"
	"inventoryd/internal/sandbox"
	"inventoryd/internal/state"
	"inventoryd/stream"
)

// putAside sends a change to the dead-letter queue, as the stream does.
func (w *world) putAside(t *testing.T, sequence int, item, image string, change func(*stream.Letter)) {
	t.Helper()
	l := stream.Letter{
		Version: 1, Table: sandbox.Table, Stream: "2026-11-22T10:00:00.000", Shard: "s", Sequence: fmt.Sprint(sequence), EventID: fmt.Sprint("e", sequence),
		Kind: stream.Insert, Created: time.Now().Truncate(time.Second), Error: "panic: \x1b[31mtoo much",
		Keys: json.RawMessage(fmt.Sprintf(`{"Store":{"S":"Berlin"},"Item":{"S":%q}}`, item)),
	}
	if image != "" {
		l.New = json.RawMessage(fmt.Sprintf(`{"Store":{"S":"Berlin"},"Item":{"S":%q},"Count":{"N":%q}}`, item, image))
	}
	if change != nil {
		change(&l)
	}
	body, err := json.Marshal(l)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.SQS.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: w.queueURL(t, sandbox.DeadLetterQueue), MessageBody: aws.String(string(body))}); err != nil {
		t.Fatal(err)
	}
}

// commands runs command lines, each of which must exit so, under the policy of one purpose, all of which they need.
func (w *world) commands(t *testing.T, purpose string, code int, lines ...[]string) (out string) {
	t.Helper()
	cfg := defaults()
	cfg.Stream.DeadLetterQueue = sandbox.DeadLetterQueue
	p, _ := granted(t, cfg, purpose, both)
	w.aws.Enforce("operator", p)
	defer w.aws.Enforce("operator", nil)
	for _, line := range lines {
		stdout, stderr, got := w.command(t, "y\n", line...)
		if out += stdout; got != code {
			t.Errorf("%q: exit %d\n%s%s", line, got, stdout, stderr)
		}
	}
	deniedNothing(t, p)
	return out
}

func (w *world) putState(t *testing.T, row map[string]types.AttributeValue) {
	t.Helper()
	if _, err := w.Tables.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: aws.String("inventoryd-state"), Item: row}); err != nil {
		t.Fatal(err)
	}
}

func TestCommandsAboutAlertsNeedAllOfTheirPolicyAndNothingElse(t *testing.T) {
	t.Setenv("INVENTORYD_STREAM_DEAD_LETTER_QUEUE", sandbox.DeadLetterQueue)
	w := newWorld(t)
	if out, errs, code := w.command(t, "", "setup"); code != 0 {
		t.Fatal(out, errs)
	}
	now := time.Now().UTC().Truncate(time.Second)
	w.putRows(t, map[inventory.Key]int64{{Store: "Berlin", Item: "evil"}: 0})
	failed := state.Item{
		Store: "Berlin", Item: "evil", Known: state.Known{Stock: state.Out, Position: "2026#1", EventID: "e", At: now},
		Began: state.Began{Position: "2026#1", At: now}, Due: state.Due{Kind: state.Shortage, EventID: "e"}, Failed: "its name",
		Look: &state.Look{For: state.AttrFailed},
	}
	w.putState(t, failed.Attributes("inventoryd"))
	w.putState(t, state.Tell{Kind: "feed_held", Feed: "b.csv", ID: "1", Reason: "r", Remedy: "m", At: now, Due: true, Failed: "its name"}.Attributes("inventoryd"))

	out := w.commands(t, "alerts", 0, []string{"alerts"}, []string{"alerts", "--failed"}, []string{"alerts", "retry", "Berlin", "evil"}, []string{"alerts", "retry", "--feed", "b.csv"}, []string{"alerts", "--due"})
	for _, want := range []string{
		"failed\tout\tBerlin\tevil\t0\t", "failed\tfeed_held\t-\tb.csv\t", "Berlin/evil is due again", "feed_held b.csv is due again",
		"due\tout\tBerlin\tevil\t0\t", "due\tfeed_held\t-\tb.csv\t",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is not in\n%s", want, out)
		}
	}
	w.commands(t, "resync", 0, []string{"resync", "--detach"}, []string{"resync", "--status"})
	w.commands(t, "audit", 0, []string{"audit", "--wait", "0s"})
	w.commands(t, "explain", 0, []string{"explain", "Berlin", "evil"})

	w.putState(t, map[string]types.AttributeValue{ // a row that is none of ours: what is handled again mends it
		"pk": &types.AttributeValueMemberS{Value: state.ItemKey("inventoryd", "Berlin", "broken").PK}, "sk": &types.AttributeValueMemberS{Value: "broken"},
		"position": &types.AttributeValueMemberS{Value: "~"},
	})
	w.putAside(t, 3, "broken", "0", nil)
	w.putAside(t, 2, "lamp", "0", nil)
	out = w.commands(t, "dead", 0, []string{"dead", "list"}, []string{"dead", "replay"}, []string{"dead", "list"})
	if strings.Count(out, `"lamp"`) != 2 || !strings.Contains(out, "2 handled, 0 left") || !strings.Contains(out, `\x1b[31mtoo much`) || strings.Index(out, "lamp") > strings.Index(out, "broken") {
		t.Errorf("dead:\n%s", out)
	}
	if out, _, _ := w.command(t, "", "alerts", "--out", "-o", "csv"); strings.Count(out, "\ndue,out,Berlin,") != 3 {
		t.Errorf("out:\n%s", out)
	}
}

func TestWhatCannotBeHandledAgainStaysInTheDeadLetterQueue(t *testing.T) {
	t.Setenv("INVENTORYD_STREAM_DEAD_LETTER_QUEUE", sandbox.DeadLetterQueue)
	w := newWorld(t)
	if out, errs, code := w.command(t, "", "setup"); code != 0 {
		t.Fatal(out, errs)
	}
	w.putAside(t, 1, "cut", "", func(l *stream.Letter) { l.Cut = true })
	w.putAside(t, 2, "other", "0", func(l *stream.Letter) { l.Table = "Other" })
	w.putAside(t, 3, "foreign", "0", func(l *stream.Letter) { l.Version = 9 })
	w.putAside(t, 4, "old", "0", nil)
	if _, errs, code := w.command(t, "n\n", "dead", "replay"); code != exitFailed || !strings.Contains(errs, "Handle 4 changes of queue") || !strings.Contains(errs, "nothing was changed") {
		t.Errorf("a refusal: %d %s", code, errs)
	}
	out, errs, code := w.command(t, "", "dead", "replay", "--yes")
	if code != exitFindings {
		t.Errorf("exit %d %s", code, errs)
	}
	for _, want := range []string{"inventoryd resync finds", "is of table Other", "none of version 1", "1 handled, 3 left"} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is not in\n%s", want, out)
		}
	}
	if out, _, _ := w.command(t, "", "dead", "list"); strings.Count(out, "\n") != 3 || strings.Contains(out, "old") {
		t.Errorf("left:\n%s", out)
	}
}

func TestAResyncIsFollowedToItsEndAndSaysWhereNobodyBegins(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, w *world) {
		time.Sleep(10 * time.Second)
		var said strings.Builder
		if err := askResync(t.Context(), bookOf(defaults(), persistent(w.Tables)), &said, true); err != nil || strings.Contains(said.String(), "nobody") {
			t.Errorf("%v %s", err, said.String())
		}
	})
	inBubble(t, func(c *Config) { c.App = "other" }, func(t *testing.T, w *world) { // a daemon that is not asked
		time.Sleep(10 * time.Second)
		ctx, stop := context.WithTimeout(t.Context(), 2*time.Minute)
		defer stop()
		var said strings.Builder
		if err := askResync(ctx, bookOf(defaults(), persistent(w.Tables)), &said, true); err == nil || strings.Count(said.String(), "nobody has begun yet") != 1 {
			t.Errorf("%v %s", err, said.String())
		}
	})
}
