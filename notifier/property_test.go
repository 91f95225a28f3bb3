package notifier

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"reflect"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"pgregory.net/rapid"

	"inventoryd/internal/inventory"
	"inventoryd/internal/sandbox"
	"inventoryd/internal/sandbox/fault"
	"inventoryd/internal/state"
)

// story is a random course of events: counts that change, a reader that delivers the changes late, in batches cut
// anywhere and more than once, comparisons with the table, and tellers that are killed before and after each of their calls.
type story struct {
	rules Rules
	pace  Pace
	fifo  bool
	skew  time.Duration // by which the service's clock is ahead of the machine's
	acts  []act
	hand  int // what is changed by hand in the end, for the audit to name
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
		skew: rapid.SampledFrom([]time.Duration{0, 0, 24 * time.Hour, -24 * time.Hour}).Draw(t, "skew"),
		hand: rapid.IntRange(0, 3).Draw(t, "hand"),
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
	topic     string
	changes   []inventory.Change
	course    map[inventory.Key][]moment
	now       map[inventory.Key]*inventory.Item // the table's usable items
	odd       map[inventory.Key]bool            // those without a usable count
	place     int
	number    int
	teller    *Notifier
	end       context.CancelFunc
	done      chan struct{}
	accidents atomic.Int64
}

// moment is from when on the table held what of an item.
type moment struct {
	at  time.Time // by the service's clock
	out bool
	odd bool // its count is no usable one, so that the row's word stands
}

// begin starts another teller, as another client.
func (s *stage) begin() {
	s.number++
	client := fmt.Sprintf("teller%d", s.number)
	s.teller = s.repeatable(client, func(c *Config) { c.Rules, c.Pace, c.Format, c.Topic = s.rules, s.pace, FormatJSON, s.topic })
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
	at := s.Clock.Now()
	c.Created = at.Truncate(time.Second)
	s.changes = append(s.changes, c)
	s.course[k] = append(s.course[k], moment{at, c.New != nil && c.New.Count <= s.rules.Threshold, s.odd[k]})
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
	time.Sleep(6 * time.Minute)
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

// text is the same for the same message.
func (s saying) text() string {
	body, _ := json.Marshal(s) // names and ids can be encoded
	return string(body)
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
		if seen[said.text()]++; seen[said.text()] > 1 {
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
	return repeated, errors.Join(err, err2, err3, s.judgeHistory(heard), s.judgeAudit())
}

// What a message says held when the teller looked: after V, the second of the service's answer before it read the counts,
// and at most lookLag later; and it is heard within hearLag of that: what lies there from a crash is sent again unchanged
// for five minutes.
const (
	lookLag = 1100 * time.Millisecond
	hearLag = resendFor + 10*time.Second
)

// judgeHistory: nothing was told that did not hold when the teller looked, and what was heard is in the history.
func (s *stage) judgeHistory(heard []saying) (err error) {
	told, err := s.book().History(s.Context(), s.Clock.Now().Add(-48*time.Hour), s.Clock.Now(), "")
	looks := map[string][]time.Time{}
	for _, h := range told {
		var said saying
		err = errors.Join(err, json.Unmarshal([]byte(h.Body), &said))
		looks[said.text()] = append(looks[said.text()], h.At)
		for _, i := range h.Subjects {
			k := inventory.Key{Store: h.Store, Item: i.Item}
			if !s.held(k, h.Kind != state.Restock, h.At, h.At.Add(lookLag)) {
				err = errors.Join(err, fmt.Errorf("%s was told of %s at %s, and it did not hold then: %v", h.Event, k, h.At, s.course[k]))
			}
		}
	}
	for _, said := range heard {
		if !slices.ContainsFunc(looks[said.text()], func(v time.Time) bool {
			return !said.at.Before(v) && said.at.Sub(v) <= hearLag
		}) {
			err = errors.Join(err, fmt.Errorf("%s was heard at %s, and the history has it at %v", said.text(), said.at, looks[said.text()]))
		}
	}
	return err
}

// held tells whether an item was out, or was not, at some instant from one time to another.
func (s *stage) held(k inventory.Key, out bool, from, to time.Time) bool {
	at := moment{} // when the time begins
	for _, m := range s.course[k] {
		switch {
		case m.at.Before(from):
			at = m
		case !m.at.After(to) && (m.odd || m.out == out):
			return true
		}
	}
	return at.odd || at.out == out
}

// judgeAudit: an audit finds nothing; and where somebody changes something by hand, it names that.
func (s *stage) judgeAudit() error {
	a := s.auditor(s.rules)
	v, err := a.Audit(s.Context())
	if err != nil || len(v.Findings) > 0 {
		return errors.Join(err, fmt.Errorf("the audit finds %+v", v.Findings))
	}
	k, want := s.byHand()
	a.Patience = 0
	v, err = a.Audit(s.Context())
	if !slices.ContainsFunc(v.Findings, func(f Finding) bool { return f.Code == want && f.Store == k.Store && f.Item == k.Item }) {
		return errors.Join(err, fmt.Errorf("%s was changed by hand, to be found as %s, and the audit finds %+v", k, want, v.Findings))
	}
	return err
}

// byHand changes one thing of the first item that is out, or sells one out unseen.
func (s *stage) byHand() (k inventory.Key, want string) {
	for item := range 6 {
		k = keyOfStory(item)
		if _, out := s.lasting(k); !out || s.odd[k] {
			continue
		}
		row := state.ItemKey("shop", k.Store, k.Item).Attributes()
		switch s.hand {
		case 0:
			s.deleteByHand(row)
			return k, FoundNoRow
		case 1:
			s.updateByHand(stateTable, row, "REMOVE told, told_v")
			return k, FoundSilent
		case 2:
			s.updateByHand(sandbox.Table, inventory.DefaultTable.KeyAttributes(k), "SET #a = :a",
				&types.AttributeValueMemberS{Value: "Count"}, &types.AttributeValueMemberN{Value: "7"})
			return k, FoundNotOut
		}
		s.forget(k)
		return k, FoundNotTold
	}
	k = inventory.Key{Store: "store9", Item: "unseen"}
	s.store([]inventory.Change{{Key: k, New: &inventory.Item{Key: k}}})
	return k, FoundNoRow
}

// forget deletes the messages that told of an item.
func (s *stage) forget(k inventory.Key) {
	told, err := s.book().History(s.Context(), s.Clock.Now().Add(-48*time.Hour), s.Clock.Now(), k.Store)
	if err != nil {
		s.Fatal(err)
	}
	for _, h := range told {
		if slices.ContainsFunc(h.Subjects, func(i state.Subject) bool { return i.Item == k.Item }) {
			s.deleteByHand(h.Key("shop").Attributes())
		}
	}
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

// told plays a story in a bubble, and returns what was heard, and what is wrong with it.
func (s story) told(t *testing.T) (heard []saying, repeated, accidents int, err error) {
	synctest.Test(t, func(t *testing.T) {
		st := &stage{
			world: newWorldAhead(t, s.skew), story: s, now: map[inventory.Key]*inventory.Item{}, odd: map[inventory.Key]bool{}, course: map[inventory.Key][]moment{},
		}
		var queue string
		st.topic, queue = st.ownTopic(t, "Story", s.fifo)
		st.play()
		heard, err = st.heard(queue)
		var wrong error
		repeated, wrong = st.judge(heard)
		accidents, err = int(st.accidents.Load()), errors.Join(err, wrong)
	})
	return heard, repeated, accidents, err
}

// storyTime is how long stories are played in a test run; TEST_STORIES says otherwise: how many.
const storyTime = 15 * time.Second

// TestAnyCourseOfEventsLosesNothingAndRepeatsOnlyWhatWasInFlight plays random stories: `-rapid.seed` plays those of a seed
// again, each with the same course.
func TestAnyCourseOfEventsLosesNothingAndRepeatsOnlyWhatWasInFlight(t *testing.T) {
	began, wanted := time.Now(), os.Getenv("TEST_STORIES")
	if err := flag.Set("rapid.checks", cmp.Or(wanted, "1000")); err != nil {
		t.Fatal("TEST_STORIES: ", err)
	}
	stories, messages, repeated, accidents := 0, 0, 0, 0
	rapid.Check(t, func(rt *rapid.T) {
		if wanted == "" && time.Since(began) > storyTime {
			return
		}
		heard, again, deaths, err := drawStory(rt).told(t)
		if err != nil {
			rt.Fatal(err)
		}
		stories, messages, repeated, accidents = stories+1, messages+len(heard), repeated+again, accidents+deaths
	})
	t.Logf("%d stories with %d accidents: %d messages, 0 alerts lost, none that did not hold, %d messages repeated; each audited, and something changed by hand",
		stories, accidents, messages, repeated)
}

func TestTheSameStoryHasTheSameCourse(t *testing.T) {
	for seed := range 4 {
		s := rapid.Custom(drawStory).Example(seed)
		first, _, _, err := s.told(t)
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if again, _, _, _ := s.told(t); !reflect.DeepEqual(first, again) {
				t.Errorf("seed %d:\n%+v\nand\n%+v", seed, first, again)
			}
		}
	}
}
