package notifier

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/google/go-cmp/cmp"

	"inventoryd/internal/inventory"
	"inventoryd/internal/sandbox"
	"inventoryd/internal/sandbox/fault"
	"inventoryd/internal/sandbox/queues"
	"inventoryd/internal/state"
)

func (w *world) wantTold(want ...string) {
	w.Helper()
	if diff := cmp.Diff(want, w.told()); diff != "" {
		w.Errorf("messages (-want +got):\n%s", diff)
	}
}

func (w *world) wantRow(item, want string) {
	w.Helper()
	if got := w.row(item); got != want {
		w.Errorf("row of %s is %q, want %q", item, got, want)
	}
}

func TestSubscriberGetsTheOriginalsMailAndAttributes(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.handle(w.instance("a", nil), w.script("Echo_Dot:5>0"))
		want := []note{{
			Subject: "Inventory Alert!", Message: "Berlin is out of stock of Echo_Dot",
			MessageAttributes: map[string]struct{ Type, Value string }{
				"event": {"String", "out_of_stock"}, "store": {"String", "Berlin"}, "item": {"String", "Echo_Dot"}, "count": {"Number", "0"},
			},
		}}
		if diff := cmp.Diff(want, w.inbox()); diff != "" {
			t.Errorf("messages (-want +got):\n%s", diff)
		}
	})
}

func TestSubscribersFilterByStore(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.subscribe("bonn", topicARN(sandbox.Topic), map[string]string{"FilterPolicy": `{"store":["Bonn"],"event":["out_of_stock"]}`})
		n := w.instance("a", func(c *Config) { c.Restocked = true })
		w.handle(n, w.script("echo:5>0 Bonn/echo:5>0 Bonn/dot:0>5"))
		got := w.drain("bonn")
		if len(got) != 1 || got[0].Message != "Bonn is out of stock of echo" {
			t.Errorf("Bonn's subscriber got %v", got)
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

func TestTransitionsAreToldOnceAndMarked(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		n := w.instance("a", func(c *Config) { c.Restocked = true })
		w.handle(n, w.script("echo:5>0 tap:0>3 dot:5>4 Bonn/echo:7>0"))
		w.wantTold("Berlin has tap in stock again", "Berlin is out of stock of echo", "Bonn is out of stock of echo")
		w.wantRow("echo", "out@1")
		w.wantRow("tap", "in@2")
		w.wantRow("dot", "")
	})
}

func TestReplaysTellNothingNew(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		changes := w.script("echo:5>0 echo:0>5 echo:5>0")
		w.handle(w.instance("a", nil), changes)
		w.wantTold("Berlin is out of stock of echo ×2") // it ran out twice
		w.wantRow("echo", "out@3")
		// Other instances, which know nothing but the rows, get all of it again, and parts in any order.
		for i, again := range [][]inventory.Change{changes, changes[:1], changes[1:2], changes[2:], changes[1:], changes[:2]} {
			n := w.instance(fmt.Sprintf("b%d", i), nil)
			w.handle(n, again)
			w.wantTold()
			w.wantRow("echo", "out@3")
			if got := n.meters.repeated.sum.Load(); got != int64(len(again)) {
				t.Errorf("replay %d: %d repeated transitions counted, want %d", i, got, len(again))
			}
		}
	})
}

func TestChangesOfAnOlderStreamAreDone(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		n := w.instance("a", nil)
		newer := w.script("echo:5>0")
		newer[0].Position = "2026-11-23T10:00:00.000#" + strings.Repeat("0", 39) + "1"
		w.handle(n, newer)
		w.handle(n, w.script("tap:5>4 echo:5>0"))
		w.wantTold("Berlin is out of stock of echo")
	})
}

func TestShadowModeMarksAndSendsNothing(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		changes := w.script("echo:5>0 tap:5>0 tap:0>5")
		shadow := w.instance("a", func(c *Config) { c.Send = false })
		w.handle(shadow, changes)
		w.wantTold()
		w.wantRow("echo", "out@1")
		if got := shadow.meters.shadowed.sum.Load(); got != 2 {
			t.Errorf("%d alerts counted as not sent, want 2", got)
		}
		for _, h := range w.history(time.Now()) {
			if h.MessageID != "" {
				t.Errorf("history says that %s was sent", h.Item)
			}
		}
		w.handle(w.instance("b", nil), changes) // after cutting over
		w.wantTold()
	})
}

func TestApplyChangesRulesAndTextsInPlace(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		n := w.instance("a", nil)
		c := n.config
		c.Threshold, c.Message = 3, "{{.Item}} is low"
		n.Apply(c)
		w.handle(n, w.script("echo:5>3"))
		w.wantTold("echo is low")
		c.Message = "{{.Nonsense}}"
		n.Apply(c)
		w.handle(n, w.script("tap:5>3"))
		w.wantTold("tap is low")
		c.Message, c.Send = "{{.Item}}", false
		n.Apply(c)
		w.handle(n, w.script("dot:5>3"))
		w.wantTold()
	})
}

func TestOldAlertsAreSentOnlyWhileTheyHold(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.put("echo", 5)
		w.put("tap", 0)
		changes := w.script("echo:5>0 tap:5>0 gone:5>0 young:5>0")
		time.Sleep(6 * time.Minute)
		changes[3].Created = time.Now()
		n := w.instance("a", nil)
		w.handle(n, changes)
		w.wantTold("Berlin is out of stock of tap", "Berlin is out of stock of young")
		w.wantRow("echo", "out@1")
		if got := n.Status().Outdated; got != 2 {
			t.Errorf("%d outdated alerts counted, want 2", got)
		}
		w.handle(n, changes)
		w.wantTold()
	})
}

func TestStreamWithoutOldImagesGoesByTheRows(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		n := w.instance("a", func(c *Config) { c.Restocked = true })
		w.handle(n, w.script("echo:->5 echo:?>0 echo:?>0 echo:?>-1 echo:?>4 echo:?>5 echo:?>0 echo:?>-"))
		w.wantTold("Berlin has echo in stock again", "Berlin is out of stock of echo ×2")
		w.wantRow("echo", "in@8")
	})
}

func TestUnusableChangesNeverAlertAndNeverFail(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		n := w.instance("a", nil)
		w.handle(n, w.script("echo:5>x echo:?>x tap:5>- tap:->x"))
		w.wantTold()
		if got := n.Status().Unusable; got != 3 {
			t.Errorf("%d unusable changes counted, want 3", got)
		}
		if got := n.meters.removed.sum.Load(); got != 1 {
			t.Errorf("%d removals counted, want 1", got)
		}
	})
}

func TestHistoryHasARowForEachAlert(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		n := w.instance("a", func(c *Config) { c.Restocked = true })
		w.handle(n, w.script("echo:5>0 echo:0>5 Bonn/tap:1>0 dot:3>2"))
		var got []string
		for _, h := range w.history(time.Now()) {
			if h.MessageID == "" || !h.Published.Equal(time.Now()) || !h.At.Equal(time.Now().Truncate(time.Second)) {
				t.Errorf("row %+v at %s", h, time.Now())
			}
			got = append(got, fmt.Sprintf("%s %s/%s %s %d", h.EventID, h.Store, h.Item, h.Event, h.Count))
		}
		want := []string{"e1 Berlin/echo out_of_stock 0", "e2 Berlin/echo restocked 5", "e3 Bonn/tap out_of_stock 0"}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("history (-want +got):\n%s", diff)
		}
	})
}

func TestFIFOTopicKeepsAStoresOrderAndDropsRepetitions(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.fifoTopic("alerts.fifo", "inbox.fifo")
		fifo := func(c *Config) { c.Topic, c.Restocked = "alerts.fifo", true }
		var words, want []string
		for i := range 60 { // two stores by turns, one of which SNS takes for no group id
			words = append(words, fmt.Sprintf("item%d:5>0", i), fmt.Sprintf("Köln/item%d:0>5", i))
			want = append(want, fmt.Sprintf("Berlin is out of stock of item%d", i))
		}
		changes := w.script(strings.Join(words, " "))
		w.handle(w.instance("a", fifo), changes)

		// A second notifier that does not know the first one's rows: everything is sent again.
		other := w.instance("b", func(c *Config) { fifo(c); c.App = "another" })
		w.handle(other, changes)

		var berlin, cologne []string
		for _, n := range w.drain("inbox.fifo") {
			if strings.HasPrefix(n.Message, "Berlin") {
				berlin = append(berlin, n.Message)
			} else {
				cologne = append(cologne, n.Message)
			}
		}
		if diff := cmp.Diff(want, berlin); diff != "" {
			t.Errorf("Berlin's messages (-want +got):\n%s", diff)
		}
		if len(cologne) != 60 {
			t.Errorf("%d messages of Köln, want 60", len(cologne))
		}
	})
}

func TestZerosOfAWholeFeedAreAllNamedByTenToACall(t *testing.T) {
	const items = zerosAtOnce
	inWorld(t, func(t *testing.T, w *world) {
		publishes, named := 0, map[string]int{}
		w.Fault(fault.Rule{Service: "sns", Operation: "PublishBatch", Effect: fault.Effect{Do: func() { publishes++ }}})
		n := w.instance("a", func(c *Config) { c.InFlight = 1 })
		n.clients.State = &mapRows{rows: map[state.Key]attributeMap{}}
		for first := 0; first < items; first += 10_000 {
			changes := make([]inventory.Change, 10_000)
			for i := range changes {
				k := inventory.Key{Store: "Berlin", Item: "item" + strconv.Itoa(first+i)}
				changes[i] = inventory.Change{
					Key: k, Old: &inventory.Item{Key: k, Count: 1}, New: &inventory.Item{Key: k}, ID: strconv.Itoa(first + i),
					Position: at(first + i), Created: time.Now(),
				}
			}
			w.handle(n, changes)
			for _, note := range w.inbox() {
				named[note.MessageAttributes["item"].Value]++
			}
		}
		if len(named) != items || publishes != items/10 {
			t.Errorf("%d of %d items named, by %d publishes", len(named), items, publishes)
		}
		for item, times := range named {
			if times != 1 {
				t.Errorf("%s named %d times", item, times)
			}
		}
		t.Logf("%d items, %d publishes, %d named", items, publishes, len(named))
	})
}

func TestWhatSNSRefusesForItsContentIsPermanentAndStopsNothingElse(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		huge := strings.Repeat("x", 30_000)
		n := w.instance("a", func(c *Config) {
			c.Message = `{{if eq .Item "huge"}}` + strings.Repeat(huge, 10) + `{{else}}{{.Item}} is out{{end}}`
		})
		changes := w.script("one:5>0 huge:5>0 two:5>0 three:5>0")
		err := n.Handle(t.Context(), changes)
		var f *inventory.Failure
		if !errors.As(err, &f) || f.Index != 1 || !f.Permanent {
			t.Fatalf("error %v, want a permanent failure of change 1", err)
		}
		if err := n.Ready(); err != nil {
			t.Errorf("not ready for a change that is to blame itself: %v", err)
		}
		w.handle(n, changes[2:]) // the reader has diverted it and goes on
		w.wantTold("one is out", "three is out", "two is out")
		w.wantRow("huge", "")
	})
}

func TestOddNamesAreToldAllTheSame(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		n := w.instance("a", func(c *Config) {
			c.Subject = "{{.Item}}\n" + strings.Repeat("{{.Store}} ", 60)
		})
		changes := w.script("echo:5>0 tap:5>0")
		changes[0].Item, changes[1].Store = "bell\x07 & <tag>", strings.Repeat("ü", 1000)
		w.handle(n, changes)
		got := w.inbox()
		if len(got) != 2 {
			t.Fatalf("%d messages", len(got))
		}
		if a := got[0]; a.Message != "Berlin is out of stock of bell\x07 & <tag>" || !strings.HasPrefix(a.Subject, "bell  & <tag> Berlin Berlin") || len(a.MessageAttributes) != 3 {
			t.Errorf("the first: %+v", a)
		}
		if a := got[1]; a.Message != changes[1].Store+" is out of stock of tap" || len(a.MessageAttributes) != 4 {
			t.Errorf("the second: %.100v", a)
		}
	})
}

func TestOnlyRowsOfShortagesThatAreOverExpire(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		n := w.instance("a", nil)
		w.handle(n, w.script("echo:5>0 tap:5>0 echo:0>5"))
		w.wantTold("Berlin is out of stock of echo", "Berlin is out of stock of tap")
		time.Sleep(365 * 24 * time.Hour)
		if _, err := w.Tables.Expire(stateTable); err != nil {
			t.Fatal(err)
		}
		w.wantRow("echo", "")
		w.wantRow("tap", "out@2")
		w.handle(n, w.script("x:2>1 x:1>2 x:2>1 echo:5>0 tap:?>0"))
		w.wantTold("Berlin is out of stock of echo")
	})
}

func TestStoresWithLongNamesHaveRowsOfTheirOwn(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		changes := w.script("echo:5>0 echo:5>0")
		changes[0].Store, changes[1].Store = strings.Repeat("x", 2048), strings.Repeat("x", 2047)+"y"
		n := w.instance("a", nil)
		w.handle(n, changes)
		w.handle(n, changes)
		if got := len(w.inbox()); got != 2 {
			t.Errorf("%d alerts, want 2", got)
		}
	})
}
