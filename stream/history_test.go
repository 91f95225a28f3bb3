package stream

// This file: the history of a scenario; check_test.go judges it.

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"inventoryd/internal/sandbox/dynamo"
	"inventoryd/internal/sandbox/fault"
)

// history is what happened, in order.
type history struct {
	value int // of the writer

	mu          sync.Mutex // guards what follows
	written     []written
	parents     map[string]string // by shard
	deliveries  []*delivery
	reads       []event // GetRecords; the text is the holder's number
	renewals    []event
	takes       []event // writes by which an instance begins to read a shard
	checkpoints []event
	claims      map[string]int       // by shard
	diverted    map[string]time.Time // by sequence number
	operations  map[string][]time.Time
	answered    map[string][]time.Time // operations that no rule made fail
}

// written is a record that the stream took.
type written struct {
	Item, Shard, Sequence string
	At                    time.Time
	Value                 int
}

// delivery is a call of a handler.
type delivery struct {
	instance, shard string
	records         []string // sequence numbers
	begun           time.Time
	handled         int // how many of them, as the handler said
}

// event is something that an instance did about a shard.
type event struct {
	instance, shard, text string
	at                    time.Time
	handled               map[string]bool // sequence numbers of the shard that were handled by then
}

func (h *history) commit(_ string, r dynamo.Record) {
	var image struct {
		ID    struct{ S string }
		Value struct{ N json.Number }
	}
	text, item := r.New, written{Shard: r.Shard, Sequence: r.Sequence, At: r.Created}
	if text == "" {
		text = r.Old
	}
	if err := json.Unmarshal([]byte(text), &image); err != nil {
		panic(err)
	}
	item.Item = image.ID.S
	n, _ := image.Value.N.Int64()
	item.Value = int(n)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.written = append(h.written, item)
}

func (h *history) parent(shard, parent string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.parents == nil {
		h.parents = map[string]string{}
	}
	h.parents[shard] = parent
}

// readings are the reads so far.
func (h *history) readings() []event {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.reads)
}

// attempt sees every call, before faults.
func (h *history) attempt(c fault.Call) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !strings.HasPrefix(c.Client, "reader-") {
		return false
	}
	if h.operations == nil {
		h.operations = map[string][]time.Time{}
	}
	h.operations[c.Operation] = append(h.operations[c.Operation], time.Now())
	switch c.Operation {
	case "GetRecords":
		shard := shardOf(c.Body)
		if shard == "" { // the client has gone, and its request's body with it
			break
		}
		h.reads = append(h.reads, event{instance: c.Client, shard: shard, text: fmt.Sprint(h.claims[shard]), at: time.Now()})
	case "UpdateItem":
		h.update(c)
	}
	return false
}

// update notes a checkpoint that is written, and what had been handled by then.
func (h *history) update(c fault.Call) {
	var in struct {
		Key                       map[string]struct{ S string }
		ExpressionAttributeValues map[string]struct{ S string }
	}
	if err := json.Unmarshal(c.Body, &in); err != nil {
		return // a value that is no string: no matter
	}
	_, shard, ok := strings.Cut(in.Key["sk"].S, "#")
	if strings.Contains(string(c.Body), ":confirmed") {
		if h.claims == nil {
			h.claims = map[string]int{}
		}
		h.claims[shard]++
		h.takes = append(h.takes, event{instance: c.Client, shard: shard, at: time.Now()})
	}
	if at, moves := in.ExpressionAttributeValues[":checkpoint"]; ok && moves {
		h.checkpoints = append(h.checkpoints, event{instance: c.Client, shard: shard, text: at.S, at: time.Now(), handled: h.handledOf(shard)})
	}
}

// effect sees the calls that are not made to fail.
func (h *history) effect(c fault.Call) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.answered == nil {
		h.answered = map[string][]time.Time{}
	}
	if strings.HasPrefix(c.Client, "reader-") {
		h.answered[c.Operation] = append(h.answered[c.Operation], time.Now())
	}
	switch {
	case c.Operation == "UpdateItem" && strings.Contains(string(c.Body), "#instances") && !strings.Contains(string(c.Body), ":dead"):
		h.renewals = append(h.renewals, event{instance: c.Client, at: time.Now()})
	case c.Operation == "SendMessage":
		var in struct{ MessageBody string }
		if err := json.Unmarshal(c.Body, &in); err == nil {
			letter, err := ParseLetter(in.MessageBody)
			if err == nil {
				if h.diverted == nil {
					h.diverted = map[string]time.Time{}
				}
				h.diverted[letter.Sequence] = time.Now()
			}
		}
	}
	return false
}

func (h *history) count(operation string) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.operations[operation])
}

func (h *history) begin(instance string, batch []Record) *delivery {
	d := &delivery{instance: instance, shard: batch[0].Shard, begun: time.Now()}
	for _, r := range batch {
		d.records = append(d.records, r.Sequence)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.deliveries = append(h.deliveries, d)
	return d
}

func (h *history) end(d *delivery, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	d.handled = len(d.records)
	if at := new(failedAt); errors.As(err, &at) {
		d.handled = at.index
	} else if err != nil {
		d.handled = 0
	}
}

// handledOf is what has been handled or diverted; the mutex is held.
func (h *history) handledOf(shard string) map[string]bool {
	handled := map[string]bool{}
	for _, d := range h.deliveries {
		if d.shard == shard {
			for _, sequence := range d.records[:d.handled] {
				handled[sequence] = true
			}
		}
	}
	for sequence := range h.diverted {
		handled[sequence] = true
	}
	return handled
}

// delivered counts the records handled at least once.
func (h *history) delivered() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	handled := map[string]bool{}
	for _, d := range h.deliveries {
		for _, sequence := range d.records[:d.handled] {
			handled[sequence] = true
		}
	}
	return len(handled)
}

// seen is a copy of the deliveries so far.
func (h *history) seen() []delivery {
	h.mu.Lock()
	defer h.mu.Unlock()
	var all []delivery
	for _, d := range h.deliveries {
		all = append(all, *d)
	}
	return all
}

func (d *delivery) String() string {
	return fmt.Sprint(d.begun.Format(time.TimeOnly), " ", d.instance, " ", d.shard, " ", d.records)
}
