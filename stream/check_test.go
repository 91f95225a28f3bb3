package stream

// This file: the one checker that judges all scenarios.

import (
	"path"
	"runtime"
	"slices"
	"strings"
	"testing/synctest"
	"time"
)

// judge is the one checker of all scenarios; all readers have stopped.
func (w *world) judge() {
	w.Helper()
	for _, done := range w.dying {
		<-done
	}
	w.nothingLeft()
	w.judgeHistory()
}

// judgeHistory judges what happened, not what is left.
func (w *world) judgeHistory() {
	w.Helper()
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
	for _, stack := range readersGoroutines() {
		w.Errorf("a goroutine is left: %s", stack)
	}
}

// readersGoroutines are the stacks of the goroutines that readers have started or run in.
func readersGoroutines() []string {
	synctest.Wait()
	text := make([]byte, 4<<20)
	here := bubble(string(text[:runtime.Stack(text, false)]))
	var found []string
	for _, stack := range strings.Split(string(text[:runtime.Stack(text, true)]), "\n\n") {
		if bubble(stack) == here && slices.ContainsFunc(strings.Split(stack, "\n"), func(line string) bool {
			file, _, _ := strings.Cut(line, ".go:")
			in := path.Base(path.Dir(file))
			return (in == "stream" || in == "lease") && !strings.HasSuffix(file, "_test")
		}) {
			found = append(found, stack)
		}
	}
	return found
}

// bubble is the bubble of a goroutine, as its stack names it: other tests' goroutines run at the same time.
func bubble(stack string) string {
	head, _, _ := strings.Cut(stack, "\n")
	_, name, _ := strings.Cut(head, "synctest bubble ")
	name, _, _ = strings.Cut(name, "]")
	name, _, _ = strings.Cut(name, ",")
	return name
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
		for _, sequence := range d.records[:d.handled] {
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
		next, first := frontier[d.shard], true
		for i, sequence := range d.records {
			n, counts := at[sequence]
			switch {
			case !counts: // it was lost before it was handled
				continue
			case n > next, n < next && !first:
				w.Errorf("delivery of %s skips records: position %d, expected %d", sequence, n, next)
				return
			}
			first = false
			if next = n + 1; i < d.handled {
				frontier[d.shard] = max(frontier[d.shard], next)
			}
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
		claimed := last(h.takes, d.begun.Add(1), func(e event) bool { return e.shard == d.shard && e.instance == d.instance })
		other := last(h.reads, d.begun, func(e event) bool { return e.shard == d.shard && e.instance != d.instance })
		if other.at.After(claimed.at) {
			w.Errorf("%s called its handler for %s at %v after %s had read it", d.instance, d.shard, d.begun.Format(time.TimeOnly), other.instance)
		}
	}
}

// last is the last event before an instant that is one of those.
func last(events []event, before time.Time, is func(event) bool) event {
	var found event
	for _, e := range events {
		if e.at.Before(before) && is(e) {
			found = e
		}
	}
	return found
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
