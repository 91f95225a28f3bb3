package notifier

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"inventoryd/internal/sandbox/fault"
)

// The stream is off: ten items run out and five told ones are restocked; a comparison finds exactly that.
func TestAComparisonTellsWhatNoRecordToldAndClosesWhatIsBack(t *testing.T) {
	for _, crash := range []bool{false, true} {
		t.Run(fmt.Sprintf("crash %v", crash), func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				n, stop := w.running("a", func(c *Config) { c.Restocked = true })
				var words []string
				for i := range 5 {
					words = append(words, fmt.Sprintf("told%d:5>0", i))
				}
				w.happen(n, strings.Join(words, " "))
				time.Sleep(10 * time.Second)
				if got := w.inbox(); len(got) != 1 {
					t.Fatalf("%d messages before the gap", len(got))
				}
				var unseen []string
				for i := range 5 {
					unseen = append(unseen, fmt.Sprintf("told%d:0>5", i))
				}
				for i := range 10 {
					unseen = append(unseen, fmt.Sprintf("Bonn/new%d:5>0", i), fmt.Sprintf("Bonn/fine%d:5>4", i))
				}
				w.store(w.script(strings.Join(unseen, " "))) // and no record of it
				if err := n.RequestResync(t.Context()); err != nil {
					t.Fatal(err)
				}
				tellers := []*Notifier{n} // the first may have begun
				if crash {
					stop()
					n, _ = w.running("b", func(c *Config) { c.Restocked = true })
					tellers = append(tellers, n)
				}
				time.Sleep(2 * time.Minute)
				var lines []string
				for i := range 10 {
					lines = append(lines, fmt.Sprintf("Bonn is out of stock of new%d", i))
				}
				w.wantTold("Berlin has told0 in stock again | Berlin has told1 in stock again | Berlin has told2 in stock again | "+
					"Berlin has told3 in stock again | Berlin has told4 in stock again", strings.Join(lines, " | "))
				out, err := w.book().Out(t.Context())
				if err != nil || len(out) != 10 {
					t.Errorf("%v, %d rows say out, want 10", err, len(out))
				}
				ids := map[string]bool{}
				for _, o := range out {
					ids[o.EventID] = true
				}
				if len(ids) != 10 {
					t.Errorf("10 shortages have %d ids: a receiver that drops repetitions would drop some of them", len(ids))
				}
				var found, closed int64
				for _, n := range tellers {
					found, closed = found+n.meters.scanTold.sum.Load(), closed+n.meters.scanClosed.sum.Load()
				}
				if found != 10 || closed != 5 {
					t.Errorf("%d found, %d closed", found, closed)
				}
				r, err := w.book().Resync(t.Context())
				if err != nil || r.Answered != r.Requested || r.Scan != nil {
					t.Errorf("%v %+v", err, r)
				}
			})
		})
	}
}

func TestRecordsFromBeforeAComparisonChangeNothingOfWhatItMadeTrue(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		n, _ := w.running("a", nil)
		late := w.script("echo:5>0")
		w.store(late)
		time.Sleep(10 * time.Second)
		if err := n.RequestResync(t.Context()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(20 * time.Second)
		w.wantTold("Berlin is out of stock of echo")
		w.handle(n, late) // the stream lagged
		time.Sleep(2 * time.Minute)
		w.wantTold()
	})
}

func TestAChangedThresholdIsComparedWithTheTable(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		n, _ := w.running("a", nil)
		w.store(w.script("echo:5>2 dot:5>9"))
		time.Sleep(time.Minute)
		w.wantTold()
		c := n.config
		c.Threshold = 3
		n.Apply(c)
		time.Sleep(20 * time.Second)
		w.wantTold("Berlin is low on echo")
		c.Threshold = 1
		n.Apply(c)
		time.Sleep(time.Minute)
		w.wantTold()
		if out, err := w.book().Out(t.Context()); err != nil || len(out) != 0 {
			t.Errorf("%v %+v", err, out)
		}
	})
}

func TestTheFirstStartComparesOnlyWhereWished(t *testing.T) {
	for _, wished := range []bool{false, true} {
		inWorld(t, func(t *testing.T, w *world) {
			w.store(w.script("echo:5>0"))
			w.running("a", func(c *Config) { c.ScanAtStart = wished })
			time.Sleep(time.Minute)
			if wished {
				w.wantTold("Berlin is out of stock of echo")
				return
			}
			w.wantTold()
		})
	}
}

func TestAComparisonThatIsInterruptedGoesOn(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		n, _ := w.running("a", nil)
		w.store(w.script("echo:5>0 Bonn/dot:5>0"))
		heal := w.Fault(fault.Rule{Operation: "Scan", Effect: fault.Unavailable})
		if err := n.RequestResync(t.Context()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Minute)
		heal()
		time.Sleep(time.Minute)
		w.wantTold("Berlin is out of stock of echo", "Bonn is out of stock of dot")
	})
}
