package notifier

import (
	"cmp"
	"context"
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
	limit      int64 // the item's own threshold; -1: none
	resync     bool
	sns        string        // what SNS does from now on: an outage by name; "": nothing else
	snsFor     time.Duration // and for how long
	kill       string        // the operation at which the teller dies
	skip       int
	after      bool // it dies after the call has taken effect
	second     bool // another teller takes over while this one goes on
}

var deadlyOperations = []string{"Publish", "TransactWriteItems", "UpdateItem", "BatchGetItem", "Query"}

// outages of SNS: it is down, it is asked too much, it takes what is published and its answers are lost.
var outages = map[string]fault.Effect{"down": fault.Unavailable, "throttled": fault.Throttled, "mute": {Drop: true}}

func drawStory(t *rapid.T) story {
	s := story{
		rules: Rules{
			ThresholdAttribute: reorder,
			Restocked:          rapid.Bool().Draw(t, "restocked"),
			Cooldown:           time.Duration(rapid.SampledFrom([]int{0, 0, 20}).Draw(t, "cooldown")) * time.Second,
			Remind:             time.Duration(rapid.SampledFrom([]int{0, 0, 60}).Draw(t, "remind")) * time.Second,
		},
		pace: Pace{
			Rate: rapid.SampledFrom([]float64{50, 50, 1}).Draw(t, "rate"), GroupWait: time.Duration(rapid.IntRange(0, 2).Draw(t, "group_wait")) * time.Second,
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
			count: rapid.SampledFrom([]int64{0, 0, 0, 5, 5, 5, 2, -1, -2, -3}).Draw(t, "count"),
			limit: rapid.SampledFrom([]int64{-1, -1, -1, -1, 3}).Draw(t, "limit"),
			back:  rapid.IntRange(0, 4).Draw(t, "back"), size: rapid.IntRange(0, 8).Draw(t, "size"),
			wait:   time.Duration(rapid.IntRange(0, 4000).Draw(t, "wait")) * time.Millisecond,
			resync: rapid.IntRange(0, 9).Draw(t, "resync") == 0,
			second: rapid.IntRange(0, 9).Draw(t, "second") == 0,
		}
		if rapid.IntRange(0, 19).Draw(t, "outage") == 0 {
			a.sns = rapid.SampledFrom([]string{"down", "mute", "throttled"}).Draw(t, "sns")
			a.snsFor = time.Duration(rapid.IntRange(1, 420).Draw(t, "sns_for")) * time.Second
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
	spare     []func()     // take back what is to kill a teller
	outage    bool         // SNS has had one
	accidents atomic.Int64 // of tellers
	mute      atomic.Int64 // messages that SNS took, and its answer was lost
}

// moment is from when on the table held what of an item.
type moment struct {
	at   time.Time // by the service's clock
	out  bool
	odd  bool // its count is no usable one, so that the row's word stands
	gone bool
	rose bool // as it came to be in stock
}

// reorder is the attribute of an item's own threshold.
const reorder = "Reorder"

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
	s.spare = append(s.spare, s.Fault(fault.Rule{Client: victim, Operation: a.kill, Skip: a.skip, Times: 1, Effect: effect}))
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
		if a.limit >= 0 {
			c.New.Threshold = &a.limit
		}
		s.now[k] = c.New
	}
	at := s.Clock.Now()
	c.Created = at.Truncate(time.Second)
	s.changes = append(s.changes, c)
	s.course[k] = append(s.course[k], moment{at, s.rules.side(c.New) == state.Out, s.odd[k], a.count == -1, s.rose(k, c.New)})
	s.store([]inventory.Change{c})
}

// rose tells whether an item has more than it had as its shortage began, and than just before.
func (s *stage) rose(k inventory.Key, now *inventory.Item) bool {
	began, out, last := int64(0), false, int64(-1)
	for _, c := range s.changes[:len(s.changes)-1] {
		if c.Key != k || c.Invalid != nil {
			continue
		}
		is := s.rules.side(c.New) == state.Out
		if is && !out {
			began = c.New.Count
		}
		if out, last = is, -1; c.New != nil {
			last = c.New.Count
		}
	}
	return now != nil && now.Count > max(began, last)
}

// breakSNS makes SNS fail for some time.
func (s *stage) breakSNS(a act) {
	effect := outages[a.sns]
	effect.Do = func() {
		if effect.Drop {
			s.mute.Add(1)
		}
	}
	time.AfterFunc(a.snsFor, s.Fault(fault.Rule{Operation: "Publish", Effect: effect}))
	s.outage = true
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
		if a.sns != "" {
			s.breakSNS(a)
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
	if s.outage {
		time.Sleep(12 * time.Minute) // it ends, and the longest wait after it
		s.renew(false)
	}
	time.Sleep(2 * time.Minute)
	for _, spare := range s.spare {
		spare() // else a reminder may kill the last one
	}
	time.Sleep(2 * grace) // one that has just been killed is gone by then
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

// judgeAudit: an audit finds nothing; and where somebody changes something by hand, it names that.
func (s *stage) judgeAudit() error {
	a := s.auditor(s.rules)
	a.Reorder = reorder
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
		is := s.rules.side(c.New) == state.Out
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
