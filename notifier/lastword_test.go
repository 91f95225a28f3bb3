package notifier

import (
	"testing"
	"time"

	"inventoryd/internal/inventory"
	"inventoryd/internal/sandbox/fault"
)

// Each time that the teller looks, the table says the opposite of the record that has just come: the shortage in the middle
// is told to nobody, and its end is told all the same, because people still take the item for out.
func TestTheLastWordIsTrueAfterAFlapThatTheTellerSaw(t *testing.T) {
	for _, test := range []struct {
		name, flap string
		table      []int // how many of the changes the table has when each is handled
		told       string
	}{
		{"counts", "x:1>2 echo:0>5 echo:5>0 echo:0>5", []int{1, 3, 4, 4}, "Berlin has echo in stock again"},
		{"no number in between", "x:1>2 echo:0>5 echo:5>0 echo:0>x echo:x>5", []int{1, 3, 5, 5, 5}, "Berlin has echo in stock again"},
		{"removed in the end", "x:1>2 echo:0>5 echo:5>0 echo:0>-", []int{1, 3, 4, 4}, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				n, _ := w.running("a", func(c *Config) { c.Restocked, c.GroupInterval = true, 0 })
				w.happen(n, "echo:5>0")
				w.wantTold("Berlin is out of stock of echo")
				changes := w.script(test.flap)
				for i, c := range changes {
					w.store(changes[:test.table[i]])
					w.handle(n, []inventory.Change{c})
					time.Sleep(10 * time.Second)
				}
				if test.told == "" {
					w.wantTold()
					return
				}
				w.wantTold(test.told)
			})
		})
	}
}

// A comparison sees that an item is back before its record comes, which then changes nothing.
func TestARestockThatAComparisonFindsIsTold(t *testing.T) {
	for _, late := range []bool{false, true} {
		inWorld(t, func(t *testing.T, w *world) {
			n, _ := w.running("a", func(c *Config) { c.Restocked, c.GroupInterval = true, 0 })
			w.happen(n, "echo:5>0 tap:5>0 gone:5>0")
			w.wantTold("Berlin is out of stock of echo | Berlin is out of stock of gone | Berlin is out of stock of tap")
			back := w.script("x:1>2 x:1>2 x:1>2 echo:0>5 gone:0>-")
			w.store(back)
			time.Sleep(10 * time.Second)
			if err := n.RequestResync(t.Context()); err != nil {
				t.Fatal(err)
			}
			time.Sleep(20 * time.Second)
			w.wantTold("Berlin has echo in stock again")
			if late {
				w.handle(n, back)
			}
			time.Sleep(time.Minute)
			w.wantTold()
			if v, found := w.audited(Rules{Restocked: true}); len(found) > 0 {
				t.Errorf("%+v", v.Findings)
			}
		})
	}
}

// SNS takes a message, and its answers are lost until the message is taken back: people know, and hear that it is over.
func TestWhatSNSTookWithoutAnAnswerIsRevokedToo(t *testing.T) {
	for _, test := range []struct {
		name string
		then fault.Effect // what SNS answers after the answer that was lost
		over string       // what happens to the item meanwhile
		told []string
	}{
		{"and then nothing", fault.Effect{Reset: true}, "echo:0>5", []string{"Berlin has echo in stock again"}},
		{"and then a refusal", fault.Throttled, "echo:0>5", []string{"Berlin has echo in stock again"}},
		{"and it is still out", fault.Effect{Reset: true}, "x:1>2", []string{"Berlin is out of stock of echo"}},
		{"and it is gone", fault.Throttled, "echo:0>-", nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				n := w.repeatable("a", func(c *Config) { c.Restocked, c.GroupInterval = true, 0 })
				w.run(n)
				w.Fault(fault.Rule{Operation: "Publish", Times: 1, Effect: fault.Effect{Drop: true}})
				heal := w.Fault(fault.Rule{Operation: "Publish", Effect: test.then})
				w.happen(n, "echo:5>0")
				w.wantTold("Berlin is out of stock of echo")
				w.happen(n, "x:1>2 "+test.over)
				time.Sleep(12 * time.Minute)
				heal()
				time.Sleep(6 * time.Minute)
				w.wantTold(test.told...)
				if v, found := w.audited(Rules{Restocked: true}); len(found) > 0 {
					t.Errorf("%+v", v.Findings)
				}
			})
		})
	}
}

// The SDK repeats a call whose answer was lost, and what it returns is the refusal of the last.
func TestAnAnswerThatWasLostIsNotForgottenInTheSDKsRetries(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		n, _ := w.running("a", func(c *Config) { c.Restocked, c.GroupInterval = true, 0 })
		w.Fault(fault.Rule{Operation: "Publish", Times: 1, Effect: fault.Effect{Drop: true}})
		heal := w.Fault(fault.Rule{Operation: "Publish", Effect: fault.AccessDenied})
		w.happen(n, "echo:5>0")
		time.Sleep(5 * time.Second)
		w.happen(n, "x:1>2 echo:0>5")
		time.Sleep(time.Minute)
		heal()
		time.Sleep(10 * time.Minute)
		w.wantTold("Berlin has echo in stock again", "Berlin is out of stock of echo")
	})
}

// Where SNS said that it took nothing, nobody hears of the end of what nobody heard of.
func TestAnOutageThatSNSAnsweredLeavesNoRestockToTell(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		n, _ := w.running("a", func(c *Config) { c.Restocked, c.GroupInterval = true, 0 })
		heal := w.Fault(fault.Rule{Operation: "Publish", Effect: fault.Unavailable})
		w.happen(n, "echo:5>0")
		time.Sleep(12 * time.Minute)
		w.happen(n, "x:1>2 echo:0>5")
		time.Sleep(time.Minute)
		heal()
		time.Sleep(10 * time.Minute)
		w.wantTold()
	})
}

// A message is on its way, and perhaps out, while a comparison sees that the item is back.
func TestARestockIsToldThoughAComparisonFoundItWhileTheShortageWasBeingTold(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		n := w.repeatable("a", func(c *Config) { c.Restocked, c.GroupInterval = true, 0 })
		w.run(n)
		w.Fault(fault.Rule{Operation: "Publish", Times: 1, Effect: fault.Unavailable})
		w.happen(n, "echo:5>0")
		time.Sleep(3 * time.Second) // the next attempt is in ten
		back := w.script("x:1>2 echo:0>5")
		w.store(back)
		time.Sleep(2 * time.Second)
		if err := n.RequestResync(t.Context()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(3 * time.Second)
		w.handle(n, back) // too late to matter
		time.Sleep(time.Minute)
		w.wantTold("Berlin has echo in stock again", "Berlin is out of stock of echo")
	})
}

// SNS is so slow that the last of some messages has its turn minutes after it was written down.
func TestAMessageThatWaitedForMinutesIsLookedAtAnew(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		n := w.repeatable("a", func(c *Config) { c.GroupItems, c.GroupInterval = 1, 0 })
		w.run(n)
		w.Fault(fault.Rule{Operation: "Publish", Effect: fault.Effect{Delay: 2 * time.Minute}})
		w.happen(n, "a:5>0 b:5>0 c:5>0 d:5>0")
		time.Sleep(time.Minute)
		w.happen(n, "x:1>2 x:1>2 x:1>2 x:1>2 d:0>5")
		time.Sleep(20 * time.Minute)
		w.wantTold("Berlin is out of stock of a", "Berlin is out of stock of b", "Berlin is out of stock of c")
	})
}
