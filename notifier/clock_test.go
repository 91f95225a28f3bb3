package notifier

import (
	"fmt"
	"testing"
	"time"
)

// No clock of a machine decides anything: sixteen alerts, a cooldown, a reminder, a restock and a comparison are the same
// where the machine is a day ahead of the services, or behind.
func TestADaemonWhoseClockIsADayOffTellsTheSame(t *testing.T) {
	for _, ahead := range []time.Duration{24 * time.Hour, -24 * time.Hour} { // of the services before the machine
		inWorldAhead(t, ahead, func(t *testing.T, w *world) {
			rules := Rules{Restocked: true, Cooldown: time.Hour, Remind: 6 * time.Hour}
			n, _ := w.running("a", func(c *Config) { c.Rules, c.GroupInterval = rules, 0 })
			words := ""
			for i := range 16 {
				words += fmt.Sprintf(" S%d/i%02d:5>0", i/4, i)
			}
			w.happen(n, words)
			time.Sleep(time.Minute)
			if got := w.inbox(); len(got) != 4 {
				t.Errorf("%v: %d messages of 4 stores", ahead, len(got))
			}
			for i := range 16 {
				row, _ := w.item(fmt.Sprint("S", i/4), fmt.Sprintf("i%02d", i))
				if lag := w.Clock.Now().Sub(row.Told.V); lag < 0 || lag > time.Hour {
					t.Errorf("%v: i%02d was told %v ago", ahead, i, lag)
				}
			}
			later := w.script("x:1>2 x:1>2 x:1>2 x:1>2 x:1>2 x:1>2 x:1>2 x:1>2 x:1>2 x:1>2 x:1>2 x:1>2 x:1>2 x:1>2 x:1>2 x:1>2 S0/i00:0>5 S0/i01:0>5 S0/i01:5>0")
			w.store(later)
			w.handle(n, later[:18])
			time.Sleep(2 * time.Second)
			w.handle(n, later[18:])
			w.wantTold("S0 has i00 in stock again")
			w.store(w.script("S9/unseen:5>0"))
			if err := n.RequestResync(t.Context()); err != nil {
				t.Fatal(err)
			}
			w.wantTold("S9 is out of stock of unseen")
			time.Sleep(50 * time.Minute)
			w.wantTold()
			time.Sleep(15 * time.Minute) // the cooldown is over
			w.wantTold("S0 is out of stock of i01")
			time.Sleep(5 * time.Hour)
			if got := len(w.inbox()); got < 4 || got > 6 {
				t.Errorf("%v: %d messages remind of 5 stores", ahead, got)
			}
			if v, found := w.audited(rules); len(found) > 0 {
				t.Errorf("%v: the audit finds %+v", ahead, v.Findings)
			}
		})
	}
}
