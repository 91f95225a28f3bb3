package delta

// Reading what the table holds of a window's keys, at the least price.

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"inventoryd/internal/sleep"
	"inventoryd/loader/lanes"
)

// Table is the one seam between this package and DynamoDB. Both calls are strongly consistent, may tell of items before they
// fail, and say how many read units they took.
type Table interface {
	// Get reads the items of at most BatchSize distinct keys and returns those that the table left.
	Get(ctx context.Context, keys []Key, found func(Item)) (left []Key, units float64, err error)
	// Range reads one page of a store's items and says where it ended; nil: at the end of the range.
	Range(ctx context.Context, r Range, found func(Item)) (last []byte, units float64, err error)
}

// BatchSize is how many keys one BatchGetItem takes ("BatchGetItem").
const BatchSize = 100

// Key is one item's.
type Key struct{ Store, Item []byte }

// Item is what the table holds.
type Item struct {
	Key
	Known
}

// Range is the items of a store from First to Last, both included; After, where it is set, is where the page before ended.
type Range struct {
	Store, First, Last, After []byte
	Limit                     int // of items
}

// Reads says how the table is read.
type Reads struct {
	Table   Table
	Pace    *lanes.Pace // in read units
	Judge   func(error) lanes.Verdict
	Trouble func(error) // told of each error that is retried, and with nil of each success
	Pulse   lanes.Pulse // rests while the owner waits for the table
}

const (
	atOnce     = 8                // calls under way
	few        = 4                // keys of a store that are not worth a Query
	mostItems  = 1000             // of a page: it is memory
	leastItems = 50               // of a page: it is a call
	unitBytes  = 4096             // of a read unit ("Read consistency": strongly consistent reads)
	typical    = 64.0             // bytes of an item, before there is a measure
	mostDear   = 10_000           // stores of which is remembered that a Query did not pay
	callLimit  = 10 * time.Second // of a call
)

// reader reads windows.
type reader struct {
	Reads
	mu    sync.Mutex         // guards what follows, and the window while it is read
	size  float64            // bytes of an item, as the windows before showed: who reads the same does it by the same calls
	units float64            // that the pages of this window took
	items int                // that they had
	dear  map[string]float64 // by store: for how many keys of it a Query would pay
}

func newReader(r Reads) reader { return reader{Reads: r, size: typical, dear: map[string]float64{}} }

// read finds out what the table holds of the window's keys that are not known.
func (r *reader) read(ctx context.Context, d *Delta) error {
	stores := map[string][]int32{}
	for n := range d.keys {
		if k := &d.keys[n]; !k.read {
			store, _ := d.names(int(k.last))
			stores[string(store)] = append(stores[string(store)], int32(n))
		}
	}
	if len(stores) == 0 {
		return nil
	}
	if r.items > leastItems {
		r.size = r.units * unitBytes / float64(r.items)
		r.units, r.items = 0, 0
	}
	r.Pulse.Rest()
	defer r.Pulse.Tick()
	singly, err := r.spans(ctx, d, stores)
	if err != nil {
		return err
	}
	calls, ctx := errgroup.WithContext(ctx)
	calls.SetLimit(atOnce)
	for batch := range slices.Chunk(singly, BatchSize) {
		calls.Go(func() error { return r.each(ctx, d, batch) })
	}
	return calls.Wait()
}

// spans reads stores by Query where that pays, and returns the keys that are to be read one by one.
func (r *reader) spans(ctx context.Context, d *Delta, stores map[string][]int32) (singly []int32, err error) {
	calls, ctx := errgroup.WithContext(ctx)
	calls.SetLimit(atOnce)
	for store, keys := range stores {
		r.mu.Lock()
		pays := len(keys) >= few && float64(len(keys)) >= r.dear[store]
		if !pays {
			singly = append(singly, keys...)
		}
		r.mu.Unlock()
		if pays {
			calls.Go(func() error {
				rest, err := r.span(ctx, d, store, keys)
				r.mu.Lock()
				defer r.mu.Unlock()
				singly = append(singly, rest...)
				return err
			})
		}
	}
	return singly, calls.Wait()
}

// span reads a store from the first to the last of its keys, page by page, for as long as that costs less than to read the
// keys one by one; it returns those that it has not come to.
func (r *reader) span(ctx context.Context, d *Delta, store string, keys []int32) (rest []int32, err error) {
	in := Range{Store: []byte(store)}
	for _, n := range keys {
		_, item := d.names(int(d.keys[n].last))
		if in.First == nil || bytes.Compare(item, in.First) < 0 {
			in.First = item
		}
		if bytes.Compare(item, in.Last) > 0 {
			in.Last = item
		}
	}
	spent := 0.0
	for rest = keys; ; {
		in.Limit = r.limit(len(rest))
		units, err := r.page(ctx, d, &in)
		if err != nil {
			return rest, err
		}
		spent += units
		rest = r.absent(d, rest, in.After)
		come := float64(len(keys) - len(rest))
		switch {
		case len(rest) == 0:
			return nil, nil
		case spent > come+2:
			r.mu.Lock()
			defer r.mu.Unlock()
			if len(r.dear) >= mostDear {
				clear(r.dear)
			}
			r.dear[store] = spent / max(1, come) * float64(len(keys))
			return rest, nil
		}
	}
}

// limit is of how many items a page may be that is to tell of so many keys: it should cost half of what they would one by one.
func (r *reader) limit(keys int) int {
	return int(min(max(float64(keys)*unitBytes/(2*r.size), leastItems), mostItems))
}

// page reads the next page of a range, whose After it moves on; nil: it has come to the end.
func (r *reader) page(ctx context.Context, d *Delta, in *Range) (units float64, err error) {
	err = r.insist(ctx, float64(in.Limit)*r.size/unitBytes, func(ctx context.Context) (took float64, left bool, err error) {
		var items []Item
		in.After, units, err = r.Table.Range(ctx, *in, func(i Item) { items = append(items, i) })
		if err != nil {
			return 0, false, err
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		for _, i := range items {
			d.found(i.Store, i.Item, i.Known)
		}
		r.units, r.items = r.units+units, r.items+len(items)
		return units, false, nil
	})
	return units, err
}

// absent notes that the table has none of those keys up to end which it did not tell of, and returns the keys behind it; nil is the
// end of all.
func (r *reader) absent(d *Delta, keys []int32, end []byte) (rest []int32) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, n := range keys {
		k := &d.keys[n]
		if _, item := d.names(int(k.last)); end != nil && bytes.Compare(item, end) > 0 {
			rest = append(rest, n)
			continue
		}
		k.read = true
	}
	return rest
}

// each reads keys one by one, in one call at best.
func (r *reader) each(ctx context.Context, d *Delta, keys []int32) error {
	asked := make([]Key, len(keys))
	for i, n := range keys {
		asked[i].Store, asked[i].Item = d.names(int(d.keys[n].last))
	}
	err := r.insist(ctx, float64(len(asked)), func(ctx context.Context) (units float64, left bool, err error) {
		var items []Item
		rest, units, err := r.Table.Get(ctx, asked, func(i Item) { items = append(items, i) })
		if err != nil {
			return 0, false, err
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		for _, i := range items {
			d.found(i.Store, i.Item, i.Known)
		}
		asked = rest
		return units, len(rest) > 0, nil
	})
	if err == nil {
		r.absent(d, keys, nil)
	}
	return err
}

// insist makes a call of about so many units until it has left nothing.
func (r *reader) insist(ctx context.Context, guess float64, call func(context.Context) (units float64, left bool, err error)) error {
	for failures := 0; ; failures++ {
		if err := r.Pace.Take(ctx, max(1, int(guess))); err != nil {
			return context.Cause(ctx)
		}
		limited, cancel := context.WithTimeout(ctx, callLimit)
		units, left, err := call(limited)
		cancel()
		if err != nil && ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err == nil {
			r.Trouble(nil)
			r.Pace.Consumed(units)
			r.Pace.Done(int(units + 0.5))
			if !left {
				return nil
			}
			r.Pace.Slow()
		} else if err := r.failed(err); err != nil {
			return err
		}
		if err := sleep.For(ctx, lanes.Jitter(failures)); err != nil {
			return err
		}
	}
}

// failed tells of an error; what it returns is not to be tried again.
func (r *reader) failed(err error) error {
	switch r.Judge(err) {
	case lanes.Refuse:
		return fmt.Errorf("%w: %w", lanes.ErrTableRefuses, err)
	case lanes.Throttle:
		r.Pace.Slow()
	default:
		r.Pace.Fail()
	}
	r.Trouble(err)
	return nil
}
