package notifier

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"inventoryd/internal/inventory"
)

// metered has DynamoDB say what each call consumes, and sums it up.
type metered struct {
	next http.RoundTripper

	mu    sync.Mutex // guards what follows
	calls map[string]int
	units map[string]float64 // of reads and of writes
}

// meter measures what a notifier's calls to DynamoDB consume from now on.
func (w *world) meter(n *Notifier, client string) *metered {
	cfg := w.Config(client)
	m := &metered{next: cfg.HTTPClient.(*http.Client).Transport}
	m.take()
	cfg.HTTPClient = &http.Client{Transport: m}
	n.clients.State = dynamodb.NewFromConfig(cfg)
	n.clients.Table = n.clients.State
	return m
}

func (m *metered) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	body = append([]byte(`{"ReturnConsumedCapacity":"TOTAL",`), body[1:]...)
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	answer, err := m.next.RoundTrip(r)
	if err != nil {
		return answer, err
	}
	said, err := io.ReadAll(answer.Body)
	if err != nil {
		return nil, err
	}
	answer.Body = io.NopCloser(bytes.NewReader(said))
	_, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	m.note(operation, said)
	return answer, nil
}

func (m *metered) note(operation string, answer []byte) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.calls[operation]++
	kind := "write"
	if operation == "Query" || strings.HasSuffix(operation, "GetItem") || operation == "Scan" {
		kind = "read"
	}
	type used struct{ CapacityUnits float64 }
	var one struct{ ConsumedCapacity used }
	var some struct{ ConsumedCapacity []used }
	if json.Unmarshal(answer, &one) == nil {
		m.units[kind] += one.ConsumedCapacity.CapacityUnits
	} else if json.Unmarshal(answer, &some) == nil {
		for _, u := range some.ConsumedCapacity {
			m.units[kind] += u.CapacityUnits
		}
	}
}

// take returns what was summed up, and begins anew.
func (m *metered) take() (calls map[string]int, units map[string]float64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	calls, units = m.calls, m.units
	m.calls, m.units = map[string]int{}, map[string]float64{}
	return calls, units
}

// The figures of docs/alerts.md: what a transition and a message cost, and an hour of rest.
func TestWhatTransitionsAndMessagesCost(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		n := w.unstarted("a", nil)
		m := w.meter(n, "a")
		w.run(n)
		time.Sleep(30*time.Minute + 10*time.Second)
		rested(m, t, "rest")
		for _, items := range []int{1, 200} {
			words := ""
			for i := range items {
				words += fmt.Sprintf(" S%d/i%03d:5>0", items, i)
			}
			changes := w.script(words)
			w.store(changes)
			w.handle(n, changes)
			calls, units := m.take()
			t.Logf("%d transitions: %v calls, %v units", items, calls, units)
			if calls["UpdateItem"] != items || len(calls) != 1 || units["write"] != 2*float64(items) {
				t.Errorf("%d transitions cost %v and %v: want a call and two units each, for the row and its place in the index", items, calls, units)
			}
			time.Sleep(5 * time.Second)
			calls, units = m.take()
			t.Logf("a message about %d items: %v calls, %v units", items, calls, units)
			reads := 2 * ((items + maxKeys - 1) / maxKeys)
			if calls["BatchGetItem"] != reads || calls["UpdateItem"] != items+1 || calls["TransactWriteItems"] != 2 {
				t.Errorf("a message about %d items cost %v", items, calls)
			}
		}
		time.Sleep(time.Hour)
		rested(m, t, "an hour at rest with 201 items out and told")
		back := w.script("S200/i000:0>5")
		back[0].Position = at(9000)
		w.handle(n, back)
		calls, units := m.take()
		t.Logf("a restock: %v calls, %v units", calls, units)
		never := w.script("S200/never:0>5")
		w.handle(n, never)
		if calls, units := m.take(); calls["UpdateItem"] != 1 {
			t.Errorf("a restock of what nobody knew: %v %v", calls, units)
		}
		if _, there := w.item("S200", "never"); there {
			t.Error("a restock of what nobody knew has made a row")
		}
		w.handle(n, []inventory.Change{w.script("S200/i001:9>8")[0]})
		if calls, _ := m.take(); len(calls) != 0 {
			t.Errorf("what is no transition costs %v", calls)
		}
	})
}

// rested tells what a rest has cost.
func rested(m *metered, t *testing.T, what string) {
	calls, units := m.take()
	t.Logf("%s: %v calls, %v units", what, calls, units)
}
