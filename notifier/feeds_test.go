package notifier

import (
	"testing"
	"time"

	"inventoryd/internal/sandbox/fault"
)

// That a feed is late and that it has come are told in this order, and neither where it came before anybody heard.
func TestAFeedThatHasComeIsNotToldToBeLate(t *testing.T) {
	const late, came = "The feed a.csv is late.", "The feed a.csv has come."
	for _, test := range []struct {
		name   string
		outage fault.Effect // of SNS, from before it was late
		heal   string       // before it is late, before it comes, after it came
		want   []string     // in their order
	}{
		{"as it should be", fault.Unavailable, "before", []string{late, came}},
		{"it comes during an outage", fault.Unavailable, "after", nil},
		{"it comes after an outage", fault.Unavailable, "between", []string{late, came}},
		{"it comes, and people may have heard that it was late", fault.Effect{Reset: true}, "after", []string{late, came}},
	} {
		t.Run(test.name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				n := w.repeatable("a", func(*Config) {})
				stop := w.run(n)
				heal := w.Fault(fault.Rule{Operation: "Publish", Effect: test.outage})
				say := func(kind string) {
					t.Helper()
					if err := n.Tell(t.Context(), FeedEvent{Kind: kind, Feed: "a.csv", ID: "noon", At: w.Clock.Now()}); err != nil {
						t.Fatal(err)
					}
					time.Sleep(20 * time.Minute)
				}
				if test.heal == "before" {
					heal()
				}
				say(feedLate)
				if test.heal == "between" {
					heal()
					time.Sleep(20 * time.Minute)
				}
				say(feedCame)
				stop() // another teller finds both in the index at once
				heal()
				w.run(w.repeatable("b", func(*Config) {}))
				time.Sleep(20 * time.Minute)
				var got []string
				for _, n := range w.inbox() {
					got = append(got, n.Message)
				}
				if len(got) != len(test.want) {
					t.Fatalf("%q was heard, want %q", got, test.want)
				}
				for i := range got {
					if got[i] != test.want[i] {
						t.Errorf("%q was heard, want %q", got, test.want)
					}
				}
				if due, err := w.book().Feeds(t.Context()); err != nil || len(due) > 0 {
					t.Errorf("left %+v, %v", due, err)
				}
				if v, found := w.audited(Rules{}); len(found) > 0 {
					t.Errorf("%+v", v.Findings)
				}
			})
		})
	}
}
