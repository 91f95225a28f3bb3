package notifier

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/google/go-cmp/cmp"

	"inventoryd/internal/inventory"
	"inventoryd/internal/sandbox/fault"
)

// zeros is a script of n items of Berlin that run out.
func zeros(n int) string {
	var words []string
	for i := range n {
		words = append(words, fmt.Sprintf("item%03d:5>0", i))
	}
	return strings.Join(words, " ")
}

// count sums up the inbox: how many of the items were never told, and how many messages were one too many.
func (w *world) count(items int) (lost, repeated int) {
	w.Helper()
	times := map[string]int{}
	for _, n := range w.inbox() {
		times[n.MessageAttributes["item"].Value]++
	}
	for i := range items {
		switch n := times[fmt.Sprintf("item%03d", i)]; {
		case n == 0:
			lost++
		default:
			repeated += n - 1
		}
	}
	return lost, repeated
}

// cut breaks a client's connection for good.
func (w *world) cut(client string) {
	w.Fault(fault.Rule{Client: client, Effect: fault.Effect{Reset: true}})
}

func TestAKillAnywhereLosesNothingAndRepeatsOnlyWhatWasInFlight(t *testing.T) {
	const items = 120
	type kill struct {
		operation string
		effect    fault.Effect // of the call at which the instance dies
	}
	before, after := fault.Effect{Reset: true}, fault.Effect{Drop: true}
	worst, total := 0, 0
	kills := 0
	for _, k := range []kill{
		{"BatchGetItem", before},
		{"PublishBatch", before},
		{"PublishBatch", after},
		{"BatchWriteItem", before},
		{"BatchWriteItem", after},
		{"PutItem", before},
		{"PutItem", after},
	} {
		for _, at := range []int{0, 1, 7, 23, 100} {
			inWorld(t, func(t *testing.T, w *world) {
				ctx, die := context.WithCancel(t.Context())
				defer die()
				k.effect.Do = sync.OnceFunc(func() { w.cut("doomed"); die() })
				w.Fault(fault.Rule{Client: "doomed", Operation: k.operation, Skip: at, Effect: k.effect})
				changes := w.script(zeros(items))
				doomed := w.instance("doomed", nil)
				if err := doomed.Handle(ctx, changes); err == nil && ctx.Err() != nil {
					t.Errorf("%s %d: a killed instance says that all is done", k.operation, at)
				}
				w.persist(w.instance("next", nil), changes)
				lost, repeated := w.count(items)
				if limit := maxEntries * DefaultConfig().InFlight; lost > 0 || repeated > limit {
					t.Errorf("killed at %s %d: %d lost, %d repeated of at most %d", k.operation, at, lost, repeated, limit)
				}
				if ctx.Err() != nil { // some would die at a later call than they make
					worst, total, kills = max(worst, repeated), total+repeated, kills+1
				}
			})
		}
	}
	if kills < 20 {
		t.Errorf("only %d instances were killed", kills)
	}
	t.Logf("%d kills among %d alerts: 0 lost, %d repeated, at most %d by one kill", kills, items, total, worst)
}

func TestAKillOnAFIFOTopicRepeatsNothing(t *testing.T) {
	const items = 60
	for _, operation := range []string{"PublishBatch", "BatchWriteItem", "PutItem"} {
		inWorld(t, func(t *testing.T, w *world) {
			w.fifoTopic("alerts.fifo", "inbox.fifo")
			fifo := func(c *Config) { c.Topic = "alerts.fifo" }
			ctx, die := context.WithCancel(t.Context())
			defer die()
			w.Fault(fault.Rule{Client: "doomed", Operation: operation, Skip: 3, Effect: fault.Effect{Drop: true, Do: sync.OnceFunc(func() { w.cut("doomed"); die() })}})
			changes := w.script(zeros(items))
			if err := w.instance("doomed", fifo).Handle(ctx, changes); err == nil {
				t.Errorf("%s: a killed instance says that all is done", operation)
			}
			w.persist(w.instance("next", fifo), changes)
			var got []string
			for _, n := range w.drain("inbox.fifo") {
				got = append(got, n.MessageAttributes["item"].Value)
			}
			var want []string
			for _, c := range changes {
				want = append(want, c.Item)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s: items told, in order (-want +got):\n%s", operation, diff)
			}
		})
	}
}

// fifoTopic makes a topic and a queue that is subscribed to it.
func (w *world) fifoTopic(topic, queue string) {
	w.Helper()
	_, err := w.topics("test").CreateTopic(w.Context(), &sns.CreateTopicInput{Name: &topic, Attributes: map[string]string{"FifoTopic": "true"}})
	if err != nil {
		w.Fatal(err)
	}
	w.subscribe(queue, topicARN(topic), nil)
}

func TestOutagesLoseNothingAndRepeatNothing(t *testing.T) {
	const items = 60
	for _, test := range []struct {
		name string
		rule fault.Rule
	}{
		{"SNS is down", fault.Rule{Service: "sns", Effect: fault.Unavailable}},
		{"SNS throttles", fault.Rule{Service: "sns", Effect: fault.Effect{Error: &fault.Error{Code: "Throttling", Message: "Rate exceeded"}}}},
		{"SNS denies", fault.Rule{Service: "sns", Effect: fault.Effect{Error: &fault.Error{Status: 403, Code: "AuthorizationError", Message: "not authorized"}}}},
		{"the topic's key is disabled", fault.Rule{Service: "sns", Effect: fault.Effect{Error: &fault.Error{Code: "KMSDisabled", Message: "key is disabled"}}}},
		{"the topic is gone", fault.Rule{Service: "sns", Effect: fault.Effect{Error: &fault.Error{Status: 404, Code: "NotFound", Message: "Topic does not exist"}}}},
		{"a third of each batch fails", fault.Rule{Operation: "PublishBatch", Effect: fault.Effect{Unprocessed: 0.34}}},
		{"every third publish is down", fault.Rule{Service: "sns", Every: 3, Effect: fault.Unavailable}},
		{"rows cannot be read", fault.Rule{Operation: "BatchGetItem", Effect: fault.InternalServerError}},
		{"rows cannot be written", fault.Rule{Operation: "PutItem", Effect: fault.ThroughputExceeded}},
		{"rows are denied", fault.Rule{Operation: "PutItem", Effect: fault.AccessDeniedJSON}},
		{"half of the rows cannot be written", fault.Rule{Operation: "PutItem", Every: 2, Effect: fault.AccessDeniedJSON}},
		{"the history cannot be written", fault.Rule{Operation: "BatchWriteItem", Effect: fault.InternalServerError}},
		{"all of DynamoDB is down", fault.Rule{Service: "dynamodb", Effect: fault.Unavailable}},
		{"batches are half processed", fault.Rule{Service: "dynamodb", Effect: fault.Effect{Unprocessed: 0.5}}},
		{"the rows' answers are lost", fault.Rule{Operation: "PutItem", Effect: fault.Effect{Drop: true}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				n := w.instance("a", nil)
				changes := w.script(zeros(items))
				test.rule.Client = "a"
				mend := w.Fault(test.rule)
				time.AfterFunc(time.Minute, mend)
				w.persist(n, changes)
				if lost, repeated := w.count(items); lost+repeated > 0 {
					t.Errorf("%d lost, %d repeated", lost, repeated)
				}
				if got := len(w.history(time.Now())); got != items {
					t.Errorf("%d rows of history, want %d", got, items)
				}
				if got := n.Status().Published; got != items {
					t.Errorf("%d alerts counted as published, want %d", got, items)
				}
				time.Sleep(time.Minute)
				if err := n.Ready(); err != nil {
					t.Errorf("not ready after the outage: %v", err)
				}
				if owed := len(n.receipts.held); owed != 0 || n.receipts.sending != 0 {
					t.Errorf("%d receipts kept, %d reserved", owed, n.receipts.sending)
				}
			})
		})
	}
}

func TestLostAnswersOfSNSRepeatOnlyTheirOwnBatch(t *testing.T) {
	const items, losses = 100, 3
	inWorld(t, func(t *testing.T, w *world) {
		n := w.instance("a", nil)
		w.Fault(fault.Rule{Operation: "PublishBatch", Times: losses, Effect: fault.Effect{Drop: true}})
		w.persist(n, w.script(zeros(items)))
		if lost, repeated := w.count(items); lost != 0 || repeated != losses*maxEntries {
			t.Errorf("%d lost, %d repeated, want %d", lost, repeated, losses*maxEntries)
		}
	})
}

func TestAMarkWhoseAnswerWasLostIsRecognisedAsOurOwn(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		n := w.instance("a", nil)
		w.Fault(fault.Rule{Operation: "PutItem", Every: 2, Effect: fault.Effect{Drop: true}})
		w.handle(n, w.script(zeros(10))) // at the first call
	})
}

func TestAFencedInstanceNeverTurnsARowBack(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		changes := w.script("echo:5>0 echo:0>5 echo:5>0 echo:0>5")
		fenced, next := w.instance("fenced", nil), w.instance("next", nil)
		w.Fault(fault.Rule{Client: "fenced", Operation: "PutItem", Times: 1, Effect: fault.Effect{Do: func() {
			w.handle(next, changes) // while the other one's mark is on its way
			w.wantRow("echo", "in@4")
		}}})
		w.handle(fenced, changes[:1])
		w.wantRow("echo", "in@4")
	})
}

func TestRowsAndPresentCountsAreReadConsistently(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		reads := map[bool]int{}
		w.Fault(fault.Rule{Operation: "BatchGetItem", Match: func(c fault.Call) bool {
			reads[bytes.Contains(c.Body, []byte(`"ConsistentRead":true`))]++
			return false
		}})
		changes := w.script("echo:5>0")
		time.Sleep(time.Hour)
		w.handle(w.instance("a", nil), changes)
		if diff := cmp.Diff(map[bool]int{true: 2}, reads); diff != "" {
			t.Errorf("reads by consistency (-want +got):\n%s", diff)
		}
	})
}

func TestFailureNamesTheFirstChangeNotDoneAndTheReason(t *testing.T) {
	for _, test := range []struct {
		name string
		rule fault.Rule
		want string
	}{
		{"topic down", fault.Rule{Operation: "PublishBatch", Skip: 1, Effect: fault.Unavailable}, "change 11: publish to " + topicARN("NoStock") + ": "},
		{"rows unreadable", fault.Rule{Operation: "BatchGetItem", Effect: fault.AccessDeniedJSON}, "change 1: read alert rows of inventoryd-state: "},
		{"rows unwritable", fault.Rule{Operation: "PutItem", Skip: 10, Effect: fault.AccessDeniedJSON}, "change 11: mark alert row in inventoryd-state: "},
		{"history unwritable", fault.Rule{Operation: "BatchWriteItem", Skip: 1, Effect: fault.AccessDeniedJSON}, "change 11: write the history of alerts to inventoryd-state: "},
	} {
		t.Run(test.name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				n := w.instance("a", func(c *Config) { c.InFlight = 1 })
				w.Fault(test.rule)
				err := n.Handle(t.Context(), w.script("full:5>4 "+zeros(20)))
				var f *inventory.Failure
				if !errors.As(err, &f) || f.Permanent || !strings.HasPrefix(err.Error(), test.want) {
					t.Errorf("error\n%v\nwant\n%s", err, test.want)
				}
				if ready := n.Ready(); ready == nil || ready.Error() != err.Error() {
					t.Errorf("ready: %v", ready)
				}
			})
		})
	}
}

func TestPresentCountsThatCannotBeReadHoldTheAlertBack(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.put("echo", 0)
		changes := w.script("echo:5>0")
		time.Sleep(time.Hour)
		n := w.instance("a", nil)
		mend := w.Fault(fault.Rule{Operation: "BatchGetItem", Skip: 1, Effect: fault.Unavailable}) // the first reads the rows
		err := n.Handle(t.Context(), changes)
		if err == nil || !strings.HasPrefix(err.Error(), "change 0: read present counts of Inventory: ") {
			t.Errorf("error %v", err)
		}
		w.wantTold()
		mend()
		w.persist(n, changes)
		w.wantTold("Berlin is out of stock of echo")
	})
}

func TestOnlyFailedEntriesAreSentAgain(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		sent := 0
		w.Fault(fault.Rule{Operation: "PublishBatch", Effect: fault.Effect{Do: func() { sent++ }}})
		n := w.instance("a", nil)
		entries := &failingTopics{Topics: n.clients.SNS, fail: map[string]int{"item003": 2, "item007": 1}}
		n.clients.SNS = entries
		w.persist(n, w.script(zeros(10)))
		if lost, repeated := w.count(10); lost+repeated > 0 {
			t.Errorf("%d lost, %d repeated", lost, repeated)
		}
		if diff := cmp.Diff([]int{10, 2, 1}, entries.asked); diff != "" {
			t.Errorf("entries asked for (-want +got):\n%s", diff)
		}
	})
}

func TestOneItemsAlertsKeepTheirOrder(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		n := w.instance("a", func(c *Config) { c.Restocked = true })
		w.Fault(fault.Rule{Operation: "PublishBatch", Every: 2, Effect: fault.Effect{Delay: time.Second}})
		w.Fault(fault.Rule{Operation: "PublishBatch", Every: 3, Effect: fault.Unavailable})
		w.persist(n, w.script(strings.Repeat("echo:5>0 echo:0>5 ", 10)+zeros(50)+" echo:5>0"))
		var got []string
		for _, note := range w.inbox() {
			if note.MessageAttributes["item"].Value == "echo" {
				got = append(got, note.MessageAttributes["event"].Value)
			}
		}
		want := strings.Fields(strings.Repeat("out_of_stock restocked ", 10) + "out_of_stock")
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("echo's events (-want +got):\n%s", diff)
		}
	})
}

func TestNoMoreIsInFlightThanAllowed(t *testing.T) {
	for _, allowed := range []int{1, 4} {
		inWorld(t, func(t *testing.T, w *world) {
			var mu sync.Mutex
			now, most := 0, 0
			n := w.instance("a", func(c *Config) { c.InFlight = allowed })
			n.clients.SNS = &watchedTopics{n.clients.SNS, func(by int) {
				mu.Lock()
				defer mu.Unlock()
				now += by
				most = max(most, now)
			}}
			w.Fault(fault.Rule{Operation: "PublishBatch", Effect: fault.Effect{Delay: 50 * time.Millisecond}})
			var shards sync.WaitGroup
			for shard := range 3 { // several shards share what is allowed
				changes := ofShard(shard, w.script(zeros(100)))
				shards.Go(func() {
					if err := n.Handle(t.Context(), changes); err != nil {
						t.Error(err)
					}
				})
			}
			shards.Wait()
			if most != allowed {
				t.Errorf("%d batches in flight at once, want %d", most, allowed)
			}
		})
	}
}

func TestRowsThatDynamoDBLeavesUnprocessedAreReadAgain(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		changes := w.script(zeros(60))
		w.handle(w.instance("a", nil), changes)
		w.inbox()
		w.Fault(fault.Rule{Operation: "BatchGetItem", Times: 3, Effect: fault.Effect{Unprocessed: 0.5}})
		w.handle(w.instance("b", nil), changes)
		w.wantTold()
	})
}

func TestAsLongAsDynamoDBDoesAPartItIsAskedForTheRest(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.Fault(fault.Rule{Service: "dynamodb", Client: "a", Effect: fault.Effect{Unprocessed: 0.9}})
		w.handle(w.instance("a", nil), w.script(zeros(100)))
		if lost, repeated := w.count(100); lost+repeated > 0 {
			t.Errorf("%d lost, %d repeated", lost, repeated)
		}
	})
}

// ofShard makes changes those of a shard of their own: of another store, with other event ids.
func ofShard(shard int, changes []inventory.Change) []inventory.Change {
	for i := range changes {
		changes[i].Store = fmt.Sprintf("Shard%d", shard)
		changes[i].ID = fmt.Sprintf("s%d-%s", shard, changes[i].ID)
	}
	return changes
}
