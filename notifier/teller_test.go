package notifier

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/google/go-cmp/cmp"

	"inventoryd/internal/sandbox"
	"inventoryd/internal/sandbox/queues"
	"inventoryd/internal/state"
)

func TestSubscriberGetsTheOriginalsMailAndAttributes(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		n, _ := w.running("a", nil)
		w.happen(n, "Echo_Dot:5>0")
		time.Sleep(5 * time.Second)
		want := []note{{
			Subject: "Inventory Alert!", Message: "Berlin is out of stock of Echo_Dot",
			MessageAttributes: map[string]struct{ Type, Value string }{
				"event": {"String", "out_of_stock"}, "store": {"String", "Berlin"}, "items": {"Number", "1"},
				"item": {"String.Array", `["Echo_Dot"]`}, "count": {"String.Array", "[0]"},
			},
		}}
		if diff := cmp.Diff(want, w.inbox()); diff != "" {
			t.Errorf("messages (-want +got):\n%s", diff)
		}
		w.wantRow("Echo_Dot", "out@1 began@1 told@1")
	})
}

func TestAStoresItemsAreToldTogetherAndTheStoreRestsThen(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		n, _ := w.running("a", nil)
		w.happen(n, "echo:5>0 Bonn/tap:5>0")
		time.Sleep(500 * time.Millisecond)
		later := w.script("x:5>4 dot:5>0 Bonn/x:5>4")
		w.store(later)
		w.handle(n, later)
		w.wantTold("Berlin is out of stock of dot | Berlin is out of stock of echo", "Bonn is out of stock of tap")
		third := w.script("x:5>4 x:5>4 x:5>4 lamp:5>0")
		w.store(third)
		w.handle(n, third)
		w.wantTold()
		fourth := w.script("x:5>4 x:5>4 x:5>4 x:5>4 plug:5>0")
		w.store(fourth)
		w.handle(n, fourth)
		time.Sleep(30 * time.Second)
		w.wantTold("Berlin is out of stock of lamp | Berlin is out of stock of plug")
	})
}

func TestSubscribersFilterByStoreEventAndAnItemOfAGroup(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		for queue, policy := range map[string]string{
			"bonn": `{"store":["Bonn"],"event":["out_of_stock"]}`, "dot": `{"item":["dot"]}`, "back": `{"event":["restocked"]}`,
			"negative": `{"count":[{"numeric":["<",0]}]}`, "prefix": `{"store":[{"prefix":"Ber"}]}`,
		} {
			w.subscribe(queue, topicARN(sandbox.Topic), map[string]string{"FilterPolicy": policy})
		}
		n, _ := w.running("a", func(c *Config) { c.Restocked, c.GroupInterval = true, 0 })
		w.happen(n, "echo:5>-1 dot:5>0 lamp:5>0 Bonn/echo:5>0")
		time.Sleep(5 * time.Second)
		later := w.script("x:5>4 x:5>4 x:5>4 x:5>4 Bonn/echo:0>5")
		w.store(later)
		w.handle(n, later)
		time.Sleep(5 * time.Second)
		synctest.Wait()
		berlin := "Berlin is out of stock of dot\nBerlin is out of stock of echo\nBerlin is out of stock of lamp\n"
		for queue, want := range map[string]string{
			"bonn": "Bonn is out of stock of echo", "dot": berlin, "back": "Bonn has echo in stock again", "negative": berlin, "prefix": berlin,
		} {
			var got []string
			for _, n := range w.drain(queue) {
				got = append(got, n.Message)
			}
			if diff := cmp.Diff([]string{want}, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", queue, diff)
			}
		}
	})
}

// subscribe makes a queue and subscribes it.
func (w *world) subscribe(queue, topic string, attributes map[string]string) {
	w.Helper()
	settings := map[string]string{}
	if strings.HasSuffix(queue, ".fifo") {
		settings["FifoQueue"] = "true"
	}
	if _, err := w.Queues.Create(queue, settings); err != nil {
		w.Fatal(err)
	}
	_, err := w.topics("test").Subscribe(w.Context(), &sns.SubscribeInput{
		TopicArn: &topic, Protocol: aws.String("sqs"), Endpoint: aws.String(queues.ARN(queue)), Attributes: attributes,
	})
	if err != nil {
		w.Fatal(err)
	}
}

func topicARN(name string) string {
	return "arn:aws:sns:" + sandbox.Region + ":" + sandbox.Account + ":" + name
}

// What is told holds when it is told.
func TestAShortageThatIsOverIsClosedAndCounted(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		n := w.instance("a", nil)
		w.happen(n, "echo:5>0 tap:5>0 dot:5>0 lamp:5>0")
		w.store(w.script("echo:0>5 tap:0>- lamp:0>x"))
		w.run(n)
		w.wantTold("Berlin is out of stock of dot | Berlin is out of stock of lamp") // what is unreadable is as the row says
		w.wantRow("echo", "in@1 began@1")
		w.wantRow("tap", "in@2 began@2")
		if got := n.meters.recovered.sum.Load(); got != 2 {
			t.Errorf("%d recovered, want 2", got)
		}
	})
}

func TestRestocksAreToldOnlyOfShortagesThatWere(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		n, _ := w.running("a", func(c *Config) { c.Restocked, c.GroupInterval = true, 0 })
		w.happen(n, "echo:5>0 tap:5>0 dot:5>0")
		w.wantTold("Berlin is out of stock of dot | Berlin is out of stock of echo | Berlin is out of stock of tap")
		next := w.script("x:5>4 x:5>4 x:5>4 echo:0>x tap:0>- echo:x>7 new:5>0 new:0>5 dot:0>0")
		w.store(next)
		w.handle(n, next)
		w.wantTold("Berlin has echo in stock again") // tap was removed, nobody knew of new
		w.wantRow("echo", "in@6 began@1 told@1")
	})
}

func TestACooldownDelaysAndSwallowsNothing(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		n, _ := w.running("a", func(c *Config) { c.Cooldown = time.Hour })
		w.happen(n, "echo:5>0")
		w.wantTold("Berlin is out of stock of echo")
		next := w.script("x:5>4 echo:0>1 echo:1>0")
		w.store(next)
		w.handle(n, next)
		time.Sleep(40 * time.Minute)
		w.wantTold()
		time.Sleep(21 * time.Minute)
		w.wantTold("Berlin is out of stock of echo") // two days at zero are told after an hour
		if got := n.meters.delayed.sum.Load(); got == 0 {
			t.Error("no alert was counted as delayed")
		}
	})
}

func TestACooldownThatAShortageDoesNotOutlastTellsNothing(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		n, _ := w.running("a", func(c *Config) { c.Cooldown = time.Hour })
		w.happen(n, "echo:5>0")
		w.wantTold("Berlin is out of stock of echo")
		next := w.script("x:5>4 echo:0>1 echo:1>0")
		w.store(next)
		w.handle(n, next)
		time.Sleep(time.Minute)
		last := w.script("x:5>4 x:5>4 x:5>4 echo:0>3")
		w.store(last)
		w.handle(n, last)
		time.Sleep(2 * time.Hour)
		w.wantTold()
	})
}

func TestRemindersTellWhatIsStillOut(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		n, _ := w.running("a", func(c *Config) { c.Remind = time.Hour })
		w.happen(n, "echo:5>0 dot:5>0 tap:5>0")
		w.wantTold("Berlin is out of stock of dot | Berlin is out of stock of echo | Berlin is out of stock of tap")
		w.happen(n, "x:5>4 x:5>4 x:5>4 tap:0>5")
		time.Sleep(61 * time.Minute)
		w.wantTold("Berlin is still out of stock of dot | Berlin is still out of stock of echo")
		time.Sleep(61 * time.Minute)
		w.wantTold("Berlin is still out of stock of dot | Berlin is still out of stock of echo")
		c := n.config
		c.Remind = 0
		n.Apply(c)
		time.Sleep(3 * time.Hour)
		w.wantTold()
		c.Remind = 30 * time.Minute
		n.Apply(c)
		time.Sleep(time.Minute)
		w.wantTold("Berlin is still out of stock of dot | Berlin is still out of stock of echo")
	})
}

func TestShadowModeMarksAndSendsNothing(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		n, stop := w.running("a", func(c *Config) { c.Send = false })
		w.happen(n, "echo:5>0 tap:5>0")
		w.wantTold()
		w.wantRow("echo", "out@1 began@1 told@1")
		if got := n.meters.shadowed.sum.Load(); got != 2 {
			t.Errorf("%d alerts counted as not sent, want 2", got)
		}
		stop()
		after, _ := w.running("b", nil) // after cutting over
		w.handle(after, w.script("echo:5>0 tap:5>0"))
		w.wantTold()
		for _, h := range w.history() {
			if h.MessageID != "" {
				t.Errorf("the history says that %+v was sent", h)
			}
		}
	})
}

func TestEachMessageIsInTheHistoryAndNothingIsLeftOutgoing(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		n, _ := w.running("a", nil)
		w.happen(n, "echo:5>0 tap:5>0 Bonn/tap:5>0")
		time.Sleep(5 * time.Second)
		var got []string
		for _, h := range w.history() {
			got = append(got, fmt.Sprintf("%s %s %d %v", h.Event, h.Store, len(h.Subjects), h.MessageID != ""))
		}
		if diff := cmp.Diff([]string{"out_of_stock Berlin 2 true", "out_of_stock Bonn 1 true"}, got); diff != "" {
			t.Errorf("history (-want +got):\n%s", diff)
		}
		if left := w.outgoing(); len(left) != 0 {
			t.Errorf("outgoing: %+v", left)
		}
	})
}

func TestMachinesGetAMessageForEachItem(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		n, _ := w.running("a", func(c *Config) { c.GroupItems, c.GroupWait, c.Rate = 1, 0, 100 })
		var words []string
		for i := range 100 {
			words = append(words, fmt.Sprintf("i%02d:5>0", i))
		}
		w.happen(n, strings.Join(words, " "))
		time.Sleep(5 * time.Second)
		if got := w.inbox(); len(got) != 100 {
			t.Errorf("%d messages", len(got))
		}
	})
}

func TestMessagesGoAtABoundedRateShortagesFirstAndFairly(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		n := w.instance("a", func(c *Config) { c.Restocked, c.GroupItems, c.GroupWait = true, 1, 0 })
		w.happen(n, "back:5>0")
		stop := w.run(n)
		w.wantTold("Berlin is out of stock of back")
		stop()
		n = w.instance("b", func(c *Config) { c.Restocked, c.GroupItems, c.GroupWait = true, 1, 0 })
		words := []string{"x:5>4", "back:0>5"}
		for i := range 60 {
			words = append(words, fmt.Sprintf("Aachen/i%02d:5>0", i))
		}
		words = append(words, "Bonn/echo:5>0")
		w.happen(n, strings.Join(words, " "))
		w.run(n)
		began := time.Now()
		time.Sleep(4 * time.Second)
		early := w.inbox()
		if len(early) > 5+4*5+1 {
			t.Errorf("%d messages in four seconds", len(early))
		}
		if !strings.Contains(fmt.Sprint(early), "Bonn is out of stock of echo") {
			t.Error("a store with one item waits for one with sixty")
		}
		for len(early) < 62 {
			time.Sleep(100 * time.Millisecond)
			early = append(early, w.inbox()...)
		}
		if took := time.Since(began); took < 11*time.Second || took > 13*time.Second {
			t.Errorf("62 messages at 5 a second took %s", took)
		}
		for i, n := range early[:62-tellers-1] { // those on their way together may overtake each other
			if n.Message == "Berlin has back in stock again" {
				t.Errorf("the restock came as number %d, before shortages", i+1)
			}
		}
	})
}

func TestFeedsSpeakOnce(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		n, _ := w.running("a", nil)
		held := FeedEvent{Kind: "feed_held", Feed: "berlin.csv", ID: "etag1", Reason: "half of the rows are gone", Remedy: "inventoryd release berlin.csv", At: time.Now()}
		for range 3 {
			if err := n.Tell(t.Context(), held); err != nil {
				t.Fatal(err)
			}
			time.Sleep(5 * time.Second)
		}
		w.wantTold("The feed berlin.csv was held back and is not loaded. | half of the rows are gone | inventoryd release berlin.csv")
		held.ID = "etag2"
		if err := n.Tell(t.Context(), held); err != nil {
			t.Fatal(err)
		}
		w.wantTold("The feed berlin.csv was held back and is not loaded. | half of the rows are gone | inventoryd release berlin.csv")
		if err := n.Tell(t.Context(), FeedEvent{Kind: "held"}); err == nil {
			t.Error("an event without kind, feed and id was taken")
		}
	})
}

// history reads the history, sorted by store.
func (w *world) history() []state.History {
	w.Helper()
	all, err := w.book().History(w.Context(), time.Now().Add(-25*time.Hour), time.Time{}, "")
	if err != nil {
		w.Fatal(err)
	}
	return all
}

func (w *world) book() Book { return Book{Rows: w.tables("test"), Table: stateTable, App: "shop"} }

func (w *world) outgoing() []state.Outgoing {
	w.Helper()
	all, err := w.book().Outgoing(w.Context())
	if err != nil {
		w.Fatal(err)
	}
	return all
}
