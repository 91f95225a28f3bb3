package notifier

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/google/go-cmp/cmp"
	"go.uber.org/zap"

	"inventoryd/internal/inventory"
	"inventoryd/internal/sandbox"
	"inventoryd/internal/sandbox/fault"
	"inventoryd/internal/state"
)

// world is a sandbox in a bubble, with the daemon's resources and a state table.
type world struct {
	*testing.T
	*sandbox.Sandbox
	ends []func()
}

const stateTable = "inventoryd-state"

// inWorld runs a test in virtual time.
func inWorld(t *testing.T, test func(*testing.T, *world)) {
	t.Helper()
	inWorldAhead(t, 0, test)
}

func inWorldAhead(t *testing.T, skew time.Duration, test func(*testing.T, *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := newWorldAhead(t, skew)
		defer w.end()
		test(t, w)
	})
}

// newWorldAhead is a world whose services' clock is that much ahead of the machine's.
func newWorldAhead(t *testing.T, skew time.Duration) *world {
	t.Helper()
	w := &world{T: t, Sandbox: sandbox.New()}
	w.Clock.Advance(skew)
	if err := w.Provision(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := state.EnsureState(t.Context(), w.tables("test"), stateTable); err != nil {
		t.Fatal(err)
	}
	return w
}

// end stops what runs.
func (w *world) end() {
	for _, end := range w.ends {
		end()
	}
	w.ends = nil
}

func (w *world) tables(client string) *dynamodb.Client {
	return dynamodb.NewFromConfig(w.Config(client))
}

func (w *world) topics(client string) *sns.Client { return sns.NewFromConfig(w.Config(client)) }

// instance makes a notifier whose calls are the client's, and starts it.
func (w *world) instance(client string, change func(*Config)) *Notifier {
	w.Helper()
	n := w.unstarted(client, change)
	if err := n.Start(w.Context()); err != nil {
		w.Fatal(err)
	}
	return n
}

func (w *world) unstarted(client string, change func(*Config)) *Notifier {
	w.Helper()
	c := DefaultConfig()
	c.App, c.StateTable, c.Table, c.Logger = "shop", stateTable, inventory.DefaultTable, zap.NewNop()
	if change != nil {
		change(&c)
	}
	n, err := New(Clients{SNS: w.topics(client), State: w.tables(client), Table: w.tables(client)}, c)
	if err != nil {
		w.Fatal(err)
	}
	return n
}

// running makes a notifier that tells, and returns how to stop it.
func (w *world) running(client string, change func(*Config)) (n *Notifier, stop func()) {
	w.Helper()
	n = w.instance(client, change)
	return n, w.run(n)
}

// run lets a notifier tell until stop is called, or the test ends.
func (w *world) run(n *Notifier) (stop func()) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(w.Context()))
	done := make(chan error, 1)
	go func() { done <- n.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			w.Errorf("Run returned %v", err)
		}
	})
	w.ends = append(w.ends, stop)
	return stop
}

// script makes changes that happened just now.
func (w *world) script(words string) []inventory.Change {
	w.Helper()
	changes := script(w, words)
	for i := range changes {
		changes[i].Created = w.Clock.Now().Truncate(time.Second)
	}
	return changes
}

// happen makes the table what the words say, and lets a notifier handle them.
func (w *world) happen(n *Notifier, words string) {
	w.Helper()
	changes := w.script(words)
	w.store(changes)
	w.handle(n, changes)
}

// store makes the table what the changes lead to.
func (w *world) store(changes []inventory.Change) {
	w.Helper()
	for _, c := range changes {
		row := inventory.DefaultTable.KeyAttributes(c.Key)
		switch {
		case c.Invalid != nil:
			row["Count"] = &types.AttributeValueMemberS{Value: "x"}
		case c.New == nil:
			if _, err := w.tables("test").DeleteItem(w.Context(), &dynamodb.DeleteItemInput{TableName: aws.String(sandbox.Table), Key: row}); err != nil {
				w.Fatal(err)
			}
			continue
		default:
			row = inventory.DefaultTable.Attributes(*c.New)
			if c.New.Threshold != nil {
				row["Reorder"] = &types.AttributeValueMemberN{Value: strconv.FormatInt(*c.New.Threshold, 10)}
			}
		}
		if _, err := w.tables("test").PutItem(w.Context(), &dynamodb.PutItemInput{TableName: aws.String(sandbox.Table), Item: row}); err != nil {
			w.Fatal(err)
		}
	}
}

// handle lets a notifier handle the changes, which must succeed.
func (w *world) handle(n *Notifier, changes []inventory.Change) {
	w.Helper()
	if err := n.Handle(w.Context(), changes); err != nil {
		w.Fatalf("handle: %v", err)
	}
}

// persist hands the changes over as the stream's reader does: from the first that failed, again and again.
func (w *world) persist(n *Notifier, changes []inventory.Change) {
	w.Helper()
	for tries := 0; len(changes) > 0; tries++ {
		err := n.Handle(w.Context(), changes)
		if err == nil {
			return
		}
		var f *inventory.Failure
		if !errors.As(err, &f) || f.Permanent || tries > 1000 {
			w.Fatalf("handle, try %d: %v", tries, err)
		}
		changes = changes[f.Index:]
		time.Sleep(5 * time.Second)
	}
}

// note is an alert as its subscriber gets it.
type note struct {
	Subject, Message  string
	MessageAttributes map[string]struct{ Type, Value string }
}

// inbox takes what has arrived at the queue that is subscribed to the topic.
func (w *world) inbox() []note {
	w.Helper()
	return w.drain(sandbox.Inbox)
}

func (w *world) drain(queue string) []note {
	w.Helper()
	var notes []note
	for _, m := range w.Queues.Drain(queue) {
		var n note
		if err := json.Unmarshal([]byte(m.Body), &n); err != nil {
			w.Fatalf("message %s: %v", m.Body, err)
		}
		notes = append(notes, n)
	}
	return notes
}

// told lists the messages that have arrived, sorted, each with how often; lines of one message are joined by |.
func (w *world) told() []string {
	w.Helper()
	times := map[string]int{}
	for _, n := range w.inbox() {
		times[strings.ReplaceAll(strings.TrimSpace(n.Message), "\n", " | ")]++
	}
	var list []string
	for _, text := range slices.Sorted(maps.Keys(times)) {
		if n := times[text]; n > 1 {
			text = fmt.Sprintf("%s ×%d", text, n)
		}
		list = append(list, text)
	}
	return list
}

// wantTold waits until what is due must have been told, and compares what has arrived.
func (w *world) wantTold(want ...string) {
	w.Helper()
	time.Sleep(5 * time.Second)
	synctest.Wait()
	if diff := cmp.Diff(want, w.told()); diff != "" {
		w.Errorf("messages (-want +got):\n%s", diff)
	}
}

// item reads the row of an item.
func (w *world) item(store, item string) (state.Item, bool) {
	w.Helper()
	out, err := w.tables("test").GetItem(w.Context(), &dynamodb.GetItemInput{
		TableName: aws.String(stateTable), Key: state.ItemKey("shop", store, item).Attributes(), ConsistentRead: aws.Bool(true),
	})
	if err != nil {
		w.Fatal(err)
	}
	if out.Item == nil {
		return state.Item{}, false
	}
	i, err := state.ItemOf(out.Item)
	if err != nil {
		w.Fatal(err)
	}
	return i, true
}

// row is the row of one of Berlin's items: "out@3 began@3 told@1 due out".
func (w *world) row(item string) string {
	w.Helper()
	i, ok := w.item("Berlin", item)
	if !ok {
		return ""
	}
	text := fmt.Sprintf("%s@%s", i.Stock, sequenceOf(i.Position))
	if i.Began.Position != "" {
		text += " began@" + sequenceOf(i.Began.Position)
	}
	if !i.Told.V.IsZero() {
		text += " told@" + sequenceOf(i.Told.Position)
	}
	if i.Due.Kind != "" {
		text += " due " + string(i.Due.Kind)
	}
	if i.Failed != "" {
		text += " failed"
	}
	return text
}

// sequenceOf is the sequence number of a position.
func sequenceOf(position string) string {
	_, sequence, _ := strings.Cut(position, "#")
	return strings.TrimLeft(sequence, "0")
}

func (w *world) wantRow(item, want string) {
	w.Helper()
	if got := w.row(item); got != want {
		w.Errorf("row of %s is %q, want %q", item, got, want)
	}
}

// overwrite puts a row of the state table as it is.
func (w *world) overwrite(row attributeMap) {
	w.Helper()
	if _, err := w.tables("test").PutItem(w.Context(), &dynamodb.PutItemInput{TableName: aws.String(stateTable), Item: row}); err != nil {
		w.Fatal(err)
	}
}

// calls counts those that reach the sandbox.
type calls struct {
	mu sync.Mutex // guards by
	by map[string]int
}

// count begins to count calls.
func (w *world) count() *calls {
	c := &calls{by: map[string]int{}}
	w.Fault(fault.Rule{Match: func(f fault.Call) bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.by[f.Operation]++
		return false
	}})
	return c
}

func (c *calls) total() (n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, times := range c.by {
		n += times
	}
	return n
}
