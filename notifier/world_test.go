package notifier

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"go.uber.org/zap"

	"inventoryd/internal/inventory"
	"inventoryd/internal/sandbox"
	"inventoryd/internal/state"
)

// world is a sandbox in a bubble, with the daemon's resources and a state table.
type world struct {
	*testing.T
	*sandbox.Sandbox
}

const stateTable = "inventoryd-state"

// inWorld runs a test in virtual time.
func inWorld(t *testing.T, test func(*testing.T, *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := &world{T: t, Sandbox: sandbox.New()}
		if err := w.Provision(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, err := state.Ensure(t.Context(), w.tables("test"), stateTable); err != nil {
			t.Fatal(err)
		}
		test(t, w)
	})
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

// script makes changes that happened just now.
func (w *world) script(words string) []inventory.Change {
	w.Helper()
	changes := script(w, words)
	for i := range changes {
		changes[i].Created = time.Now().Truncate(time.Second)
	}
	return changes
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

// told lists the messages that have arrived, sorted, each with how often.
func (w *world) told() []string {
	w.Helper()
	times := map[string]int{}
	for _, n := range w.inbox() {
		times[n.Message]++
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

// row is the alert row of one of Berlin's items: "out@3".
func (w *world) row(item string) string {
	w.Helper()
	out, err := w.tables("test").GetItem(w.Context(), &dynamodb.GetItemInput{
		TableName: aws.String(stateTable), Key: state.AlertKey("shop", "Berlin", item).Attributes(), ConsistentRead: aws.Bool(true),
	})
	if err != nil {
		w.Fatal(err)
	}
	if out.Item == nil {
		return ""
	}
	a, err := state.AlertOf(out.Item)
	if err != nil {
		w.Fatal(err)
	}
	_, sequence, _ := strings.Cut(a.Position, "#")
	return fmt.Sprintf("%s@%s", a.Stock, strings.TrimLeft(sequence, "0"))
}

// put sets a present count of one of Berlin's items.
func (w *world) put(item string, count int64) {
	w.Helper()
	i := inventory.Item{Key: inventory.Key{Store: "Berlin", Item: item}, Count: count}
	_, err := w.tables("test").PutItem(w.Context(), &dynamodb.PutItemInput{
		TableName: aws.String(sandbox.Table), Item: inventory.DefaultTable.Attributes(i),
	})
	if err != nil {
		w.Fatal(err)
	}
}

// history reads the rows of the history of a day.
func (w *world) history(day time.Time) []state.AlertHistory {
	w.Helper()
	var rows []state.AlertHistory
	pages := dynamodb.NewQueryPaginator(w.tables("test"), &dynamodb.QueryInput{
		TableName: aws.String(stateTable), KeyConditionExpression: aws.String("pk = :pk"),
		ExpressionAttributeValues: map[string]types.AttributeValue{
			":pk": &types.AttributeValueMemberS{Value: state.AlertHistoryKey("shop", day, "").PK},
		},
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(w.Context())
		if err != nil {
			w.Fatal(err)
		}
		for _, item := range page.Items {
			h, err := state.AlertHistoryOf(item)
			if err != nil {
				w.Fatal(err)
			}
			rows = append(rows, h)
		}
	}
	return rows
}
