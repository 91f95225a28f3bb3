package notifier

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"

	"inventoryd/internal/sandbox"
	"inventoryd/internal/sandbox/fault"
)

func TestAnOutageOfSNSHoldsNothingUpAndWhatHoldsIsToldOnceAfterwards(t *testing.T) {
	for name, effect := range map[string]fault.Effect{
		"down": fault.Unavailable, "denied": fault.AccessDenied, "cut off": {Reset: true},
		"no topic": {Error: &fault.Error{Status: 404, Code: "NotFound", Message: "Topic does not exist"}},
		"no key":   {Error: &fault.Error{Code: "KMSDisabled", Message: "key is disabled"}},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				n, _ := w.running("a", nil)
				heal := w.Fault(fault.Rule{Service: "sns", Client: "a", Effect: effect})
				w.happen(n, "echo:5>0 dot:5>0 Bonn/tap:5>0")
				time.Sleep(time.Hour)
				w.happen(n, "x:5>4 x:5>4 x:5>4 dot:0>5 lamp:5>0")
				time.Sleep(time.Hour)
				if err := n.Ready(); err == nil {
					t.Error("the instance is ready")
				}
				heal()
				time.Sleep(6 * time.Minute)
				w.wantTold("Berlin is out of stock of echo | Berlin is out of stock of lamp", "Bonn is out of stock of tap")
				if err := n.Ready(); err != nil {
					t.Errorf("after the outage: %v", err)
				}
			})
		})
	}
}

func TestReadySaysWhichPermissionIsMissing(t *testing.T) {
	for code, want := range map[string]string{"AuthorizationError": "sns:Publish", "KMSAccessDenied": "kms:GenerateDataKey and kms:Decrypt"} {
		inWorld(t, func(t *testing.T, w *world) {
			n, _ := w.running("a", nil)
			w.Fault(fault.Rule{Operation: "Publish", Effect: fault.Effect{Error: &fault.Error{Status: 403, Code: code, Message: "no"}}})
			w.happen(n, "echo:5>0")
			time.Sleep(30 * time.Second)
			if err := n.Ready(); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("ready: %v, want %s", err, want)
			}
		})
	}
}

func TestAMissingTopicStopsNothingAndIsFoundLater(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		n, _ := w.running("a", func(c *Config) { c.Topic = "Later" })
		w.happen(n, "echo:5>0")
		time.Sleep(time.Hour + 5*time.Second) // the topic is looked for every 10 s: not just now, before somebody listens
		if err := n.Ready(); err == nil || !strings.Contains(err.Error(), `"Later"`) {
			t.Errorf("ready: %v", err)
		}
		if _, err := w.topics("test").CreateTopic(t.Context(), &sns.CreateTopicInput{Name: aws.String("Later")}); err != nil {
			t.Fatal(err)
		}
		w.subscribe("later", topicARN("Later"), nil)
		time.Sleep(time.Minute)
		if got := w.drain("later"); len(got) != 1 || got[0].Message != "Berlin is out of stock of echo" {
			t.Errorf("%+v", got)
		}
	})
}

func TestANameThatFitsSeveralTopicsStopsTheStart(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		if _, err := w.topics("test").CreateTopic(t.Context(), &sns.CreateTopicInput{Name: aws.String("nostock")}); err != nil {
			t.Fatal(err)
		}
		n := w.unstarted("a", func(c *Config) { c.Topic = "NOSTOCK" })
		if err := n.Start(t.Context()); err == nil || !strings.Contains(err.Error(), "give the ARN of one") {
			t.Errorf("error %v", err)
		}
	})
}

func TestCallsGoToTheRegionOfTheTopicsARN(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		regions := map[string]bool{}
		w.Fault(fault.Rule{Service: "sns", Match: func(c fault.Call) bool {
			_, scope, _ := strings.Cut(c.Request.Header.Get("Authorization"), "Credential=")
			regions[strings.Split(scope, "/")[2]] = true
			return false
		}})
		w.instance("a", func(c *Config) { c.Topic = "arn:aws:sns:ap-south-1:" + sandbox.Account + ":NoStock" })
		if len(regions) != 1 || !regions["ap-south-1"] {
			t.Errorf("signed for %v", regions)
		}
	})
}

func TestContentThatSNSRefusesFailsItsItemAloneAndHoldsNobodyUp(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		n, _ := w.running("a", nil)
		w.Fault(fault.Rule{
			Operation: "Publish", Match: func(c fault.Call) bool { return bytes.Contains(c.Body, []byte("evil")) },
			Effect: fault.Effect{Error: &fault.Error{Code: "InvalidParameter", Message: "Invalid parameter: Message"}},
		})
		w.happen(n, "a:5>0 b:5>0 evil:5>0 c:5>0 d:5>0")
		time.Sleep(10 * time.Second)
		told := strings.Join(w.told(), " | ")
		for _, item := range []string{"a", "b", "c", "d"} {
			if strings.Count(told, "out of stock of "+item) != 1 {
				t.Errorf("%s is told in %q", item, told)
			}
		}
		w.wantRow("evil", "out@3 began@3 due out failed")
		failed, err := w.book().Failed(t.Context())
		if err != nil || len(failed) != 1 || !strings.Contains(failed[0].Failed, "Invalid parameter: Message") {
			t.Errorf("%v %+v", err, failed)
		}
	})
}

func TestARowThatCannotBeWrittenHoldsNobodyUp(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		n, _ := w.running("a", nil)
		w.happen(n, "echo:5>0")
		w.Fault(fault.Rule{
			Operation: "UpdateItem", Match: func(c fault.Call) bool { return bytes.Contains(c.Body, []byte("echo")) },
			Effect: fault.Effect{Error: &fault.Error{Code: "ValidationException", Message: "no"}},
		})
		w.wantTold("Berlin is out of stock of echo")
		w.happen(n, "x:5>4 Bonn/tap:5>0")
		w.wantTold("Bonn is out of stock of tap")
	})
}

// 880 and 1,120 items of 20 stores run out within two seconds, at default settings, and somebody reads by mail.
func TestAFloodOfZerosDeactivatesNobodysMail(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		const reader = "shop@example.com"
		if err := w.Topics.SubscribeMail(sandbox.Topic, reader); err != nil {
			t.Fatal(err)
		}
		n, _ := w.running("a", nil)
		for i, count := range []int{880, 1120} {
			var words []string
			for j := range count {
				words = append(words, fmt.Sprintf("S%02d/i%d-%04d:5>0", j%20, i, j))
			}
			changes := w.script(strings.Join(words, " "))
			for j := range changes {
				changes[j].Position = at(10_000*i + j + 1)
			}
			w.store(changes)
			w.handle(n, changes)
			time.Sleep(time.Second)
		}
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		notes := w.inbox()
		times := map[string]int{}
		for _, n := range notes {
			for line := range strings.Lines(n.Message) {
				times[line]++
			}
		}
		for line, n := range times {
			if n != 1 {
				t.Errorf("%q was told %d times", line, n)
			}
		}
		if len(times) != 2000 {
			t.Errorf("%d items told, want 2000", len(times))
		}
		t.Logf("2,000 items in %d messages", len(notes))
		if !w.Topics.Subscribed(sandbox.Topic, reader) {
			t.Error("the mail subscription was deactivated")
		}
		if got := len(w.Topics.Mails(reader)); got != len(notes) {
			t.Errorf("%d mails of %d messages", got, len(notes))
		}
	})
}

// A stop is none of the topic's faults, whatever is being asked of SNS at the time.
func TestAStopWhileTheTopicIsLookedForIsNoFailure(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.Fault(fault.Rule{Service: "sns", Effect: fault.Effect{Hang: true}})
		stop := w.run(w.unstarted("a", nil))
		time.Sleep(3 * time.Second)
		stop()
	})
}
