package stream

// This file: a history as a script: what befalls a table, its stream and up to five instances, one step a line. The
// property test makes them up, shortens one that fails and prints it; kept in testdata/scripts it is a test.

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"inventoryd/internal/sandbox"
	"inventoryd/internal/sandbox/fault"
)

// step is a line of a script. A step that makes no sense where it stands does nothing: so every part of a script is one.
type step struct {
	verb string
	args []string
}

func (s step) String() string { return strings.Join(append([]string{s.verb}, s.args...), " ") }

// verbs are the steps that there are.
var verbs = map[string]struct {
	args int
	what string
	do   func(*play, []string)
}{
	"shards":   {1, "the stream begins with so many shards; only as the first line", func(*play, []string) {}},
	"start":    {1, "an instance starts: a, b, c, d or e", (*play).start},
	"stop":     {1, "an instance is told to stop", (*play).stop},
	"crash":    {1, "an instance ends as by kill -9", (*play).crash},
	"cut":      {2, "an instance reaches nothing for a while", (*play).cut},
	"put":      {1, "so many items change, each once", (*play).put},
	"sleep":    {1, "time passes", (*play).sleep},
	"roll":     {1, "the n-th open shard closes and has a child", (*play).roll},
	"split":    {1, "the n-th open shard closes and has two children", (*play).split},
	"lag":      {1, "children born from now on are listed so much later", (*play).lag},
	"empty":    {1, "the next pages hold no records", (*play).empty},
	"fault":    {3, "every second call of an operation (or of all: *) goes wrong in some way for a while", (*play).fault},
	"down":     {1, "the handler's dependency is down for a while", (*play).down},
	"reenable": {1, "the stream is off for a while and then a new one", (*play).reenable},
}

// ways in which a call goes wrong.
var ways = map[string]fault.Effect{
	"throttled": fault.Throttle, "unavailable": fault.Unavailable, "reset": {Reset: true}, "unanswered": {Drop: true}, "half": {Half: true},
	"slow": {Delay: 3 * time.Second}, "limited": limitExceeded, "expired": expiredIterator,
}

// parseScript reads a script.
func parseScript(text string) ([]step, error) {
	var steps []step
	for n, line := range strings.Split(text, "\n") {
		line, _, _ = strings.Cut(line, "#")
		fields := strings.Fields(line)
		if len(fields) == 0 {
			continue
		}
		verb, ok := verbs[fields[0]]
		if !ok || len(fields) != 1+verb.args {
			return nil, fmt.Errorf("line %d: %q is no step", n+1, line)
		}
		steps = append(steps, step{fields[0], fields[1:]})
	}
	return steps, nil
}

func printScript(steps []step) string {
	var b strings.Builder
	for _, s := range steps {
		fmt.Fprintln(&b, s)
	}
	return b.String()
}

// play is a script that is being played.
type play struct {
	*world
	running map[string]*instance
	lives   map[string]*int // of each name
	heals   map[*time.Timer]func()
}

// playLease is the instances' lease: short, so that a history is.
const playLease = 10 * time.Second

// perform plays a script to its end and judges it. What it reports is what was wrong.
func perform(t *testing.T, steps []step, planted planted) (wrong []string) {
	synctest.Test(t, func(t *testing.T) {
		found := &findings{TB: t}
		core, log := observer.New(zap.InfoLevel)
		w := &world{TB: found, sandbox: sandbox.New(), log: log, core: zap.New(core), lease: playLease, planted: planted}
		w.sdk = func(start int) bool { return start%4 == 2 }
		w.db = dynamodb.NewFromConfig(w.sandbox.Config("writer"))
		p := &play{world: w, running: map[string]*instance{}, lives: map[string]*int{}, heals: map[*time.Timer]func(){}}
		defer func() {
			if gone := recover(); gone != nil && gone != errGivenUp {
				panic(gone)
			}
			wrong = found.all
		}()
		defer p.close()
		w.sandbox.Tables.SetShards(1)
		if len(steps) > 0 && steps[0].verb == "shards" {
			w.sandbox.Tables.SetShards(number(steps[0].args[0]))
		}
		w.sandbox.Tables.SetRollover(0)
		w.sandbox.Tables.OnRecord(w.history.commit)
		w.sandbox.Fault(fault.Rule{Match: w.history.attempt})
		w.spy()
		w.createTable(bothImages)
		time.Sleep(time.Second)
		for _, s := range steps {
			verbs[s.verb].do(p, s.args)
		}
		p.finish()
		w.judgeHistory()
	})
	return wrong
}

// finish mends everything and waits until all is delivered.
func (p *play) finish() {
	for timer, heal := range p.heals {
		timer.Stop()
		heal()
	}
	p.heals = nil
	p.behave(nil)
	if len(p.running) == 0 {
		p.start([]string{"a"})
	}
	for range 12 * 10 { // a stream that was enabled anew waits for five minutes, and children for their listing
		if p.history.delivered() == len(p.history.written) {
			break
		}
		time.Sleep(5 * time.Second)
	}
	time.Sleep(5 * time.Second)
	for _, name := range sortedKeys(p.running) {
		p.stop([]string{name})
	}
	for _, done := range p.dying {
		<-done
	}
	p.survey()
}

// close ends whatever runs.
func (p *play) close() {
	for timer := range p.heals {
		timer.Stop()
	}
	for _, r := range p.running {
		r.crash()
	}
}

func sortedKeys(m map[string]*instance) []string {
	var keys []string
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

func (p *play) start(args []string) {
	if p.running[args[0]] != nil || len(p.running) == 5 {
		return
	}
	time.Sleep(time.Duration(2*p.starts+1) * time.Nanosecond) // no two timers at one instant
	if p.lives[args[0]] == nil {
		p.lives[args[0]] = new(int)
	}
	p.running[args[0]] = p.world.start(func(c *Config) {
		c.LeaseDuration, c.IdlePoll = playLease, rare
		c.name, c.lives = args[0], p.lives[args[0]]
	})
}

func (p *play) stop(args []string) {
	if r := p.running[args[0]]; r != nil {
		delete(p.running, args[0])
		r.stop()
	}
}

func (p *play) crash(args []string) {
	if r := p.running[args[0]]; r != nil {
		delete(p.running, args[0])
		r.crash()
	}
}

func (p *play) cut(args []string) {
	if r := p.running[args[0]]; r != nil {
		p.forAWhile(fault.Rule{Client: r.name, Effect: fault.Effect{Reset: true}}, duration(args[1]))
	}
}

func (p *play) forAWhile(r fault.Rule, d time.Duration) {
	p.later(d, p.world.fault(r))
}

// later does something when a while has passed, or at the end.
func (p *play) later(d time.Duration, f func()) {
	p.heals[time.AfterFunc(d, f)] = f
}

func (p *play) fault(args []string) {
	r := fault.Rule{Effect: ways[args[1]], Every: 2, Match: func(c fault.Call) bool {
		return strings.HasPrefix(c.Client, "reader-") && (args[1] != "expired" || c.Operation == "GetRecords") // no other call gives it
	}}
	if args[0] != "*" {
		r.Operation = args[0]
	}
	p.forAWhile(r, duration(args[2]))
}

func (p *play) put(args []string)   { p.spread(number(args[0])) }
func (p *play) sleep(args []string) { time.Sleep(duration(args[0])) }

func (p *play) lag(args []string)   { _ = p.sandbox.Tables.SetListingLag(table, duration(args[0])) }
func (p *play) empty(args []string) { _ = p.sandbox.Tables.EmptyPages(table, number(args[0])) }
func (p *play) roll(args []string)  { p.succeed(args[0], func(id string) { p.world.roll(id) }) }

func (p *play) split(args []string) {
	p.succeed(args[0], func(id string) {
		_, err := p.sandbox.Tables.Split(table, id)
		p.must(err)
	})
}

func (p *play) succeed(nth string, close func(id string)) {
	var open []string
	for _, s := range p.shards() {
		if s.Open {
			open = append(open, s.ID)
		}
	}
	if len(open) > 0 && len(open) < 12 {
		close(open[number(nth)%len(open)])
	}
	p.survey()
}

func (p *play) down(args []string) {
	p.behave(func(_ context.Context, batch []Record) error { return FailedAt(len(batch)/2, errors.New("down")) })
	p.later(duration(args[0]), func() { p.behave(nil) })
}

func (p *play) reenable(args []string) {
	p.survey()
	p.world.reenable(duration(args[0]))
}

func number(text string) int {
	n, _ := strconv.Atoi(text) // of a script's own making
	return n
}

func duration(text string) time.Duration {
	d, _ := time.ParseDuration(text)
	return d
}

// findings collects what a test would say. A run that is given up ends by a panic.
type findings struct {
	testing.TB
	all []string
}

var errGivenUp = errors.New("given up")

func (f *findings) Helper()           {}
func (f *findings) Error(args ...any) { f.all = append(f.all, fmt.Sprint(args...)) }
func (f *findings) Errorf(format string, args ...any) {
	f.all = append(f.all, fmt.Sprintf(format, args...))
}
func (f *findings) Fatal(args ...any)                 { f.Error(args...); panic(errGivenUp) }
func (f *findings) Fatalf(format string, args ...any) { f.Errorf(format, args...); panic(errGivenUp) }

// TestScripts plays the scripts that are kept: histories that once went wrong.
func TestScripts(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("testdata", "scripts", "*.txt"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			steps, err := parseScript(string(text))
			if err != nil {
				t.Fatalf("%s: %v", file, err)
			}
			for _, wrong := range perform(t, steps, nil) {
				t.Error(wrong)
			}
		})
	}
}
