package loader_test

// Messages in hand: renewed, lost, handed back.

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"inventoryd/internal/inventory"
	"inventoryd/internal/sandbox"
	"inventoryd/internal/sandbox/fault"
	"inventoryd/loader"
)

// slowly makes each write of an instance to the inventory's table take that long.
func (w *world) slowly(each time.Duration) {
	w.Fault(fault.Rule{
		Service: "dynamodb", Operation: "BatchWriteItem", Effect: fault.Effect{Delay: each},
		Match: func(c fault.Call) bool { return bytes.Contains(c.Body, []byte(`"`+sandbox.Table+`"`)) },
	})
}

// TestRenewalsThatHangCostNoLoad keeps more messages in hand than a batch of renewals takes, and lets calls hang.
func TestRenewalsThatHangCostNoLoad(t *testing.T) {
	for name, rule := range map[string]fault.Rule{
		"one":         {Times: 1},
		"a round":     {Times: 3},
		"one in four": {Every: 4},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				rule.Service, rule.Operation, rule.Effect.Hang = "sqs", "ChangeMessageVisibilityBatch", true
				w.Fault(rule)
				w.slowly(9 * time.Second)
				w.config.Workers, w.config.Lanes = 25, 1
				i := w.start("a")
				want := map[inventory.Key]int64{}
				for n := range 25 {
					feed, rows := feedOf(500, fmt.Sprint("store ", n))
					want = both(want, rows)
					w.put(fmt.Sprintf("feed-%d.csv", n), feed)
				}
				w.quiet(time.Hour)
				w.exact(want)
				if total := i.balanced(); total.Loaded != 25 || len(i.Status().Recent) != 25 {
					t.Errorf("%d loads, total %+v", len(i.Status().Recent), total)
				}
			})
		})
	}
}

// TestNothingIsReceivedWhileWhatAllNeedIsDown lets feeds arrive while slots are free and their work could not be done. A
// bucket is not what all need.
func TestNothingIsReceivedWhileWhatAllNeedIsDown(t *testing.T) {
	for name, c := range map[string]struct {
		rule   fault.Rule
		inHand int
	}{
		"the table":       {fault.Rule{Service: "dynamodb", Operation: "BatchWriteItem", Effect: fault.InternalServerError}, 1},
		"the state table": {fault.Rule{Service: "dynamodb", Operation: "UpdateItem", Effect: fault.InternalServerError}, 1},
		"the bucket":      {fault.Rule{Service: "s3", Operation: "GetObject", Effect: fault.Unavailable}, 4},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				w.start("a")
				mend := w.Fault(c.rule)
				feed, want := feedOf(100, "Berlin")
				w.put("feed-0.csv", feed)
				time.Sleep(time.Minute)
				for n := 1; n < 4; n++ {
					w.put(fmt.Sprintf("feed-%d.csv", n), feed)
				}
				time.Sleep(time.Hour)
				if found := w.Queues.Contents(sandbox.EventQueue); len(found.InFlight) != c.inHand || len(found.Visible) != 4-c.inHand {
					t.Errorf("%d messages in hand, %d left alone", len(found.InFlight), len(found.Visible))
				}
				mend()
				w.quiet(time.Minute)
				w.exact(want)
			})
		})
	}
}

// TestAMessageThatIsNoLongerHeldIsLetGoAtOnce takes the message away in the middle of its work.
func TestAMessageThatIsNoLongerHeldIsLetGoAtOnce(t *testing.T) {
	inWorld(t, func(w *world) {
		w.slowly(9 * time.Second)
		w.config.Lanes = 1
		i := w.start("a")
		feed, _ := feedOf(5000, "Berlin")
		began := time.Now()
		w.put("feed.csv", feed)
		time.Sleep(time.Second)
		if _, err := w.clients("b").SQS.(*sqs.Client).PurgeQueue(w.Context(), &sqs.PurgeQueueInput{QueueUrl: &w.config.Queue}); err != nil {
			t.Fatal(err)
		}
		w.eventually(time.Hour, "let go", func() bool { return len(i.Status().Recent) == 1 })
		if took := time.Since(began); took > 80*time.Second { // a renewal is due after 60 s; a write under way ends
			t.Errorf("let go after %v", took)
		}
		if p := i.Status().Recent[0]; p.Outcome != "interrupted" {
			t.Errorf("%+v", p)
		}
		if n := w.logs.FilterMessage("message lost").Len(); n != 1 {
			t.Errorf("log: %v", w.messages())
		}
		i.balanced()
	})
}

// expired is SQS whose receipt handles have expired by the time a message is deleted.
type expired struct{ loader.Queue }

func (expired) DeleteMessageBatch(context.Context, *sqs.DeleteMessageBatchInput, ...func(*sqs.Options)) (*sqs.DeleteMessageBatchOutput, error) {
	return &sqs.DeleteMessageBatchOutput{Failed: []types.BatchResultErrorEntry{
		{Id: aws.String("0"), Code: aws.String("ReceiptHandleIsInvalid"), Message: aws.String("The receipt handle has expired."), SenderFault: true},
	}}, nil
}

func TestNobodyInsistsOnDeletingWhatIsNoLongerHeld(t *testing.T) {
	inWorld(t, func(w *world) {
		w.twist = func(c *loader.Clients) { c.SQS = expired{c.SQS} }
		i := w.start("a")
		feed, _ := feedOf(10, "Berlin")
		w.put("feed.csv", feed)
		time.Sleep(10 * time.Second)
		if n := i.Status().InFlight; n != 0 || i.Ready() != nil {
			t.Errorf("%d messages in hand; ready says %v", n, i.Ready())
		}
	})
}

// TestNearTwelveHoursAMessageIsHandedBack keeps the table down for longer than SQS lets a message be held.
func TestNearTwelveHoursAMessageIsHandedBack(t *testing.T) {
	for _, visibility := range []time.Duration{2 * time.Minute, time.Hour} {
		t.Run(visibility.String(), func(t *testing.T) {
			inWorld(t, func(w *world) {
				mend := w.Fault(fault.Rule{Service: "dynamodb", Operation: "BatchWriteItem", Effect: fault.Unavailable})
				w.config.Visibility = visibility
				i := w.start("a")
				feed, want := feedOf(100, "Berlin")
				w.put("feed.csv", feed)
				time.Sleep(10*time.Hour + 30*time.Minute)
				if n := len(i.Status().Recent); n != 0 {
					t.Errorf("handed back after less than 11 hours: %+v", i.Status().Recent)
				}
				time.Sleep(2*time.Hour + 30*time.Minute)
				if p := i.Status().Recent; len(p) != 1 || p[0].Outcome != "interrupted" || len(i.Status().Loading) != 1 {
					t.Errorf("after 13 hours: %+v, loading %+v", p, i.Status().Loading)
				}
				if n := w.logs.FilterMessage("visibility not renewed").Len(); n > 0 {
					t.Errorf("SQS refused %d renewals", n)
				}
				mend()
				w.quiet(10 * time.Minute)
				w.exact(want)
				if dead := w.Queues.Contents(sandbox.DeadLetterQueue); len(dead.Visible) > 0 {
					t.Errorf("%d messages in the dead-letter queue", len(dead.Visible))
				}
			})
		})
	}
}

// TestAQueueThatIsDeletedEndsTheRunInOrder leaves a load in hand: it is not waited for as long as it takes.
func TestAQueueThatIsDeletedEndsTheRunInOrder(t *testing.T) {
	inWorld(t, func(w *world) {
		w.slowly(3 * time.Second)
		w.config.Lanes = 1
		i := w.start("a")
		feed, _ := feedOf(5000, "Berlin")
		w.put("feed.csv", feed)
		time.Sleep(time.Minute)
		began := time.Now()
		queue := w.clients("b").SQS.(*sqs.Client)
		if _, err := queue.DeleteQueue(w.Context(), &sqs.DeleteQueueInput{QueueUrl: &w.config.Queue}); err != nil {
			t.Fatal(err)
		}
		var err error
		i.once.Do(func() { err = <-i.ended; i.cancel() })
		if took := time.Since(began); !errors.Is(err, loader.ErrNoQueue) || took > 10*time.Second {
			t.Errorf("ended after %v with: %v", took, err)
		}
		if p := i.Status().Recent; len(p) != 1 || p[0].Outcome != "interrupted" {
			t.Errorf("%+v", p)
		}
		i.balanced()
	})
}

// TestStoppedWhileADependencyIsDownTheMessagesAreAnothersWithinSixSeconds stops in the middle of what waits for it.
func TestStoppedWhileADependencyIsDownTheMessagesAreAnothersWithinSixSeconds(t *testing.T) {
	for name, rules := range map[string][]fault.Rule{
		"the table":       {{Service: "dynamodb", Operation: "BatchWriteItem", Effect: fault.Unavailable}},
		"a silent table":  {{Service: "dynamodb", Operation: "BatchWriteItem", Effect: fault.Effect{Hang: true}}},
		"the bucket":      {{Service: "s3", Operation: "GetObject", Effect: fault.Unavailable}},
		"a silent bucket": {{Service: "s3", Operation: "GetObject", Effect: fault.Effect{Hang: true}}},
		"a denied bucket": {{Service: "s3", Operation: "GetObject", Effect: fault.AccessDenied}},
		"the reports":     {{Service: "s3", Operation: "PutObject", Client: "a", Effect: fault.Unavailable}},
		"the hand-back": {
			{Service: "dynamodb", Operation: "BatchWriteItem", Effect: fault.Unavailable},
			{
				Service: "sqs", Operation: "ChangeMessageVisibilityBatch", Times: 5, Effect: fault.Effect{Unprocessed: 1},
				Match: func(c fault.Call) bool { return bytes.Contains(c.Body, []byte(`"VisibilityTimeout":0`)) },
			},
		},
		"silent reports": {{Service: "s3", Operation: "PutObject", Client: "a", Effect: fault.Effect{Hang: true}}},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				w.config.Rejects = "s3://inventory/rejects/"
				var mend []func()
				for _, r := range rules {
					mend = append(mend, w.Fault(r))
				}
				a := w.start("a")
				for n := range 3 {
					w.put(fmt.Sprintf("feed-%d.csv", n), feedWithRejects(100, 10))
				}
				time.Sleep(10 * time.Minute)
				stopped := time.Now()
				a.cancel()
				w.eventually(time.Minute, "all visible", func() bool { return len(w.Queues.Contents(sandbox.EventQueue).Visible) == 3 })
				if took := time.Since(stopped); took > 6*time.Second {
					t.Errorf("visible after %v", took)
				}
				a.stop()
				if took := time.Since(stopped); took > 11*time.Second {
					t.Errorf("stopped after %v", took)
				}
				a.balanced()
				for _, f := range mend {
					f()
				}
				b := w.start("b")
				w.quiet(time.Minute)
				if total := b.balanced(); total.Loaded != 3 || len(w.rows()) != 90 {
					t.Errorf("total %+v, %d rows", total, len(w.rows()))
				}
			})
		})
	}
}
