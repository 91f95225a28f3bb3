package notifier

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"inventoryd/internal/inventory"
	"inventoryd/internal/sandbox"
	"inventoryd/internal/sandbox/fault"
	"inventoryd/internal/state"
)

// story is a random course of events: changes of a few items, and a reader that delivers them in batches to instances
// that fail, die, and get again what they or others have had.
type story struct {
	rules   Rules
	oldless bool // the stream carries no old images
	changes []inventory.Change
	acts    []act
}

// act is one delivery: a batch from the reader's place, after going back a little; what is to go wrong; a new instance
// where the one before has died.
type act struct {
	back, size int
	operation  string
	skip       int
	effect     fault.Effect
	dies       bool
}

var operations = []string{"BatchGetItem", "PublishBatch", "BatchWriteItem", "PutItem"}

func drawStory(t *rapid.T) story {
	s := story{
		rules: Rules{
			Threshold:   rapid.Int64Range(0, 1).Draw(t, "threshold"),
			Restocked:   rapid.Bool().Draw(t, "restocked"),
			Cooldown:    time.Duration(rapid.SampledFrom([]int{0, 0, 4}).Draw(t, "cooldown")) * time.Second,
			VerifyAfter: 24 * time.Hour,
		},
		oldless: rapid.Bool().Draw(t, "oldless"),
	}
	items := map[inventory.Key]*inventory.Item{}
	now := begin
	for i := range rapid.IntRange(1, 80).Draw(t, "changes") {
		n := rapid.IntRange(0, 14).Draw(t, "item")
		k := inventory.Key{Store: fmt.Sprintf("store%d", n%2), Item: fmt.Sprintf("item%d", n)}
		c := inventory.Change{Key: k, Old: items[k], ID: fmt.Sprintf("e%d", i), Position: at(i + 1), Created: now}
		switch count := rapid.SampledFrom([]int64{0, 0, 1, 5, -1}).Draw(t, "count"); {
		case count >= 0:
			c.New = &inventory.Item{Key: k, Count: count}
		case rapid.Bool().Draw(t, "unusable"):
			c.Invalid, c.New, c.Old = errors.New("no number"), nil, nil
			s.changes = append(s.changes, c)
			continue
		}
		items[k] = c.New
		if s.oldless && c.Old != nil {
			c.Old, c.OldUnknown = nil, true
		}
		s.changes = append(s.changes, c)
		now = now.Add(time.Duration(rapid.IntRange(0, 2).Draw(t, "seconds")) * time.Second)
	}
	for range rapid.IntRange(1, 20).Draw(t, "acts") {
		a := act{back: rapid.IntRange(0, 10).Draw(t, "back"), size: rapid.IntRange(1, 40).Draw(t, "size")}
		if rapid.Bool().Draw(t, "fault") {
			a.operation = rapid.SampledFrom(operations).Draw(t, "operation")
			a.skip = rapid.IntRange(0, 3).Draw(t, "skip")
			a.effect = rapid.SampledFrom([]fault.Effect{{Reset: true}, {Drop: true}, fault.Unavailable, fault.AccessDeniedJSON}).Draw(t, "effect")
			a.dies = rapid.Bool().Draw(t, "dies")
		}
		s.acts = append(s.acts, a)
	}
	return s
}

// due is the simple model: what is to be told when each change comes once, in order, and nothing fails.
func (s story) due() map[string]bool {
	type known struct {
		out, told bool
		alerted   time.Time
	}
	due := map[string]bool{}
	items := map[inventory.Key]*known{}
	for _, c := range s.changes {
		if c.Invalid != nil {
			continue
		}
		k := items[c.Key]
		if k == nil {
			k = &known{told: true}
			items[c.Key] = k
		}
		out := c.New != nil && c.New.Count <= s.rules.Threshold
		switch {
		case out && !k.out:
			k.told = k.alerted.IsZero() || c.Created.Sub(k.alerted) >= s.rules.Cooldown
			if k.told {
				k.alerted = c.Created
				due[c.ID] = true
			}
		case !out && k.out && c.New != nil && s.rules.Restocked && k.told:
			due[c.ID] = true
		}
		k.out = out
	}
	return due
}

// told plays the story and returns the event ids in the order in which the subscriber got them, and how many times an
// answer of SNS was lost or an instance died.
func (s story) told(t *testing.T) (ids []string, accidents int, err error) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{T: t, Sandbox: sandbox.New()}
		if err = w.Provision(t.Context()); err != nil {
			return
		}
		if _, err = state.Ensure(t.Context(), w.tables("test"), stateTable); err != nil {
			return
		}
		time.Sleep(time.Until(begin))
		accidents, err = s.play(w)
		for _, n := range w.inbox() {
			var body struct{ ID string }
			if err := json.Unmarshal([]byte(n.Message), &body); err != nil {
				t.Error(err)
			}
			ids = append(ids, body.ID)
		}
	})
	return ids, accidents, err
}

func (s story) settings(c *Config) { c.Rules, c.Format, c.InFlight = s.rules, FormatJSON, 1 }

func (s story) play(w *world) (accidents int, err error) {
	place, number := 0, 0
	client := func() string { return fmt.Sprintf("instance%d", number) }
	n := w.instance(client(), s.settings)
	for _, a := range s.acts {
		place = max(0, place-a.back)
		batch := s.changes[place:min(len(s.changes), place+a.size)]
		ctx, die := context.WithCancel(w.Context())
		hit := false
		mend := func() {}
		if a.operation != "" {
			victim := client()
			a.effect.Do = sync.OnceFunc(func() {
				hit = true
				if a.dies {
					w.cut(victim)
					die()
				}
			})
			mend = w.Fault(fault.Rule{Client: victim, Operation: a.operation, Skip: a.skip, Times: 1, Effect: a.effect})
		}
		err := n.Handle(ctx, batch)
		mend()
		die()
		var f *inventory.Failure
		switch {
		case err == nil:
			place += len(batch)
		case errors.As(err, &f) && !f.Permanent:
			place += f.Index
		default:
			return accidents, err
		}
		if hit && (a.dies || a.operation == "PublishBatch" && a.effect.Drop) {
			accidents++
		}
		if hit && a.dies {
			number++
			n = w.instance(client(), s.settings)
		}
		time.Sleep(time.Second)
	}
	w.persist(n, s.changes[place:])
	return accidents, nil
}

// TestAnyCourseOfEventsLosesNothingAndRepeatsOnlyWhatWasInFlight holds random stories against the model.
func TestAnyCourseOfEventsLosesNothingAndRepeatsOnlyWhatWasInFlight(t *testing.T) {
	stories, told, repeated, accidents := 0, 0, 0, 0
	rapid.Check(t, func(rt *rapid.T) {
		s := drawStory(rt)
		ids, bad, err := s.told(t)
		if err != nil {
			rt.Fatal(err)
		}
		again, err := s.judge(ids, bad)
		if err != nil {
			rt.Fatal(err)
		}
		stories, told, repeated, accidents = stories+1, told+len(ids), repeated+again, accidents+bad
	})
	t.Logf("%d stories with %d accidents: %d alerts told, 0 lost, %d repeated", stories, accidents, told, repeated)
}

// judge compares what was told with the model.
func (s story) judge(ids []string, accidents int) (repeated int, err error) {
	due := s.due()
	times := map[string]int{}
	items := map[string]inventory.Key{}
	for _, c := range s.changes {
		items[c.ID] = c.Key
	}
	latest := map[inventory.Key]int{}
	for _, id := range ids {
		if !due[id] {
			return 0, fmt.Errorf("%s was told and is not due", id)
		}
		var number int
		fmt.Sscanf(id, "e%d", &number)
		if times[id]++; times[id] > 1 {
			repeated++
		} else if k := items[id]; number < latest[k] {
			return 0, fmt.Errorf("%s was told first after a later alert of its item", id)
		} else {
			latest[k] = number
		}
	}
	for id := range due {
		if times[id] == 0 {
			return 0, fmt.Errorf("%s was lost", id)
		}
	}
	if limit := accidents * maxEntries; repeated > limit {
		return 0, fmt.Errorf("%d alerts repeated after %d accidents", repeated, accidents)
	}
	return repeated, nil
}
