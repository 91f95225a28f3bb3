package notifier

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sns/types"
	"github.com/google/go-cmp/cmp"

	"inventoryd/internal/inventory"
	"inventoryd/internal/sandbox/fault"
)

func TestOnlyWhatSNSSaysOfTheContentIsPermanent(t *testing.T) {
	for _, test := range []struct {
		code, message string
		permanent     bool
	}{
		{"InvalidParameter", "Invalid parameter: Message too long", true},
		{"InvalidParameter", "Invalid parameter: Subject", true},
		{"ParameterValueInvalid", "The message attribute 'item' is invalid.", true},
		{"BatchRequestTooLong", "The length of all the batch messages put together is more than the limit.", true},
		{"InvalidParameter", "Invalid parameter: TopicArn", false},
		{"NotFound", "Topic does not exist", false},
		{"AuthorizationError", "User is not authorized", false},
		{"InvalidSecurity", "The credential signature isn't valid", false},
		{"KMSAccessDenied", "The ciphertext references a key that isn't accessible", false},
		{"KMSDisabled", "The request was rejected because the key isn't enabled", false},
		{"KMSNotFound", "The key can't be found", false},
		{"KMSThrottling", "The request was denied due to request throttling", false},
		{"Throttled", "The rate at which requests have been submitted exceeds the limit", false},
		{"InternalError", "An internal service error", false},
		{"SomethingNew", "Nobody knows", false},
	} {
		t.Run(test.code, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				n := w.instance("a", nil)
				w.Fault(fault.Rule{Operation: "PublishBatch", Effect: fault.Effect{Error: &fault.Error{Code: test.code, Message: test.message}}})
				var f *inventory.Failure
				if err := n.Handle(t.Context(), w.script("echo:5>0")); !errors.As(err, &f) || f.Permanent != test.permanent {
					t.Errorf("the call refused: %v, want permanent %v", err, test.permanent)
				}
			})
			entry := types.BatchResultErrorEntry{Code: &test.code, Message: &test.message, SenderFault: true}
			if got := isRefusal(entryError(entry)); got != test.permanent {
				t.Errorf("the entry refused: permanent %v, want %v", got, test.permanent)
			}
			entry.SenderFault = false
			if isRefusal(entryError(entry)) {
				t.Error("a failure of SNS itself is taken for the message's")
			}
		})
	}
}

func TestAMessageWithoutAnAnswerIsNotTakenForSent(t *testing.T) {
	n := idle(t)
	steps := alerts("a b c", 1)
	n.noteAnswers(steps, &sns.PublishBatchOutput{
		Successful: []types.PublishBatchResultEntry{{Id: aws.String("0"), MessageId: aws.String("m0")}, {Id: aws.String("7")}, {Id: aws.String("x")}, {}},
		Failed:     []types.BatchResultErrorEntry{{Id: aws.String("2"), Code: aws.String("InternalError")}},
	})
	if s := steps[0]; s.err != nil || s.messageID != "m0" {
		t.Errorf("the first: %q, %v", s.messageID, s.err)
	}
	for _, s := range steps[1:] {
		if s.err == nil || isRefusal(s.err) {
			t.Errorf("change %d: %v, want a transient error", s.first, s.err)
		}
	}
}

func TestOfACallThatIsRefusedAsAWholeOnlyTheOneToBlameFails(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		n := w.instance("a", nil)
		w.Fault(fault.Rule{
			Operation: "PublishBatch", Match: func(c fault.Call) bool { return bytes.Contains(c.Body, []byte("item003")) },
			Effect: fault.Effect{Error: &fault.Error{Code: "InvalidParameter", Message: "Invalid parameter: Message"}},
		})
		changes := w.script(zeros(10))
		var f *inventory.Failure
		if err := n.Handle(t.Context(), changes); !errors.As(err, &f) || f.Index != 3 || !f.Permanent {
			t.Errorf("error %v, want a permanent failure of change 3", err)
		}
		w.handle(n, changes[4:])
		if got := len(w.inbox()); got != 9 {
			t.Errorf("%d alerts, want 9", got)
		}
		w.wantRow("item003", "")
		w.wantRow("item009", "out@10")
	})
}

func TestARefusedAlertIsBlamedOnItsOwnChange(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		n := w.instance("a", func(c *Config) {
			c.Message = `{{if eq .Item "huge"}}` + strings.Repeat("x", 300_000) + `{{else}}{{.Item}} is out{{end}}`
		})
		changes := w.script("huge:0>5 tap:5>0 huge:5>0")
		var f *inventory.Failure
		if err := n.Handle(t.Context(), changes); !errors.As(err, &f) || f.Index != 2 || !f.Permanent {
			t.Errorf("error %.200v, want a permanent failure of change 2", err)
		}
	})
}

func TestOneBatchMayFailInPartForSNSsFaultAndInPartForOurs(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		n := w.instance("a", nil)
		entries := &failingTopics{Topics: n.clients.SNS, fail: map[string]int{"item003": 2, "item007": 2}, refuse: "item005"}
		n.clients.SNS = entries
		changes := w.script(zeros(10))
		var diverted []string
		for len(changes) > 0 { // as the reader does
			var f *inventory.Failure
			if err := n.Handle(t.Context(), changes); err == nil {
				break
			} else if !errors.As(err, &f) {
				t.Fatal(err)
			}
			if changes = changes[f.Index:]; f.Permanent {
				diverted, changes = append(diverted, changes[0].Item), changes[1:]
			}
		}
		if lost, repeated := w.count(10); lost != 1 || repeated != 0 {
			t.Errorf("%d lost, %d repeated, want only item005 lost", lost, repeated)
		}
		if diff := cmp.Diff([]string{"item005"}, diverted); diff != "" {
			t.Errorf("refused for good (-want +got):\n%s", diff)
		}
		w.wantRow("item005", "")
		w.wantRow("item009", "out@10")
	})
}
