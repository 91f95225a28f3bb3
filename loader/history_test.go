package loader_test

// Random histories: uploads, deletions, events that come twice, late and in another order, and instances that die in the middle
// of any call. In the end the table is what loading the final objects would give.

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"inventoryd/internal/inventory"
	"inventoryd/internal/sandbox"
	"inventoryd/internal/sandbox/fault"
	"inventoryd/internal/sandbox/queues"
	"inventoryd/loader"
)

// mortal is the transport of an instance that dies at one of its calls: before it, in the middle of its answer, or after it
// took effect and before its answer. From then on nothing passes.
type mortal struct {
	base http.RoundTripper

	mu    sync.Mutex // guards what follows
	calls int        // left to live
	how   int
	dead  chan struct{}
}

var errDead = errors.New("the instance is dead")

// count counts a call; it says how it is to die, -1 for not at all.
func (m *mortal) count() (int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	select {
	case <-m.dead:
		return -1, errDead
	default:
	}
	if m.calls--; m.calls != 0 {
		return -1, nil
	}
	close(m.dead)
	return m.how, nil
}

func (m *mortal) RoundTrip(r *http.Request) (*http.Response, error) {
	how, err := m.count()
	if err == nil && how == 0 {
		err = errDead
	}
	if err != nil {
		if r.Body != nil {
			r.Body.Close()
		}
		return nil, err
	}
	answer, err := m.base.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	switch how {
	case 1: // the effect without the answer
		answer.Body.Close()
		return nil, errDead
	case 2: // half of the answer
		answer.Body = broken{io.LimitReader(answer.Body, max(1, answer.ContentLength/2)), answer.Body}
	default:
		answer.Body = &mortalBody{answer.Body, m}
	}
	return answer, nil
}

// broken breaks where its reader ends.
type broken struct {
	io.Reader
	io.Closer
}

func (b broken) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	if err == io.EOF {
		err = errDead
	}
	return n, err
}

// mortalBody breaks when the instance dies.
type mortalBody struct {
	io.ReadCloser
	of *mortal
}

func (b *mortalBody) Read(p []byte) (int, error) {
	select {
	case <-b.of.dead:
		return 0, errDead
	default:
		return b.ReadCloser.Read(p)
	}
}

// history is one random run.
type history struct {
	*world
	random  *rand.Rand
	keys    []string
	version map[string]int  // the last uploaded
	present map[string]bool // and whether it is still there
	bodies  map[string]string
	late    []string // events that are kept back
	events  int
	deaths  int
}

// feedOfVersion has the items of its key only; later versions may have fewer.
func (h *history) feedOfVersion(key string, version int) string {
	var b strings.Builder
	b.WriteString("store,item,count\n")
	for n := range 1 + h.random.IntN(60) {
		fmt.Fprintf(&b, "%s,item %d,%d\n", key, n, version)
	}
	return b.String()
}

// step does one random thing.
func (h *history) step() {
	key := h.keys[h.random.IntN(len(h.keys))]
	switch h.random.IntN(10) {
	case 0, 1, 2, 3:
		h.version[key]++
		h.upload(key, h.feedOfVersion(key, h.version[key]))
	case 4:
		if h.present[key] {
			h.upload(key, h.bodies[key])
		}
	case 5:
		if h.present[key] && h.random.IntN(3) == 0 {
			client := h.clients("test").S3.(*s3.Client)
			if _, err := client.DeleteObject(h.Context(), &s3.DeleteObjectInput{Bucket: aws.String(sandbox.Bucket), Key: &key}); err != nil {
				h.Fatal(err)
			}
			h.present[key] = false
		}
	case 6, 7:
		h.release()
	}
}

// upload stores an object; its event comes at once, twice, or late. Sequencers are all alike.
func (h *history) upload(key, body string) {
	e, err := h.Objects.Put(sandbox.Bucket, key, []byte(body))
	if err != nil {
		h.Fatal(err)
	}
	e.Sequencer = "0"
	h.present[key], h.bodies[key] = true, body
	event := string(e.Direct())
	h.events++
	switch h.random.IntN(4) {
	case 0:
		h.late = append(h.late, event)
	case 1:
		h.events++
		h.late = append(h.late, event)
		fallthrough
	default:
		h.send(event)
	}
}

// release sends one of the events that were kept back.
func (h *history) release() {
	if len(h.late) == 0 {
		return
	}
	n := h.random.IntN(len(h.late))
	h.send(h.late[n])
	h.late = append(h.late[:n], h.late[n+1:]...)
}

// live runs an instance until ctx ends; while it may, it dies, or is stopped in order, and another one takes its place.
func (h *history) live(ctx context.Context, nth string, lives int, random *rand.Rand) {
	for n := 0; ctx.Err() == nil; n++ {
		m := &mortal{base: sandbox.Direct(h.Sandbox), dead: make(chan struct{}), how: random.IntN(3)}
		var stop <-chan time.Time
		switch {
		case n < lives && random.IntN(3) == 0:
			stop = time.After(time.Duration(random.IntN(20_000)) * time.Millisecond)
		case n < lives:
			m.calls = 1 + random.IntN(60)
		}
		name := fmt.Sprintf("%s%d", nth, n)
		l, err := loader.New(h.over(name, m), h.config)
		if err != nil {
			h.Error(err)
			return
		}
		life, end := context.WithCancel(ctx)
		ended := make(chan error, 1)
		go func() { ended <- l.Run(life) }()
		select {
		case <-m.dead:
		case <-stop: // in order
		case <-ctx.Done():
		}
		end()
		<-ended // it has nobody left to talk to
	}
}

// over makes an instance's clients over a transport.
func (h *history) over(name string, base http.RoundTripper) loader.Clients {
	cfg := h.Config(name)
	cfg.HTTPClient = &http.Client{Transport: base}
	tables := dynamodb.NewFromConfig(cfg, func(o *dynamodb.Options) { o.DisableValidateResponseChecksum = true })
	return loader.Clients{
		SQS: sqs.NewFromConfig(cfg), Tables: tables, State: tables,
		S3:   s3.NewFromConfig(cfg, func(o *s3.Options) { o.UsePathStyle, o.DisableLogOutputChecksumValidationSkipped = true, true }),
		Wire: h.wired(base, cfg.Credentials),
	}
}

// check compares the table with the final objects.
func (h *history) check() error {
	rows := h.rows()
	for _, key := range h.keys {
		if !h.present[key] {
			continue // any of its versions may be left
		}
		for n, line := range strings.Split(strings.TrimSpace(h.bodies[key]), "\n")[1:] {
			want, _ := strconv.ParseInt(line[strings.LastIndexByte(line, ',')+1:], 10, 64)
			if got, ok := rows[inventory.Key{Store: key, Item: fmt.Sprint("item ", n)}]; !ok || got != want {
				return fmt.Errorf("%s, item %d: the table has %d (%t), the object %d", key, n, got, ok, want)
			}
		}
	}
	loads := h.logs.FilterMessage("object loaded").Len()
	if limit := 2*h.events + 3*h.deaths + 2; loads > limit {
		return fmt.Errorf("%d loads of %d events and %d deaths", loads, h.events, h.deaths)
	}
	return nil
}

// run lives one history through; what is wrong in the end is an error.
func (h *history) run(seed uint64) error {
	instances := 1 + h.random.IntN(3)
	lives := h.random.IntN(3)
	h.deaths = instances * lives
	h.slow = seed%5 == 4
	h.config.Visibility, h.config.Lanes, h.config.Workers = 20*time.Second, 2, 1+h.random.IntN(3)
	if seed%2 == 1 {
		h.config.Mode, h.config.Attributes = "delta", []string{"replace", "keep"}[seed/2%2]
		h.Fault(fault.Rule{Service: "dynamodb", Operation: "Query", Every: 3, Effect: fault.Effect{Delay: time.Duration(1+seed%4000) * time.Millisecond}})
	}
	if h.random.IntN(2) == 0 { // the first instance writes so slowly that others overtake it
		h.Fault(fault.Rule{
			Service: "dynamodb", Operation: "BatchWriteItem", Effect: fault.Effect{Delay: time.Duration(2+h.random.IntN(8)) * time.Second},
			Match: func(c fault.Call) bool { return strings.HasPrefix(c.Client, "a") },
		})
	}
	h.Fault(fault.Rule{Service: "dynamodb", Operation: "BatchWriteItem", Every: 2 + h.random.IntN(3), Effect: fault.Effect{Delay: time.Duration(1+h.random.IntN(4000)) * time.Millisecond}})
	h.Fault(fault.Rule{Service: "s3", Operation: "GetObject", Every: 2 + h.random.IntN(5), Effect: fault.Effect{Delay: time.Duration(h.random.IntN(900)) * time.Millisecond}})
	h.notify("", true)                                                                                                                        // the history sends the events
	redrive := `{"deadLetterTargetArn":"` + queues.ARN(sandbox.DeadLetterQueue) + `","maxReceiveCount":"` + strconv.Itoa(5+3*h.deaths) + `"}` // a death costs a receive
	client := sqs.NewFromConfig(h.Config("observer"))
	queue, err := client.GetQueueUrl(h.Context(), &sqs.GetQueueUrlInput{QueueName: aws.String(sandbox.EventQueue)})
	if err != nil {
		return err
	}
	policy := map[string]string{"RedrivePolicy": redrive}
	if _, err := client.SetQueueAttributes(h.Context(), &sqs.SetQueueAttributesInput{QueueUrl: queue.QueueUrl, Attributes: policy}); err != nil {
		return err
	}
	ctx, end := context.WithCancel(h.Context())
	var living sync.WaitGroup
	for n := range instances {
		time.Sleep(time.Duration(2*n+1) * time.Nanosecond)
		random := rand.New(rand.NewPCG(seed, uint64(n)+2))
		living.Go(func() { h.live(ctx, string(rune('a'+n)), lives, random) })
	}
	for range 4 + h.random.IntN(12) {
		h.step()
		time.Sleep(time.Duration(h.random.IntN(4000)) * time.Millisecond)
	}
	for len(h.late) > 0 {
		h.release()
		time.Sleep(time.Duration(h.random.IntN(2000)) * time.Millisecond)
	}
	err = h.drained(4 * time.Hour)
	end()
	living.Wait()
	return errors.Join(err, h.check())
}

// drained waits until the queue is empty; no message may be given up.
func (h *history) drained(limit time.Duration) error {
	for until := time.Now().Add(limit); ; time.Sleep(time.Second) {
		c := h.Queues.Contents(sandbox.EventQueue)
		switch dead := h.Queues.Contents(sandbox.DeadLetterQueue); {
		case len(dead.Visible) > 0:
			return fmt.Errorf("%d messages in the dead-letter queue", len(dead.Visible))
		case len(c.Visible)+len(c.InFlight)+len(c.Delayed) == 0:
			return nil
		case time.Now().After(until):
			return errors.New("the queue is not empty")
		}
	}
}

// TestTheLastUploadWinsInEveryHistory runs for a while, or as many histories as TEST_HISTORIES says, from the seed TEST_SEED on.
func TestTheLastUploadWinsInEveryHistory(t *testing.T) {
	loader.StoreEvery(t, 20)
	count, _ := strconv.Atoi(os.Getenv("TEST_HISTORIES"))
	first, _ := strconv.ParseUint(os.Getenv("TEST_SEED"), 10, 64)
	until := time.Now().Add(40 * time.Second)
	n := 0
	for ; n < count || count == 0 && time.Now().Before(until); n++ {
		seed := first + uint64(n)
		ok := t.Run("", func(t *testing.T) {
			inWorld(t, func(w *world) {
				h := &history{
					world: w, random: rand.New(rand.NewPCG(seed, 1)), keys: []string{"a.csv", "b.csv", "c.csv"}[:1+int(seed%3)],
					version: map[string]int{}, present: map[string]bool{}, bodies: map[string]string{},
				}
				if err := h.run(seed); err != nil {
					t.Errorf("TEST_SEED=%d TEST_HISTORIES=1: %v; log: %.6000v", seed, err, strings.Join(w.messages(), "\n"))
				}
			})
		})
		if !ok {
			break
		}
	}
	t.Logf("%d histories from seed %d on", n, first)
}

// TestManyEventsOfOneObjectAfterAnOutageCostFewLoads lets 180 uploads of one key pile up.
func TestManyEventsOfOneObjectAfterAnOutageCostFewLoads(t *testing.T) {
	inWorld(t, func(w *world) {
		mend := w.Fault(fault.Rule{Service: "dynamodb", Operation: "UpdateItem", Effect: fault.Unavailable})
		w.slowly(200 * time.Millisecond)
		i := w.start("a")
		for n := range 180 {
			w.put("feed.csv", fmt.Sprintf("store,item,count\nA,B,%d\n", n))
			time.Sleep(time.Second)
		}
		mend()
		w.quiet(10 * time.Minute)
		w.exact(map[inventory.Key]int64{{Store: "A", Item: "B"}: 179})
		if n := i.balanced().Loaded; n < 1 || n > 3 {
			t.Errorf("%d loads", n)
		}
	})
}
