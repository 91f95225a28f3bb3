package lanes

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"inventoryd/internal/sleep"
)

// partitions is a Table that takes what DynamoDB does: 1,000 rows per second and partition, a second's worth at once.
type partitions struct {
	of func(store string) int

	mu        sync.Mutex // guards what follows
	levels    []float64
	at        time.Time
	rows      map[string]int64
	calls     int
	throttled int
	written   int
}

func newPartitions(n int, of func(string) int) *partitions {
	p := &partitions{of: of, levels: make([]float64, n), at: time.Now(), rows: map[string]int64{}}
	for i := range p.levels {
		p.levels[i] = partition
	}
	return p
}

func (p *partitions) Put(ctx context.Context, rows []Row) ([]Row, float64, error) {
	if err := sleep.For(ctx, 5*time.Millisecond); err != nil {
		return rows, 0, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	for i := range p.levels {
		p.levels[i] = min(partition, p.levels[i]+now.Sub(p.at).Seconds()*partition)
	}
	p.at = now
	p.calls++
	left := 0
	for i := range rows {
		at := p.of(string(rows[i].Store))
		if p.levels[at] <= 0 {
			rows[left], rows[i] = rows[i], rows[left]
			left++
			continue
		}
		p.levels[at]--
		p.written++
		p.rows[string(rows[i].Store)+"/"+string(rows[i].Item)] = rows[i].Count
	}
	if left > 0 {
		p.throttled++
	}
	if left == len(rows) {
		return rows, 0, errThrottle
	}
	return rows[:left], 0, nil
}

// feed adds rows to lanes, which write to p at the pace that the table is said to admit, and returns how long it took.
func (p *partitions) feed(t *testing.T, admits float64, rows int, row func(i int) (store, item string)) time.Duration {
	t.Helper()
	cfg := config(nil, 64)
	cfg.Table = p
	if admits > 0 {
		cfg.Pace.Admits = func(context.Context) (float64, error) { return admits, nil }
	}
	began := time.Now()
	l := Start(t.Context(), cfg)
	for i := range rows {
		store, item := row(i)
		if err := l.Add(t.Context(), Row{Store: []byte(store), Item: []byte(item), Count: int64(i)}); err != nil {
			t.Error(err)
			break
		}
	}
	if tally, err := l.Finish(t.Context()); err != nil || tally.Written != int64(rows) {
		t.Errorf("%+v, %v", tally, err)
	}
	return time.Since(began)
}

// TestTheTablesCapacityIsUsed loads for half a minute into tables of 1, 4 and 40 partitions, with and without knowing
// what they admit.
func TestTheTablesCapacityIsUsed(t *testing.T) {
	for _, n := range []int{1, 4, 40} {
		for _, known := range []bool{true, false} {
			if n == 40 && !known {
				continue // as with 4, at the cost of seconds
			}
			t.Run(fmt.Sprintf("%d partitions, known %t", n, known), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					stores := 10 * n
					p := newPartitions(n, func(store string) int { var i int; fmt.Sscan(store, &i); return i % n })
					admits, rows := 0.0, 30*1000*n
					if n == 40 {
						rows = 10 * 1000 * n
					}
					if known {
						admits = float64(1000 * n)
					}
					took := p.feed(t, admits, rows, func(i int) (string, string) { return fmt.Sprint(i % stores), fmt.Sprint(i) })
					if len(p.rows) != rows {
						t.Errorf("%d rows in the table", len(p.rows))
					}
					efficiency := float64(rows) / took.Seconds() / float64(1000*n)
					share := float64(p.throttled) / float64(p.calls)
					t.Logf("%.3f of what the table admits, %.4f of %d calls throttled", efficiency, share, p.calls)
					least, most := 0.95, 0.01
					if !known { // it is found out by throttling
						least, most = 0.7, 0.25
					}
					if efficiency < least || share > most {
						t.Errorf("%.3f of what the table admits, %.4f of %d calls throttled", efficiency, share, p.calls)
					}
				})
			})
		}
	}
}

// TestStoresThatAreHeldBackFillTheirCalls loads more stores, each a partition, than their paces have rows for at any moment.
func TestStoresThatAreHeldBackFillTheirCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const stores, rows = 30, 60_000
		p := newPartitions(stores, func(store string) int { var i int; fmt.Sscan(store, &i); return i })
		took := p.feed(t, 0, rows, func(i int) (string, string) { return fmt.Sprint(i % stores), fmt.Sprint(i) })
		if p.calls > rows/BatchSize*102/100 || took > 2100*time.Millisecond {
			t.Errorf("%d calls for %d rows, in %v", p.calls, rows, took)
		}
	})
}

// TestSortedFeedsUseAllPartitions compares stores that follow each other with what one partition would take.
func TestSortedFeedsUseAllPartitions(t *testing.T) {
	for _, c := range []struct {
		each    int
		speedup float64
	}{{2000, 10}, {50_000, 1}} {
		t.Run(fmt.Sprint(c.each), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				const stores = 20
				p := newPartitions(stores, func(store string) int { var i int; fmt.Sscan(store, &i); return i })
				rows := stores * c.each
				if c.each > 2000 {
					rows = 4 * c.each
				}
				took := p.feed(t, 1000*stores, rows, func(i int) (string, string) { return fmt.Sprint(i / c.each), fmt.Sprint(i) })
				speedup := float64(rows) / 1000 / took.Seconds()
				share := float64(p.throttled) / float64(p.calls)
				t.Logf("%.1f times the rate of one partition; %.4f of %d calls throttled", speedup, share, p.calls)
				if speedup < c.speedup || share > 0.01 {
					t.Errorf("%.1f times the rate of one partition; %.4f of %d calls throttled", speedup, share, p.calls)
				}
			})
		})
	}
}

// TestAFullPartitionSlowsItsOwnStoresOnly writes a store that is far too fast for its partition beside others.
func TestAFullPartitionSlowsItsOwnStoresOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPartitions(21, func(store string) int {
			if store == "hot" {
				return 20
			}
			var i int
			fmt.Sscan(store, &i)
			return i
		})
		p.levels[20] = -20_000 // others use that partition: nothing for 20 s
		cfg := config(nil, 64)
		cfg.Table = p
		cfg.Pace.Admits = func(context.Context) (float64, error) { return 1100, nil }
		l := Start(t.Context(), cfg)
		for i := range 20_000 {
			store := "hot"
			if i%2 == 0 {
				store = fmt.Sprint(i % 20)
			}
			if err := l.Add(t.Context(), Row{Store: []byte(store), Item: fmt.Append(nil, i)}); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(11 * time.Second)
		p.mu.Lock()
		others, calls, throttled := p.written, p.calls, p.throttled
		p.mu.Unlock()
		if others < 9_900 {
			t.Errorf("only %d rows of the other stores are written after 11 s", others)
		}
		if throttled > 30 {
			t.Errorf("%d of %d calls were throttled", throttled, calls)
		}
		if tally, err := l.Finish(t.Context()); err != nil || tally.Written != 20_000 {
			t.Errorf("%+v, %v", tally, err)
		}
	})
}

// TestThreeInstancesShareTheCapacity has each take its third of a table, at the same time.
func TestThreeInstancesShareTheCapacity(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const n, rows = 4, 20 * 1000 * 4 / 3
		p := newPartitions(n, func(store string) int { var i int; fmt.Sscan(store, &i); return i % n })
		began := time.Now()
		var instances sync.WaitGroup
		for k := range 3 {
			instances.Go(func() {
				p.feed(t, 1000.0*n/3, rows, func(i int) (string, string) { return fmt.Sprint(i % (10 * n)), fmt.Sprint(k, "/", i) })
			})
		}
		instances.Wait()
		efficiency, share := float64(3*rows)/time.Since(began).Seconds()/(1000*n), float64(p.throttled)/float64(p.calls)
		t.Logf("%.3f of what the table admits, %.4f of %d calls throttled", efficiency, share, p.calls)
		if efficiency < 0.95 || share > 0.01 || len(p.rows) != 3*rows {
			t.Errorf("%.3f of what the table admits, %.4f of the calls throttled, %d rows", efficiency, share, len(p.rows))
		}
	})
}
