package notifier

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"inventoryd/internal/inventory"
	"inventoryd/internal/sandbox/fault"
	"inventoryd/internal/sleep"
)

// kills is how many tellers are killed in a test run; TEST_KILLS says otherwise (`make long`: 100).
func kills(t *testing.T) int {
	s := os.Getenv("TEST_KILLS")
	if s == "" {
		return 10
	}
	n, err := strconv.Atoi(s)
	if err != nil {
		t.Fatal("TEST_KILLS: ", err)
	}
	return n
}

// crew is instances of which the one that is alive and has been there longest tells, as the daemon's group has it.
type crew struct {
	*world
	topic   string
	mu      sync.Mutex // guards alive
	alive   []string   // clients, those who joined first before
	members map[string]*member
}

type member struct {
	*Notifier
	end  context.CancelFunc
	done chan struct{}
}

// deadAfter is how long the others take to see that one is dead: 1.6 leases.
const deadAfter = 24 * time.Second

func (c *crew) leads(client string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.alive) > 0 && c.alive[0] == client
}

func (c *crew) join(client string) {
	c.mu.Lock()
	c.alive = append(c.alive, client)
	c.mu.Unlock()
	m := &member{done: make(chan struct{})}
	m.Notifier = c.repeatable(client, func(cfg *Config) {
		cfg.Topic, cfg.Format = c.topic, FormatJSON
		cfg.Pace = Pace{Rate: 20, GroupWait: 500 * time.Millisecond, GroupInterval: 2 * time.Second}
		cfg.Others = func() bool { return true }
		cfg.Lead = func(ctx context.Context, f func(context.Context) error) error {
			for !c.leads(client) {
				if sleep.For(ctx, 500*time.Millisecond) != nil {
					return ctx.Err()
				}
			}
			return f(ctx)
		}
	})
	ctx, end := context.WithCancel(context.WithoutCancel(c.Context()))
	m.end = end
	go func() {
		defer close(m.done)
		_ = m.Run(ctx) // one that is killed returns whatever it likes
	}()
	c.members[client] = m
}

// killAt has a client die at its n-th call of an operation ("": any), before or after the call has its effect.
func (c *crew) killAt(client, operation string, n int, after bool) (dead chan struct{}) {
	dead = make(chan struct{})
	effect := fault.Effect{Reset: !after, Drop: after}
	effect.Do = sync.OnceFunc(func() {
		c.Fault(fault.Rule{Client: client, Effect: fault.Effect{Reset: true}})
		c.members[client].end()
		close(dead)
	})
	c.Fault(fault.Rule{Client: client, Operation: operation, Skip: n, Times: 1, Effect: effect})
	return dead
}

// TestTellersKilledAtAnyMomentLoseNothing kills the one who tells, of one, two or three instances, while 60 items of 12
// stores run out: at any of its calls, and at its publishing.
func TestTellersKilledAtAnyMomentLoseNothing(t *testing.T) {
	repeated, worst, killed := 0, 0, kills(t)
	for i := range killed {
		instances, fifo := 1+i%3, i%2 == 1
		inWorld(t, func(t *testing.T, w *world) {
			again := w.killOnce(t, uint64(i), instances, fifo)
			if repeated, worst = repeated+again, max(worst, again); again > tellers || fifo && again > 0 {
				t.Errorf("kill %d: %d messages repeated (fifo %v)", i, again, fifo)
			}
		})
	}
	t.Logf("%d kills, 1 to 3 instances, every second on a FIFO topic: 0 lost, %d messages repeated, %d at most by one kill, 0 on FIFO", killed, repeated, worst)
}

func (w *world) killOnce(t *testing.T, seed uint64, instances int, fifo bool) (repeated int) {
	random := rand.New(rand.NewPCG(seed, 12))
	topic, queue := w.ownTopic(t, "Kills", fifo)
	c := &crew{world: w, topic: topic, members: map[string]*member{}}
	for i := range instances {
		c.join(fmt.Sprint("m", i))
	}
	operation, calls := "", 250
	if random.IntN(2) == 0 {
		operation, calls = "Publish", 20
	}
	dead := c.killAt("m0", operation, random.IntN(calls), random.IntN(2) == 0)
	handles := "m0"
	for second := range 10 {
		var words string
		for i := range 6 {
			number := 6*second + i
			words += fmt.Sprintf(" S%02d/i%02d:5>0", number%12, number)
		}
		changes := w.script(words)
		for i := range changes {
			changes[i].Position = at(100*second + i + 1)
		}
		w.store(changes)
		for len(changes) > 0 { // the stream's part: what is not done is handed over again, to whoever lives
			if err := c.members[handles].Handle(t.Context(), changes); err == nil {
				break
			}
			time.Sleep(2 * time.Second)
			select {
			case <-dead:
				handles = c.succeed(instances)
			default:
			}
		}
		time.Sleep(time.Second)
	}
	time.Sleep(10 * time.Second)
	select {
	case <-dead:
		c.succeed(instances)
	default:
		t.Logf("seed %d: it was never at %s", seed, operation)
	}
	time.Sleep(40 * time.Second)
	told := map[inventory.Key]int{}
	bodies := map[string]int{}
	for _, n := range w.drain(queue) {
		if bodies[n.Message]++; bodies[n.Message] > 1 {
			repeated++
			continue
		}
		var said saying
		if err := json.Unmarshal([]byte(n.Message), &said); err != nil {
			t.Fatal(err)
		}
		for _, i := range said.Items {
			told[inventory.Key{Store: said.Store, Item: i.Item}]++
		}
	}
	for k, n := range told {
		if n > 1 {
			repeated++
			t.Logf("seed %d: %s was told in %d messages", seed, k, n)
		}
	}
	if len(told) != 60 {
		t.Errorf("seed %d: %d of 60 items told (%s, %d instances, fifo %v)", seed, len(told), operation, instances, fifo)
	}
	if v, found := w.audited(Rules{}); len(found) > 0 {
		t.Errorf("seed %d: the audit finds %+v", seed, v.Findings)
	}
	for _, m := range c.members {
		m.end()
		<-m.done
	}
	return repeated
}

// succeed lets the others see that the first is dead, or starts it anew where there is no other. It returns who handles
// changes from now on.
func (c *crew) succeed(instances int) string {
	c.mu.Lock()
	first := c.alive[0]
	c.mu.Unlock()
	if first != "m0" {
		return first
	}
	time.Sleep(deadAfter)
	c.mu.Lock()
	c.alive = c.alive[1:]
	c.mu.Unlock()
	if instances == 1 {
		c.join("again")
		return "again"
	}
	return "m1"
}
