package stream

// This file: the history of a scenario and the one checker that judges it.

import (
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing/synctest"
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
	checkpoints []event
	claims      map[string]int       // by shard
	diverted    map[string]time.Time // by sequence number
	operations  map[string][]time.Time
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
	if strings.Contains(string(c.Body), "#wanted_by") {
		if h.claims == nil {
			h.claims = map[string]int{}
		}
		h.claims[shard]++
	}
	if at, moves := in.ExpressionAttributeValues[":checkpoint"]; ok && moves {
		h.checkpoints = append(h.checkpoints, event{instance: c.Client, shard: shard, text: at.S, at: time.Now(), handled: h.handledOf(shard)})
	}
}

// effect sees the calls that are not made to fail.
func (h *history) effect(c fault.Call) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
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

// judge is the one checker of all scenarios; all readers have stopped.
func (w *world) judge() {
	w.Helper()
	w.nothingLeft()
	h := &w.history
	h.mu.Lock()
	defer h.mu.Unlock()
	excused := func(r written) bool { return w.lost != nil && w.lost(r) }
	w.everyRecord(excused)
	w.itemOrder()
	w.ancestorsFirst(excused)
	w.unbroken(excused)
	w.checkpointsBehind(excused)
	w.oneReader()
	w.pace()
}

// nothingLeft: no goroutine of a reader goes on. The bubble's end alone would wait for one that ends by itself.
func (w *world) nothingLeft() {
	synctest.Wait()
	text := make([]byte, 1<<20)
	for _, stack := range strings.Split(string(text[:runtime.Stack(text, true)]), "\n\n") {
		for _, line := range strings.Split(stack, "\n") {
			file, _, _ := strings.Cut(line, ".go:")
			if (strings.Contains(file, "/stream/") || strings.Contains(file, "/internal/lease/")) && !strings.HasSuffix(file, "_test") {
				w.Errorf("a goroutine is left: %s", stack)
				break
			}
		}
	}
}

// everyRecord: each record that was written was handled or diverted, and none that was to be dropped.
func (w *world) everyRecord(excused func(written) bool) {
	h := &w.history
	for _, r := range h.written {
		if !h.handledOf(r.Shard)[r.Sequence] && !excused(r) {
			w.Errorf("never delivered: %+v", r)
		}
	}
}

// itemOrder: the first handling of each item's records is in the order in which they were written.
func (w *world) itemOrder() {
	h := &w.history
	item, order := map[string]string{}, map[string]int{}
	for i, r := range h.written {
		item[r.Sequence], order[r.Sequence] = r.Item, i
	}
	last, seen := map[string]string{}, map[string]bool{}
	for _, d := range h.deliveries {
		for _, sequence := range d.records[:d.handled] {
			if seen[sequence] {
				continue
			}
			seen[sequence] = true
			if before := last[item[sequence]]; before != "" && order[before] > order[sequence] {
				w.Errorf("item %s: record %s was handled after %s (%s)", item[sequence], sequence, before, d.begun.Format(time.DateTime))
			}
			last[item[sequence]] = sequence
		}
	}
}

// ancestorsFirst: no record is delivered before its shard's parent is done.
func (w *world) ancestorsFirst(excused func(written) bool) {
	h := &w.history
	byShard := map[string][]written{}
	for _, r := range h.written {
		byShard[r.Shard] = append(byShard[r.Shard], r)
	}
	done := map[string]bool{}
	for sequence := range h.diverted {
		done[sequence] = true
	}
	for _, d := range h.deliveries {
		for _, r := range byShard[h.parents[d.shard]] {
			if !done[r.Sequence] && !excused(r) {
				w.Errorf("shard %s is delivered before record %s of its parent", d.shard, r.Sequence)
				return
			}
		}
		for _, sequence := range d.records[:d.handled] {
			done[sequence] = true
		}
	}
}

// unbroken: each delivery is a run of its shard's records without a hole that begins no later than behind what was
// handled before.
func (w *world) unbroken(excused func(written) bool) {
	h := &w.history
	seen := map[string]bool{}
	for _, d := range h.deliveries {
		for _, sequence := range d.records {
			seen[sequence] = true
		}
	}
	at := map[string]int{}
	byShard := map[string][]written{}
	for _, r := range h.written {
		if !excused(r) || seen[r.Sequence] {
			at[r.Sequence] = len(byShard[r.Shard])
			byShard[r.Shard] = append(byShard[r.Shard], r)
		}
	}
	frontier := map[string]int{}
	advance := func(shard string) {
		for f := frontier[shard]; f < len(byShard[shard]); f++ {
			if _, ok := h.diverted[byShard[shard][f].Sequence]; !ok {
				break
			}
			frontier[shard] = f + 1
		}
	}
	for _, d := range h.deliveries {
		advance(d.shard)
		for i, sequence := range d.records {
			if n := at[sequence]; i == 0 && n > frontier[d.shard] || i > 0 && n != at[d.records[i-1]]+1 {
				w.Errorf("delivery of %s skips records: position %d, frontier %d", sequence, n, frontier[d.shard])
				return
			}
		}
		if d.handled > 0 {
			frontier[d.shard] = max(frontier[d.shard], at[d.records[d.handled-1]]+1)
		}
	}
}

// checkpointsBehind: no checkpoint, not even one whose write failed, passes a record that was not handled.
func (w *world) checkpointsBehind(excused func(written) bool) {
	for _, c := range w.history.checkpoints {
		for _, r := range w.history.written {
			if r.Shard != c.shard || r.At.After(c.at) || c.handled[r.Sequence] || excused(r) {
				continue
			}
			if label, _, _ := strings.Cut(c.text, "#"); c.text == ended || Position(label, r.Sequence) <= c.text {
				w.Errorf("checkpoint %s of shard %s passes record %s", c.text, c.shard, r.Sequence)
			}
		}
	}
}

// oneReader: no handler is called after its instance's deadline, nor after another instance has read from the shard.
func (w *world) oneReader() {
	h := &w.history
	for _, d := range h.deliveries {
		var renewed time.Time
		for _, r := range h.renewals {
			if r.instance == d.instance && !r.at.After(d.begun) {
				renewed = r.at
			}
		}
		if deadline := renewed.Add(w.lease - w.lease/5); d.begun.After(deadline) {
			w.Errorf("%s called its handler at %v, after its deadline %v", d.instance, d.begun.Format(time.TimeOnly), deadline.Format(time.TimeOnly))
		}
		if i := slices.IndexFunc(h.reads, func(r event) bool {
			return r.shard == d.shard && r.instance > d.instance && r.at.Before(d.begun)
		}); i >= 0 {
			w.Errorf("%s called its handler for %s after %s had read it", d.instance, d.shard, h.reads[i].instance)
		}
	}
}

// pace: no holder of a shard reads it more than four times within a second.
func (w *world) pace() {
	times := map[[3]string][]time.Time{}
	for _, r := range w.history.reads {
		by := [3]string{r.instance, r.shard, r.text}
		times[by] = append(times[by], r.at)
		if n := len(times[by]); n > 4 && r.at.Sub(times[by][n-5]) < time.Second {
			w.Errorf("%s reads %s more than 4 times within the second before %v", r.instance, r.shard, r.at.Format(time.TimeOnly))
			return
		}
	}
}

func (d *delivery) String() string {
	return fmt.Sprint(d.begun.Format(time.TimeOnly), " ", d.instance, " ", d.shard, " ", d.records)
}
