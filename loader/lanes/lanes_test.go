package lanes

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"inventoryd/internal/sleep"
)

// table is a Table in memory that fails as it is told.
type table struct {
	mu    sync.Mutex // guards what follows
	rows  map[string]int64
	calls int
	most  int // rows of the largest batch
	fault func(call int, rows []Row) (left int, err error)
}

var (
	errThrottle = errors.New("throttle")
	errRefuse   = errors.New("refuse")
	errDown     = errors.New("down")
)

func (t *table) Put(ctx context.Context, rows []Row) ([]Row, float64, error) {
	if err := sleep.For(ctx, time.Duration(1+rand.IntN(20))*time.Millisecond); err != nil {
		return rows, 0, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.calls++
	t.most = max(t.most, len(rows))
	left := 0
	if t.fault != nil {
		var err error
		if left, err = t.fault(t.calls, rows); err != nil {
			return rows, 0, err
		}
	}
	seen := map[string]bool{}
	for i, r := range rows {
		key := string(r.Store) + "/" + string(r.Item)
		if seen[key] {
			return rows, 0, fmt.Errorf("%w: %s twice in a batch", errRefuse, key)
		}
		seen[key] = true
		if i >= left {
			t.rows[key] = r.Count
		}
	}
	return rows[:left], 0, nil
}

func config(t *table, n int) Config {
	return Config{
		Lanes: n, Table: t, Pace: &Pace{}, Trouble: func(error) {}, Throttled: func() {}, Refused: func(Row, error) {},
		Judge: func(err error) Verdict {
			switch {
			case errors.Is(err, errThrottle):
				return Throttle
			case errors.Is(err, errRefuse):
				return Refuse
			}
			return Retry
		},
	}
}

// TestTheLastRowOfAKeyWins writes few keys very often, through every fault, with the answers in any order.
func TestTheLastRowOfAKeyWins(t *testing.T) {
	for name, fault := range map[string]func(int, []Row) (int, error){
		"none":        nil,
		"unprocessed": func(_ int, rows []Row) (int, error) { return rand.IntN(len(rows) + 1), nil },
		"throttled":   func(call int, _ []Row) (int, error) { return 0, map[bool]error{true: errThrottle}[call%3 == 0] },
		"down":        func(call int, _ []Row) (int, error) { return 0, map[bool]error{true: errDown}[call%50 < 20] },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				to := &table{rows: map[string]int64{}, fault: fault}
				l := Start(t.Context(), config(to, 7))
				want := map[string]int64{}
				for i := range 20_000 {
					store, item := fmt.Sprint("s", rand.IntN(10)), fmt.Sprint("i", rand.IntN(100))
					want[store+"/"+item] = int64(i)
					if err := l.Add(t.Context(), Row{Store: []byte(store), Item: []byte(item), Count: int64(i)}); err != nil {
						t.Fatal(err)
					}
				}
				tally, err := l.Finish(t.Context())
				if err != nil || tally.Added != 20_000 || tally.Written+tally.Merged != 20_000 || to.most > BatchSize {
					t.Errorf("%+v, %v; largest batch %d", tally, err, to.most)
				}
				for key, count := range want {
					if to.rows[key] != count {
						t.Fatalf("%s is %d, the last row says %d", key, to.rows[key], count)
					}
				}
			})
		})
	}
}

func TestRefusedRowsAreFoundAndThenTheObjectFails(t *testing.T) {
	for bad := range 6 {
		t.Run(fmt.Sprint(bad), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				to := &table{rows: map[string]int64{}, fault: func(_ int, rows []Row) (int, error) {
					if slices.ContainsFunc(rows, func(r Row) bool { return r.Count < 0 }) {
						return 0, errRefuse
					}
					return 0, nil
				}}
				var mu sync.Mutex
				var refused []int64
				cfg := config(to, 3)
				cfg.Refused = func(r Row, _ error) {
					mu.Lock()
					defer mu.Unlock()
					refused = append(refused, r.Line)
				}
				l := Start(t.Context(), cfg)
				var err error
				for i := 0; i < 300 && err == nil; i++ {
					count := int64(1)
					if i%50 == 0 && i/50 < bad {
						count = -1
					}
					err = l.Add(t.Context(), Row{Store: []byte("s"), Item: fmt.Append(nil, i), Count: count, Line: int64(i)})
				}
				var tally Tally
				if err == nil {
					tally, err = l.Finish(t.Context())
				} else {
					tally = l.Abort()
				}
				if tally.Added != tally.Written+tally.Merged+tally.Refused+tally.Unwritten {
					t.Errorf("%+v does not balance", tally)
				}
				if bad <= RefusedRows {
					slices.Sort(refused)
					if err != nil || tally.Refused != int64(bad) || tally.Written != int64(300-bad) || len(refused) != bad {
						t.Errorf("%+v, %v, refused lines %v", tally, err, refused)
					}
					return
				}
				if !errors.Is(err, ErrTableRefuses) || tally.Refused != RefusedRows || tally.Unwritten == 0 {
					t.Errorf("%+v, %v", tally, err)
				}
			})
		})
	}
}

func TestAbortFinishesWhatIsBeingWrittenAndDropsTheRest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		to := &table{rows: map[string]int64{}}
		l := Start(t.Context(), config(to, 4))
		for i := range 1000 {
			if err := l.Add(t.Context(), Row{Store: []byte("s"), Item: fmt.Append(nil, i)}); err != nil {
				t.Fatal(err)
			}
		}
		tally := l.Abort()
		if tally.Added != 1000 || tally.Written != int64(len(to.rows)) || tally.Written+tally.Unwritten != 1000 || tally.Unwritten == 0 {
			t.Errorf("%+v, and %d rows are in the table", tally, len(to.rows))
		}
	})
}

func TestWritesEndWithTheirContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		to := &table{rows: map[string]int64{}, fault: func(int, []Row) (int, error) { return 0, errDown }}
		cause := errors.New("lost")
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(time.Minute, func() { cancel(cause) })
		l := Start(ctx, config(to, 4))
		var err error
		for i := 0; err == nil; i++ {
			err = l.Add(t.Context(), Row{Store: []byte("s"), Item: fmt.Append(nil, i)})
		}
		if !errors.Is(err, cause) {
			t.Errorf("Add says %v", err)
		}
		if tally := l.Abort(); tally.Unwritten != tally.Added || len(to.rows) != 0 {
			t.Errorf("%+v", tally)
		}
	})
}

// TestATableThatIsDownIsProbed counts the calls of an hour in which everything fails.
func TestATableThatIsDownIsProbed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		mended := time.Now().Add(time.Hour)
		to := &table{rows: map[string]int64{}}
		to.fault = func(int, []Row) (int, error) {
			if time.Now().Before(mended) {
				return 0, errDown
			}
			return 0, nil
		}
		l := Start(t.Context(), config(to, 64))
		for i := range 1600 {
			if err := l.Add(t.Context(), Row{Store: []byte("s"), Item: fmt.Append(nil, i)}); err != nil {
				t.Fatal(err)
			}
		}
		if tally, err := l.Finish(t.Context()); err != nil || tally.Written != 1600 {
			t.Errorf("%+v, %v", tally, err)
		}
		if to.calls > 1000 {
			t.Errorf("%d calls within an hour", to.calls)
		}
		if late := time.Since(mended); late > 30*time.Second {
			t.Errorf("done %v after the table was mended", late)
		}
	})
}

func TestPaceFollowsTheTable(t *testing.T) {
	now := time.Unix(0, 0)
	var p pace
	if p.take(now, 25) != 0 {
		t.Error("a pace that knows no throttle waits")
	}
	for range 200 { // 2 s at 2500 rows per second
		p.done(now, 25)
		now = now.Add(10 * time.Millisecond)
	}
	p.slow(now)
	first := p.rate
	if first < 1500 || first > 2500 {
		t.Errorf("after a throttle at 2500 rows/s the rate is %v", first)
	}
	p.slow(now.Add(settle / 2))
	if p.rate != first {
		t.Error("throttles at one moment are counted twice")
	}
	granted := 0
	for end := now.Add(10 * time.Second); now.Before(end); {
		if wait := p.take(now, 25); wait > 0 {
			now = now.Add(wait)
			continue
		}
		granted += 25
		p.done(now, 25)
	}
	if perSecond := float64(granted) / 10; perSecond < first || perSecond > first*2 {
		t.Errorf("%v rows/s in the ten seconds after, from a rate of %v", perSecond, first)
	}
	if p.rate <= first {
		t.Error("the rate does not rise again")
	}
	for range 100 {
		now = now.Add(time.Second)
		p.slow(now)
	}
	if p.rate != slowest {
		t.Errorf("the rate falls to %v", p.rate)
	}
}
