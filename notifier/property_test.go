package notifier

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"pgregory.net/rapid"

	"inventoryd/internal/inventory"
	"inventoryd/internal/sandbox/fault"
)

// story is a random course of events: counts that change, a reader that delivers the changes late, in batches cut
// anywhere and more than once, comparisons with the table, and tellers that are killed before and after each of their calls.
type story struct {
	rules Rules
	pace  Pace
	fifo  bool
	acts  []act
}

// act is one thing that happens; what is zero does not.
type act struct {
	item       int
	count      int64 // of item from now on; -1: it is removed, -2: no number; -3: nothing happens to it
	back, size int   // what the reader delivers, after going back
	wait       time.Duration
	resync     bool
	kill       string // the operation at which the teller dies
	skip       int
	after      bool // it dies after the call has taken effect
	second     bool // another teller takes over while this one goes on
}

var deadlyOperations = []string{"Publish", "TransactWriteItems", "UpdateItem", "BatchGetItem", "Query"}

func drawStory(t *rapid.T) story {
	s := story{
		rules: Rules{
			Restocked: rapid.Bool().Draw(t, "restocked"),
			Cooldown:  time.Duration(rapid.SampledFrom([]int{0, 0, 20}).Draw(t, "cooldown")) * time.Second,
		},
		pace: Pace{
			Rate: 50, GroupWait: time.Duration(rapid.IntRange(0, 2).Draw(t, "group_wait")) * time.Second,
			GroupInterval: time.Duration(rapid.IntRange(0, 5).Draw(t, "group_interval")) * time.Second,
			GroupItems:    rapid.SampledFrom([]int{0, 0, 1, 2}).Draw(t, "group_items"),
		},
		fifo: rapid.Bool().Draw(t, "fifo"),
	}
	for range rapid.IntRange(3, 25).Draw(t, "acts") {
		a := act{
			item:  rapid.IntRange(0, 5).Draw(t, "item"),
			count: rapid.SampledFrom([]int64{0, 0, 0, 5, 5, -1, -2, -3}).Draw(t, "count"),
			back:  rapid.IntRange(0, 4).Draw(t, "back"), size: rapid.IntRange(0, 8).Draw(t, "size"),
			wait:   time.Duration(rapid.IntRange(0, 4000).Draw(t, "wait")) * time.Millisecond,
			resync: rapid.IntRange(0, 9).Draw(t, "resync") == 0,
			second: rapid.IntRange(0, 9).Draw(t, "second") == 0,
		}
		if rapid.IntRange(0, 2).Draw(t, "killed") == 0 {
			a.kill = rapid.SampledFrom(deadlyOperations).Draw(t, "kill")
			a.skip, a.after = rapid.IntRange(0, 3).Draw(t, "skip"), rapid.Bool().Draw(t, "after")
		}
		s.acts = append(s.acts, a)
	}
	return s
}

func keyOfStory(item int) inventory.Key {
	return inventory.Key{Store: fmt.Sprintf("store%d", item%2), Item: fmt.Sprintf("item%d", item)}
}

// stage is where a story is played.
type stage struct {
	*world
	story
	changes   []inventory.Change
	now       map[inventory.Key]*inventory.Item // the table's usable items
	odd       map[inventory.Key]bool            // those without a usable count
	place     int
	number    int
	teller    *Notifier
	end       context.CancelFunc
	done      chan struct{}
	accidents atomic.Int64
}

// begin starts another teller, as another client.
func (s *stage) begin() {
	s.number++
	client := fmt.Sprintf("teller%d", s.number)
	s.teller = s.unstarted(client, func(c *Config) {
		c.Rules, c.Pace, c.Format = s.rules, s.pace, FormatJSON
		if s.fifo {
			c.Topic = topicARN("Story.fifo")
		} else {
			c.Topic = topicARN("Story")
		}
	})
	ctx, cancel := context.WithCancel(context.WithoutCancel(s.Context()))
	n, done := s.teller, make(chan struct{})
	s.end, s.done = cancel, done
	go func() {
		defer close(done)
		_ = n.Run(ctx) // one that is killed returns whatever it likes
	}()
}

// kill arranges that the teller dies at a call, before or after its effect.
func (s *stage) kill(a act) {
	victim, end := fmt.Sprintf("teller%d", s.number), s.end
	effect := fault.Effect{Reset: true}
	if a.after {
		effect = fault.Effect{Drop: true}
	}
	effect.Do = sync.OnceFunc(func() {
		s.Fault(fault.Rule{Client: victim, Effect: fault.Effect{Reset: true}})
		end()
		s.accidents.Add(1)
	})
	s.Fault(fault.Rule{Client: victim, Operation: a.kill, Skip: a.skip, Times: 1, Effect: effect})
}

// change makes the table what the act says, and a record of it.
func (s *stage) change(a act) {
	k := keyOfStory(a.item)
	old, wasOdd := s.now[k], s.odd[k]
	c := inventory.Change{Key: k, Old: old, OldUnknown: wasOdd, ID: fmt.Sprintf("e%d", len(s.changes)), Position: at(len(s.changes) + 1)}
	delete(s.odd, k)
	delete(s.now, k)
	switch a.count {
	case -1:
		if old == nil && !wasOdd {
			return // there is nothing to remove
		}
	case -2:
		c.Invalid = errors.New("no number")
		s.odd[k] = true
	default:
		c.New = &inventory.Item{Key: k, Count: a.count}
		s.now[k] = c.New
	}
	c.Created = time.Now().Truncate(time.Second)
	s.changes = append(s.changes, c)
	s.store([]inventory.Change{c})
}

// deliver hands changes to the teller's instance, as the reader does.
func (s *stage) deliver(size int) {
	batch := s.changes[s.place:min(len(s.changes), s.place+size)]
	err := s.teller.Handle(s.Context(), batch)
	var f *inventory.Failure
	switch {
	case err == nil:
		s.place += len(batch)
	case errors.As(err, &f):
		s.place += f.Index
	}
}

// play plays the story to its end.
func (s *stage) play() {
	s.begin()
	for _, a := range s.acts {
		if a.count != -3 {
			s.change(a)
		}
		if a.kill != "" {
			s.kill(a)
		}
		s.place = max(0, s.place-a.back)
		s.deliver(a.size)
		if a.resync {
			_ = s.teller.RequestResync(s.Context())
		}
		time.Sleep(a.wait)
		s.renew(a.second)
	}
	for s.place < len(s.changes) {
		s.deliver(7)
		s.renew(false)
	}
	time.Sleep(2 * time.Minute)
	s.renew(false)
	time.Sleep(10 * time.Minute)
	s.end()
	<-s.done
}

// renew starts a new teller where the present one is dead, or another beside it.
func (s *stage) renew(beside bool) {
	select {
	case <-s.done:
		s.begin()
		return
	default:
	}
	if !beside {
		return
	}
	end, done := s.end, s.done
	s.begin()
	time.Sleep(300 * time.Millisecond)
	end() // in order: what it has under way it finishes
	<-done
	s.accidents.Add(1)
}

// saying is one message as it arrived.
type saying struct {
	Event string
	Store string
	Items []struct {
		Item string
		ID   string
	}
	at time.Time
}

func (s *stage) heard(queue string) (all []saying, err error) {
	for _, m := range s.Queues.Drain(queue) {
		var envelope struct{ Message, Timestamp string }
		var said saying
		err = errors.Join(err, json.Unmarshal([]byte(m.Body), &envelope), json.Unmarshal([]byte(envelope.Message), &said))
		said.at, _ = time.Parse(time.RFC3339, envelope.Timestamp)
		all = append(all, said)
	}
	return all, err
}

// judge compares what was heard with what happened.
func (s *stage) judge(heard []saying) (repeated int, err error) {
	outs, backs := map[inventory.Key][]saying{}, map[inventory.Key]int{}
	seen := map[string]int{}
	for _, said := range heard {
		body, _ := json.Marshal(said)
		if seen[string(body)]++; seen[string(body)] > 1 {
			repeated++
		}
		for _, i := range said.Items {
			k := inventory.Key{Store: said.Store, Item: i.Item}
			if said.Event == string(OutOfStock) {
				outs[k] = append(outs[k], said)
			} else if backs[k]++; len(outs[k]) == 0 {
				err = errors.Join(err, fmt.Errorf("%s is told to be back, and nobody knew that it was out", k))
			}
		}
	}
	limit := tellers * int(s.accidents.Load())
	if s.fifo {
		limit = 0
	}
	if repeated > limit {
		err = errors.Join(err, fmt.Errorf("%d messages repeated after %d accidents (fifo %v)", repeated, s.accidents.Load(), s.fifo))
	}
	for item := range 6 {
		k := keyOfStory(item)
		began, out := s.lasting(k)
		if !out {
			continue
		}
		if !slices.ContainsFunc(outs[k], func(said saying) bool { return !said.at.Before(began) }) {
			err = errors.Join(err, fmt.Errorf("%s is out since %s and nobody was told (told %v)", k, began.Format(time.TimeOnly), outs[k]))
		}
	}
	left, err2 := s.book().Outgoing(s.Context())
	due, err3 := s.book().Due(s.Context())
	if len(left)+len(due) > 0 {
		err = errors.Join(err, fmt.Errorf("left outgoing %d, due %+v", len(left), due))
	}
	return repeated, errors.Join(err, err2, err3)
}

// lasting is since when an item is out of stock, where it is in the end. An unusable count begins and ends nothing.
func (s *stage) lasting(k inventory.Key) (began time.Time, out bool) {
	for _, c := range s.changes {
		if c.Key != k || c.Invalid != nil {
			continue
		}
		is := c.New != nil && c.New.Count <= s.rules.Threshold
		if is && !out {
			began = c.Created
		}
		out = is
	}
	return began, out
}

// TestAnyCourseOfEventsLosesNothingAndRepeatsOnlyWhatWasInFlight plays random stories.
func TestAnyCourseOfEventsLosesNothingAndRepeatsOnlyWhatWasInFlight(t *testing.T) {
	stories, messages, repeated, accidents := 0, 0, 0, 0
	rapid.Check(t, func(rt *rapid.T) {
		s := drawStory(rt)
		var failed error
		synctest.Test(t, func(t *testing.T) {
			st := &stage{world: newWorld(t), story: s, now: map[inventory.Key]*inventory.Item{}, odd: map[inventory.Key]bool{}}
			name, queue, attributes := "Story", "story", map[string]string(nil)
			if s.fifo {
				name, queue, attributes = "Story.fifo", "story.fifo", map[string]string{"FifoTopic": "true"}
			}
			if _, err := st.topics("test").CreateTopic(t.Context(), &sns.CreateTopicInput{Name: aws.String(name), Attributes: attributes}); err != nil {
				t.Fatal(err)
			}
			st.subscribe(queue, topicARN(name), nil)
			st.play()
			heard, err := st.heard(queue)
			again, err2 := st.judge(heard)
			failed = errors.Join(err, err2)
			stories, messages, repeated, accidents = stories+1, messages+len(heard), repeated+again, accidents+int(st.accidents.Load())
		})
		if failed != nil {
			rt.Fatal(failed)
		}
	})
	t.Logf("%d stories with %d accidents: %d messages, 0 alerts lost, %d messages repeated", stories, accidents, messages, repeated)
}
