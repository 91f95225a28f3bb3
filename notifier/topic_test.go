package notifier

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sns"

	"inventoryd/internal/inventory"
	"inventoryd/internal/sandbox"
	"inventoryd/internal/sandbox/fault"
	"inventoryd/internal/sandbox/topics"
)

// withTopics runs a test in virtual time with these topics only.
func withTopics(t *testing.T, names []string, test func(t *testing.T, s *sandbox.Sandbox)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := sandbox.New()
		for _, name := range names {
			in := &sns.CreateTopicInput{Name: &name}
			if strings.HasSuffix(name, ".fifo") {
				in.Attributes = map[string]string{"FifoTopic": "true"}
			}
			if _, err := sns.NewFromConfig(s.Config("test")).CreateTopic(t.Context(), in); err != nil {
				t.Fatal(err)
			}
		}
		test(t, s)
	})
}

func notifierFor(t *testing.T, s *sandbox.Sandbox, topic string) *Notifier {
	t.Helper()
	c := DefaultConfig()
	c.Topic = topic
	n, err := New(Clients{SNS: sns.NewFromConfig(s.Config("daemon"))}, c)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestTopicIsFoundByItsWholeNameOnAnyPage(t *testing.T) {
	var many []string
	for i := range 250 {
		many = append(many, fmt.Sprintf("a-%03d-NoStock", i), fmt.Sprintf("NoStock-%03d", i))
	}
	withTopics(t, append(many, "zz-nostock", "NoStock", "NoStocks"), func(t *testing.T, s *sandbox.Sandbox) {
		for _, configured := range []string{"NoStock", "nostock", "NOSTOCK", topics.ARN("NoStock")} {
			n := notifierFor(t, s, configured)
			if err := n.Start(t.Context()); err != nil {
				t.Errorf("%s: %v", configured, err)
			}
			if got := n.Status(); got.Topic != topics.ARN("NoStock") || !got.Resolved {
				t.Errorf("%s: topic %s, resolved %v", configured, got.Topic, got.Resolved)
			}
			if err := n.Ready(); err != nil {
				t.Errorf("%s: not ready: %v", configured, err)
			}
		}
	})
}

func TestWrongTopicStopsTheStartAndTheMessageListsWhatThereIs(t *testing.T) {
	few := []string{"NoStock", "Other", "orders.fifo"}
	all := topics.ARN("NoStock") + ", " + topics.ARN("Other") + ", " + topics.ARN("orders.fifo")
	for _, test := range []struct {
		name       string
		topics     []string
		configured string
		want       string
	}{
		{"none of that name", few, "Stock", `notifier.topic: there is no topic named "Stock"; there is ` + all + "; create it, or name one of these"},
		{"FIFO topics end in .fifo", few, "orders", `notifier.topic: there is no topic named "orders"; there is ` + all},
		{"none at all", nil, "NoStock", `notifier.topic: there is no topic named "NoStock"; there is none in this account and region`},
		{
			"several that differ by case",
			[]string{"NoStock", "nostock", "Other"},
			"NOSTOCK",
			`notifier.topic: 2 topics are named "NOSTOCK": ` + topics.ARN("NoStock") + ", " + topics.ARN("nostock") + "; give the ARN of one",
		},
		{"absent ARN", few, topics.ARN("Gone"), "notifier.topic: there is no topic " + topics.ARN("Gone") + "; create it, or name another"},
		{"ARN of something else", few, "arn:aws:sqs:us-east-1:123456789012:q", `notifier.topic: "arn:aws:sqs:us-east-1:123456789012:q" is no ARN of a topic (arn:aws:sns:<region>:<account>:<name>)`},
		{"no ARN", few, "sns:NoStock", `notifier.topic: "sns:NoStock" is no ARN of a topic`},
	} {
		t.Run(test.name, func(t *testing.T) {
			withTopics(t, test.topics, func(t *testing.T, s *sandbox.Sandbox) {
				err := notifierFor(t, s, test.configured).Start(t.Context())
				if err == nil || !strings.HasPrefix(err.Error(), test.want) {
					t.Errorf("error\n%v\nwant\n%s", err, test.want)
				}
			})
		})
	}
}

func TestListOfTopicsInAMessageIsShort(t *testing.T) {
	var many []string
	for i := range 45 {
		many = append(many, fmt.Sprintf("topic-%02d", i))
	}
	withTopics(t, many, func(t *testing.T, s *sandbox.Sandbox) {
		err := notifierFor(t, s, "NoStock").Start(t.Context())
		if err == nil || !strings.Contains(err.Error(), "topic-19 and 25 more;") || strings.Contains(err.Error(), "topic-20") {
			t.Errorf("error %v", err)
		}
	})
}

func TestOutageAtTheStartPasses(t *testing.T) {
	for name, effect := range map[string]fault.Effect{
		"down":      fault.Unavailable,
		"denied":    {Error: &fault.Error{Status: 403, Code: "AuthorizationError", Message: "not authorized to perform: SNS:ListTopics"}},
		"cut":       {Reset: true},
		"throttled": {Error: &fault.Error{Status: 400, Code: "Throttling", Message: "Rate exceeded"}},
	} {
		t.Run(name, func(t *testing.T) {
			withTopics(t, []string{"NoStock"}, func(t *testing.T, s *sandbox.Sandbox) {
				n := notifierFor(t, s, "NoStock")
				mend := s.Fault(fault.Rule{Service: "sns", Effect: effect})
				if err := n.Start(t.Context()); err != nil {
					t.Fatalf("start fails though the configuration is right: %v", err)
				}
				ctx, stop := context.WithCancel(t.Context())
				ended := make(chan error)
				go func() { ended <- n.Run(ctx) }()
				time.Sleep(10 * time.Minute)
				if err := n.Ready(); err == nil || !strings.Contains(err.Error(), "list topics") {
					t.Errorf("ready during the outage: %v", err)
				}
				var f *inventory.Failure
				if err := n.Handle(t.Context(), script(t, "dot:5>4 echo:5>0")); !errors.As(err, &f) || f.Index != 1 || f.Permanent {
					t.Errorf("an alert during the outage: %v, want a transient failure of change 1", err)
				}
				mend()
				time.Sleep(11 * time.Second)
				if err := n.Ready(); err != nil {
					t.Errorf("not ready after the outage: %v", err)
				}
				stop()
				if err := <-ended; err != nil {
					t.Errorf("run: %v", err)
				}
			})
		})
	}
}

func TestTopicFoundMissingAfterAnOutageEndsTheRun(t *testing.T) {
	withTopics(t, []string{"Other"}, func(t *testing.T, s *sandbox.Sandbox) {
		n := notifierFor(t, s, "NoStock")
		mend := s.Fault(fault.Rule{Service: "sns", Effect: fault.Unavailable})
		if err := n.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		mend()
		if err := n.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "there is no topic named") {
			t.Errorf("run: %v", err)
		}
	})
}

func TestATopicOfAnotherRegionStopsTheStart(t *testing.T) {
	withTopics(t, []string{"NoStock"}, func(t *testing.T, s *sandbox.Sandbox) {
		s.Fault(fault.Rule{Service: "sns", Effect: fault.Effect{Error: &fault.Error{Code: "InvalidParameter", Message: "Invalid parameter: TopicArn"}}})
		elsewhere := "arn:aws:sns:eu-west-1:123456789012:NoStock"
		err := notifierFor(t, s, elsewhere).Start(t.Context())
		want := "notifier.topic: SNS refuses " + elsewhere + " (Invalid parameter: TopicArn); give the ARN of a topic in the daemon's region (aws.region)"
		if err == nil || err.Error() != want {
			t.Errorf("error\n%v\nwant\n%s", err, want)
		}
	})
}

func TestWhoMayPublishNeedNotBeAllowedToLook(t *testing.T) {
	withTopics(t, []string{"NoStock"}, func(t *testing.T, s *sandbox.Sandbox) {
		s.Fault(fault.Rule{Service: "sns", Operation: "GetTopicAttributes", Effect: fault.Effect{Error: &fault.Error{Status: 403, Code: "AuthorizationError", Message: "not authorized"}}})
		n := notifierFor(t, s, topics.ARN("NoStock"))
		if err := n.Start(t.Context()); err != nil || !n.Status().Resolved {
			t.Errorf("start: %v, resolved %v", err, n.Status().Resolved)
		}
	})
}
