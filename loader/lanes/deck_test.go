package lanes

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// TestTheDeckDealsEachKeyInItsOrder plays lanes that write, leave and refuse rows at random, and holds the deck to its
// promises at each step.
func TestTheDeckDealsEachKeyInItsOrder(t *testing.T) {
	for seed := range uint64(300) {
		if err := play(rand.New(rand.NewPCG(seed, 1))); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
	}
}

func play(r *rand.Rand) error {
	d := newDeck(4 * BatchSize)
	stores, items, rows := 1+r.IntN(30), 1+r.IntN(50), 2000
	last, written := map[string]int64{}, map[string]int64{}
	var inHand [][]*entry
	under := map[string]bool{}
	var now time.Duration
	added, done, merged := 0, 0, 0
	name := func(e *entry) string { row := e.row(); return string(row.Store) + "/" + string(row.Item) }
	for added < rows || d.queued > 0 || len(inHand) > 0 {
		now += time.Duration(r.Int64N(int64(20 * time.Millisecond)))
		switch what := r.IntN(3); {
		case what == 0 && added < rows && d.room():
			b := d.block()
			for range 1 + r.IntN(blockRows) {
				store, item := fmt.Sprint("s", r.IntN(stores)), fmt.Sprint("i", r.IntN(items))
				added++
				last[store+"/"+item] = int64(added)
				b.add(Row{Store: []byte(store), Item: []byte(item), Count: int64(added)})
			}
			d.add(b)
		case what == 1 && len(inHand) < 4:
			batch, lost, wait := d.deal(now, nil)
			merged += int(lost)
			if len(batch) == 0 && len(inHand) == 0 && d.queued > 0 {
				if wait == 0 {
					return fmt.Errorf("%d rows wait, none is under way, and nothing is dealt", d.queued)
				}
				now += wait
			}
			for _, e := range batch {
				if under[name(e)] {
					return fmt.Errorf("%s is dealt while it is under way", name(e))
				}
				under[name(e)] = true
			}
			if len(batch) > 0 {
				inHand = append(inHand, batch)
			}
		case len(inHand) > 0:
			at := r.IntN(len(inHand))
			for _, e := range inHand[at] {
				key := name(e)
				delete(under, key)
				if r.IntN(4) == 0 {
					d.back(e)
					d.full(e, now, time.Duration(1+r.Int64N(int64(time.Second))))
					continue
				}
				if written[key] >= e.count {
					return fmt.Errorf("%s: row %d is written after row %d", key, e.count, written[key])
				}
				written[key] = e.count
				done++
				d.done(e, now)
			}
			inHand = slices.Delete(inHand, at, at+1)
		}
		if d.rows > aheadRows+blockRows || d.under < 0 || d.queued < 0 {
			return fmt.Errorf("%d rows ahead, %d queued, %d under way", d.rows, d.queued, d.under)
		}
	}
	for key, count := range last {
		if written[key] != count {
			return fmt.Errorf("%s is %d, the last row says %d", key, written[key], count)
		}
	}
	if added != done+merged || d.first != nil || d.rows != 0 || d.bytes != 0 || d.under != 0 || d.ring != 0 {
		return fmt.Errorf("%d rows added, %d written, %d merged; the deck has %d rows, %d bytes, %d under way, %d queues", added, done, merged, d.rows, d.bytes, d.under, d.ring)
	}
	for _, word := range d.busy {
		if word != 0 {
			return fmt.Errorf("a key is noted as under way for ever")
		}
	}
	return nil
}

func TestStoresAreDealtInTurn(t *testing.T) {
	d := newDeck(BatchSize)
	for store := range 5 {
		b := d.block()
		for item := range blockRows {
			b.add(Row{Store: []byte{'a' + byte(store)}, Item: []byte{byte(item)}})
		}
		d.add(b)
	}
	batch, _, _ := d.deal(0, nil)
	count := map[string]int{}
	for _, e := range batch {
		count[string(e.row().Store)]++
	}
	for store, n := range count {
		if n != BatchSize/5 {
			t.Errorf("%d rows of %s in a batch of %d", n, store, len(batch))
		}
	}
	if len(count) != 5 || len(batch) != BatchSize {
		t.Errorf("%v", count)
	}
}

func TestTheReadAheadIsBounded(t *testing.T) {
	for name, row := range map[string]Row{
		"small rows": {Store: []byte("s"), Item: []byte("i")},
		"large rows": {Store: make([]byte, 2048), Item: make([]byte, 1024)},
	} {
		d := newDeck(BatchSize)
		rows, bytes := 0, 0
		for d.room() {
			b := d.block()
			for !b.full() {
				b.add(row)
				rows++
				bytes += len(row.Store) + len(row.Item)
			}
			d.add(b)
		}
		if rows < 1000 || rows > aheadRows+blockRows || bytes > aheadBytes+2*blockBytes {
			t.Errorf("%s: %d rows of %d bytes are read ahead", name, rows, bytes)
		}
	}
}

// TestIdleStoresAreForgotten deals rows of very many stores.
func TestIdleStoresAreForgotten(t *testing.T) {
	d := newDeck(BatchSize)
	for i := range 100_000 {
		b := d.block()
		b.add(Row{Store: fmt.Append(nil, i), Item: []byte("i")})
		d.add(b)
		batch, _, _ := d.deal(time.Duration(i)*time.Millisecond, nil)
		for _, e := range batch {
			d.done(e, time.Duration(i)*time.Millisecond)
		}
	}
	if len(d.queues) > idleQueues+BatchSize {
		t.Errorf("%d stores are remembered", len(d.queues))
	}
}

func BenchmarkDeck(b *testing.B) {
	stores := make([][]byte, 500)
	for i := range stores {
		stores[i] = fmt.Appendf(nil, "store-%04d", i)
	}
	item := []byte("item-00000000")
	d := newDeck(64 * BatchSize)
	var batch []*entry
	var now time.Duration
	b.ReportAllocs()
	open := d.block()
	for i := 0; b.Loop(); i++ {
		for at, n := len(item)-1, i; n > 0; at, n = at-1, n/10 {
			item[at] = '0' + byte(n%10)
		}
		open.add(Row{Store: stores[i%500], Item: item, Count: int64(i)})
		if open.full() {
			d.add(open)
			open = d.block()
		}
		if d.queued >= 3200 {
			now += time.Millisecond
			batch, _, _ = d.deal(now, batch[:0])
			for _, e := range batch {
				d.done(e, now)
			}
			if len(batch) == 0 {
				b.Fatal("nothing is dealt")
			}
		}
	}
}
