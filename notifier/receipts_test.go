package notifier

import (
	"testing"
	"time"

	"inventoryd/internal/inventory"
	"inventoryd/internal/sandbox/fault"
)

func TestRowsOwedBoundWhatIsPublished(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		n := w.instance("a", nil)
		mend := w.Fault(fault.Rule{Operation: "PutItem", Effect: fault.AccessDeniedJSON})
		shards := make([][]inventory.Change, 8)
		for i := range shards {
			shards[i] = ofShard(i, w.script(zeros(30)))
		}
		for range 5 {
			for _, changes := range shards {
				if err := n.Handle(t.Context(), changes); err == nil {
					t.Error("handled though no row can be written")
				}
			}
		}
		if got := len(w.inbox()); got != 40 {
			t.Errorf("%d alerts published while no row can be written, want 40", got)
		}
		mend()
		for _, changes := range shards {
			w.persist(n, changes)
		}
		if got := len(w.inbox()); got != 200 {
			t.Errorf("%d more alerts after that, want 200", got)
		}
	})
}

func TestReceiptsOfAShardThatIsGoneBlockNobodyForLong(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		n := w.instance("a", nil)
		mend := w.Fault(fault.Rule{Operation: "PutItem", Effect: fault.AccessDeniedJSON})
		if err := n.Handle(t.Context(), w.script(zeros(60))); err == nil {
			t.Fatal("handled though no row can be written")
		}
		mend()
		w.inbox()
		time.Sleep(receiptKept + time.Second)
		w.handle(n, ofShard(1, w.script("echo:5>0")))
		w.wantTold("Shard1 is out of stock of echo")
	})
}

func TestReceiptsOfRowsThatAreFoundWrittenHoldNobodyUp(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		n := w.instance("a", nil)
		mend := w.Fault(fault.Rule{Operation: "PutItem", Effect: fault.Effect{Drop: true}})
		changes := w.script(zeros(60))
		if err := n.Handle(t.Context(), changes); err == nil {
			t.Fatal("handled though no answer came")
		}
		mend()
		w.handle(n, changes) // at once: forty are written, though nobody heard of it
		if lost, repeated := w.count(60); lost+repeated > 0 {
			t.Errorf("%d lost, %d repeated", lost, repeated)
		}
	})
}

func TestWhatWasPublishedCountsAsToldHoweverLateItsRowIsWritten(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		n := w.instance("a", func(c *Config) { c.Restocked = true })
		mend := w.Fault(fault.Rule{Operation: "PutItem", Client: "a", Effect: fault.AccessDeniedJSON})
		changes := w.script("echo:5>0 echo:0>5")
		w.put("echo", 5)
		for range 10 { // longer than verify_after
			if err := n.Handle(t.Context(), changes); err == nil {
				t.Fatal("handled though no row can be written")
			}
			time.Sleep(time.Minute)
		}
		mend()
		w.handle(n, changes)
		w.wantTold("Berlin has echo in stock again", "Berlin is out of stock of echo")
		if got := n.Status(); got.Outdated != 0 || got.Published != 2 {
			t.Errorf("%d outdated, %d published, want 0 and 2", got.Outdated, got.Published)
		}
		if got := len(w.history(time.Now())); got != 2 {
			t.Errorf("%d rows of history, want 2", got)
		}
	})
}

func TestHoweverLongRowsCannotBeReadNothingIsRepeated(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		n := w.instance("a", func(c *Config) { c.VerifyAfter = time.Hour })
		mend := w.Fault(fault.Rule{Operation: "PutItem", Client: "a", Effect: fault.AccessDeniedJSON})
		first, second := ofShard(0, w.script(zeros(20))), ofShard(1, w.script(zeros(40)))
		for _, changes := range [][]inventory.Change{first, second} {
			if err := n.Handle(t.Context(), changes); err == nil {
				t.Fatal("handled though no row can be written")
			}
		}
		mend()
		mend = w.Fault(fault.Rule{Operation: "BatchGetItem", Client: "a", Effect: fault.AccessDeniedJSON})
		for range 40 {
			time.Sleep(30 * time.Second)
			for _, changes := range [][]inventory.Change{first, second} {
				if err := n.Handle(t.Context(), changes); err == nil {
					t.Fatal("handled though no row can be read")
				}
			}
		}
		mend()
		w.persist(n, second)
		w.persist(n, first)
		if got := len(w.inbox()); got != 60 {
			t.Errorf("%d messages, want 60", got)
		}
	})
}
