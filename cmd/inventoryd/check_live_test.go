package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"inventoryd/internal/sandbox"
)

// liveCheck sends a canary through the daemon of the bubble as one that may do nothing but what iam-policy --for live says.
func (w *world) liveCheck(t *testing.T, publish bool) []finding {
	t.Helper()
	gate, _ := granted(t, defaults(), "live", both)
	w.aws.Enforce("doctor", gate)
	base := w.aws.Config("doctor")
	d := &doctor{cfg: defaults(), clients: newClients(base, AWS{}), who: identity(base, AWS{}), base: base, buckets: []string{sandbox.Bucket}}
	d.examine(t.Context())
	d.sendCanary(t.Context(), publish)
	for _, d := range gate.Denied() {
		t.Error("denied:", d)
	}
	for _, u := range gate.Unused() { // what check takes is tested with it
		if w.only == both && !publish && strings.Contains(u, "Canary") {
			t.Error("granted, and never needed:", u)
		}
	}
	return d.findings
}

// hops are what is said of the canary.
func hops(findings []finding) (all string) {
	for _, f := range findings {
		if f.Check == "live" {
			all += fmt.Sprintf("%s: %s\n", f.Verdict, f.Found)
		}
	}
	return all
}

func TestTheCanaryIsTimedAtEachHopTellsNobodyAndLeavesNothing(t *testing.T) {
	for publish, told := range map[bool]int{false: 0, true: 1} {
		t.Run(fmt.Sprint("publish ", publish), func(t *testing.T) {
			inBubble(t, nil, func(t *testing.T, w *world) {
				time.Sleep(time.Minute)
				findings := w.liveCheck(t, publish)
				t.Log(hops(findings))
				for _, hop := range []string{"upload", "row", "due", "told"} {
					if !strings.Contains(hops(findings), "pass: "+hop+" after ") {
						t.Errorf("nothing is said of %s: %s", hop, hops(findings))
					}
				}
				time.Sleep(time.Minute)
				inbox := map[string]int{}
				if w.inbox(t, inbox); len(inbox) != told {
					t.Errorf("people were told %v", inbox)
				}
				w.nothingIsLeft(t, publish)
			})
		})
	}
}

// nothingIsLeft fails the test where a canary's object or rows are found; the history of one that was published is kept.
func (w *world) nothingIsLeft(t *testing.T, published bool) {
	t.Helper()
	out, err := w.S3.ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: aws.String(sandbox.Bucket)})
	if err != nil || len(out.Contents) > 0 {
		t.Error(err, len(out.Contents), "objects are left")
	}
	for _, table := range []string{sandbox.Table, "inventoryd-state"} {
		rows, err := w.Tables.Scan(t.Context(), &dynamodb.ScanInput{TableName: &table})
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range rows.Items {
			if text := asJSON(t, row); strings.Contains(text, "inventoryd-check") && !(published && strings.Contains(text, "#alerts#")) {
				t.Errorf("a row is left in %s: %s", table, text)
			}
		}
	}
}

func TestACanaryThatDoesNotArriveNamesTheHop(t *testing.T) {
	for only, want := range map[half]string{onlyLoader: "failure: the canary did not get from the hop before to due", onlyNotifier: "failure: the canary did not get from the hop before to row"} {
		t.Run(string(only), func(t *testing.T) {
			inPreparedBubble(t, func(_ *testing.T, w *world) { w.only = only }, nil, func(t *testing.T, w *world) {
				time.Sleep(time.Minute)
				findings := w.liveCheck(t, false)
				if !strings.Contains(hops(findings), want) {
					t.Error(hops(findings))
				}
				if only == onlyLoader {
					time.Sleep(time.Minute)
					w.nothingIsLeft(t, false)
				}
			})
		})
	}
}

func asJSON(t *testing.T, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
