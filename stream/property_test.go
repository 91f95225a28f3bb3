package stream

// Scenario 43: random graphs of shards, faults and crashes with one to five instances. A history that fails is
// shortened and printed as a script that runs.

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams/types"
)

// planted changes an instance's client of the streams: a bug. nil: none.
type planted func(Streams) Streams

// compose makes up a script from a seed.
func compose(seed uint64) []step {
	c := composer{rand.New(rand.NewPCG(seed, 43)), 0}
	c.most = 1 + int(seed%5)
	steps := []step{{"shards", []string{c.number(1, 4)}}, {"start", []string{"a"}}}
	for range 8 + c.IntN(14) {
		steps = append(steps, c.step())
		if c.IntN(2) == 0 {
			steps = append(steps, step{"sleep", []string{c.short(20 * time.Second)}})
		}
	}
	return steps
}

type composer struct {
	*rand.Rand
	most int // instances
}

func (c composer) number(low, high int) string { return fmt.Sprint(low + c.IntN(high-low+1)) }

// short is a while of at most d, mostly much less.
func (c composer) short(d time.Duration) string {
	return max(time.Millisecond, time.Duration(c.Float64()*c.Float64()*float64(d))).Round(time.Millisecond).String()
}

func (c composer) who() string { return string(rune('a' + c.IntN(c.most))) }

func (c composer) step() step {
	operations := []string{"*", "GetRecords", "GetShardIterator", "DescribeStream", "UpdateItem", "Query", "DescribeTable"}
	switch n := c.IntN(100); {
	case n < 30:
		return step{"put", []string{c.number(1, 12)}}
	case n < 45:
		return step{"start", []string{c.who()}}
	case n < 51:
		return step{"stop", []string{c.who()}}
	case n < 58:
		return step{"crash", []string{c.who()}}
	case n < 64:
		return step{"cut", []string{c.who(), c.short(40 * time.Second)}}
	case n < 72:
		return step{"roll", []string{c.number(0, 3)}}
	case n < 78:
		return step{"split", []string{c.number(0, 3)}}
	case n < 80:
		return step{"lag", []string{c.short(30 * time.Second)}}
	case n < 83:
		return step{"empty", []string{c.number(1, 70)}}
	case n < 93:
		ways := sortedWays()
		return step{"fault", []string{operations[c.IntN(len(operations))], ways[c.IntN(len(ways))], c.short(time.Minute)}}
	case n < 98:
		return step{"down", []string{c.short(40 * time.Second)}}
	default:
		return step{"reenable", []string{c.short(10 * time.Second)}}
	}
}

func sortedWays() []string {
	var names []string
	for name := range ways {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// fails plays a script until it fails: up to three times, for the jitter is not the script's. A planted bug needs no luck.
func fails(t *testing.T, steps []step, bug planted) []string {
	tries := 3
	if bug != nil {
		tries = 1
	}
	for range tries {
		if wrong := perform(t, steps, bug); len(wrong) > 0 {
			return wrong
		}
	}
	return nil
}

// shorten finds a short script that still fails: it leaves out ever smaller parts, then makes what is left smaller.
func shorten(t *testing.T, steps []step, bug planted) []step {
	for size := len(steps) / 2; size > 0; {
		shorter := false
		for from := 0; from+size <= len(steps); {
			left := slices.Concat(steps[:from], steps[from+size:])
			if len(fails(t, left, bug)) > 0 {
				steps, shorter = left, true
				continue
			}
			from += size
		}
		if !shorter || size > len(steps) {
			size = min(size/2, len(steps))
		}
	}
	for i := range steps {
		for _, smaller := range steps[i].smaller() {
			changed := slices.Clone(steps)
			changed[i] = smaller
			if len(fails(t, changed, bug)) > 0 {
				steps = changed
				break
			}
		}
	}
	return steps
}

// smaller are steps of the same kind with a smaller number or a shorter, rounder time, the smallest first.
func (s step) smaller() []step {
	if len(s.args) == 0 {
		return nil
	}
	last := len(s.args) - 1
	var values []string
	if n, err := strconv.Atoi(s.args[last]); err == nil && n > 1 {
		values = []string{"1", fmt.Sprint(n / 2)}
	} else if d := duration(s.args[last]); d > time.Second {
		values = []string{"1s", (d / 2).Round(time.Second).String(), d.Round(time.Second).String()}
	}
	var steps []step
	for _, v := range values {
		args := slices.Clone(s.args)
		args[last] = v
		steps = append(steps, step{s.verb, args})
	}
	return steps
}

// report prints a failing history as a script that runs.
func report(name string, steps []step, wrong []string) string {
	return fmt.Sprintf("%s\nIt is this script; as stream/testdata/scripts/%s.txt it is run by go test ./stream -run TestScripts/%s\n\n%s",
		strings.Join(wrong[:min(3, len(wrong))], "\n"), name, name, printScript(steps))
}

// TestScenario43RandomHistoriesKeepThePromises: as many as a budget of time allows, which are few under the race detector;
// or STREAM_SEEDS of them, however long that takes. STREAM_FIRST_SEED says which comes first.
func TestScenario43RandomHistoriesKeepThePromises(t *testing.T) {
	setting := func(name string, otherwise uint64) uint64 {
		if n, err := strconv.ParseUint(os.Getenv(name), 10, 64); err == nil {
			return n
		}
		return otherwise
	}
	first, most := setting("STREAM_FIRST_SEED", 1), setting("STREAM_SEEDS", 500)
	budget := time.Minute
	if os.Getenv("STREAM_SEEDS") != "" {
		budget = 24 * time.Hour
	}
	begun := time.Now()
	var next, played atomic.Uint64
	var mu sync.Mutex
	failed := map[uint64][]string{}
	t.Run("play", func(t *testing.T) {
		for worker := range runtime.GOMAXPROCS(0) {
			t.Run(fmt.Sprint(worker), func(t *testing.T) {
				t.Parallel()
				for time.Since(begun) < budget {
					n := next.Add(1) - 1
					mu.Lock()
					enough := len(failed) > 0
					mu.Unlock()
					if n >= most || enough {
						return
					}
					wrong := perform(t, compose(first+n), nil)
					played.Add(1)
					if len(wrong) > 0 {
						mu.Lock()
						failed[first+n] = wrong
						mu.Unlock()
					}
				}
			})
		}
	})
	t.Logf("%d histories of %d, seeds from %d, in %v", played.Load(), most, first, time.Since(begun).Round(time.Second))
	for seed, wrong := range failed {
		steps := shorten(t, compose(seed), nil)
		if again := fails(t, steps, nil); len(again) > 0 {
			wrong = again
		}
		t.Errorf("seed %d: %s", seed, report(fmt.Sprint("seed-", seed), steps, wrong))
	}
}

// forgetful is a bug: it goes on at the newest record instead of behind the checkpoint.
type forgetful struct{ Streams }

func (f forgetful) GetShardIterator(ctx context.Context, in *dynamodbstreams.GetShardIteratorInput, o ...func(*dynamodbstreams.Options)) (*dynamodbstreams.GetShardIteratorOutput, error) {
	if in.ShardIteratorType == types.ShardIteratorTypeAfterSequenceNumber {
		in = &dynamodbstreams.GetShardIteratorInput{StreamArn: in.StreamArn, ShardId: in.ShardId, ShardIteratorType: types.ShardIteratorTypeLatest}
	}
	return f.Streams.GetShardIterator(ctx, in, o...)
}

// TestPlantedBugIsFoundAndItsHistoryShortened: to a handful of steps, which fail when they are read again from their
// text.
func TestPlantedBugIsFoundAndItsHistoryShortened(t *testing.T) {
	t.Parallel()
	bug := func(s Streams) Streams { return forgetful{s} }
	for seed := uint64(1); ; seed++ {
		if seed > 100 {
			t.Fatal("100 histories do not find a reader that forgets")
		}
		steps := compose(seed)
		if len(perform(t, steps, bug)) == 0 {
			continue
		}
		short := shorten(t, steps, bug)
		text := printScript(short)
		again, err := parseScript(text)
		if err != nil {
			t.Fatalf("%v in\n%s", err, text)
		}
		wrong := fails(t, again, bug)
		if len(wrong) == 0 || len(short) > 8 {
			t.Errorf("seed %d: %d steps became %d, which fail: %v\n%s", seed, len(steps), len(short), len(wrong) > 0, text)
		} else {
			t.Logf("seed %d, %d steps: %s", seed, len(steps), report("forgetful", short, wrong))
		}
		if wrong := perform(t, again, nil); len(wrong) > 0 {
			t.Errorf("without the bug it fails too: %v", wrong)
		}
		return
	}
}
