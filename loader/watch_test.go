package loader

// The watch by itself: many feeds and days, several instances.

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"inventoryd/internal/sandbox"
	"inventoryd/internal/state"
)

// Many feeds, days and three instances, of which the one that watches is cut off again and again, in the middle of whatever it does:
// all are told within five minutes of their deadlines, none twice, none wrongly. TEST_LONG makes it 200 feeds and 30 days.
func TestManyLateFeedsWithKills(t *testing.T) {
	feeds, days := 12, 4
	if os.Getenv("TEST_LONG") != "" {
		feeds, days = 200, 30
	}
	synctest.Test(t, func(t *testing.T) {
		box := sandbox.New()
		if err := box.Provision(t.Context()); err != nil {
			t.Fatal(err)
		}
		cfg := DefaultConfig()
		if _, err := state.Ensure(t.Context(), dynamodb.NewFromConfig(box.Config("test")), cfg.StateTable); err != nil {
			t.Fatal(err)
		}
		for n := range feeds {
			name := fmt.Sprintf("f%03d", n)
			cfg.Feeds = append(cfg.Feeds, Feed{Name: name, Pattern: sandbox.Bucket + "/" + name + "-*", Guard: Guard{Expect: Expect{By: fmt.Sprintf("%02d:%02d", 1+n%20, n%60)}}})
		}
		people := &people{seen: map[string]time.Time{}}
		turns := newTurns()
		cfg.Tell, cfg.Lead = people.tell, turns.lead
		ctx, end := context.WithCancel(t.Context())
		var running sync.WaitGroup
		var loaders []*Loader
		for i := range 3 {
			client := dynamodb.NewFromConfig(box.Config(fmt.Sprint("instance ", i)), func(o *dynamodb.Options) { o.DisableValidateResponseChecksum = true })
			clients := Clients{S3: s3.NewFromConfig(box.Config(fmt.Sprint("instance ", i)), func(o *s3.Options) { o.UsePathStyle = true }), Tables: client, State: client}
			l, err := New(clients, cfg)
			if err != nil {
				t.Fatal(err)
			}
			loaders = append(loaders, l)
			running.Go(func() { l.watchFeeds(ctx) })
		}
		begin := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
		late, uploads := plan(begin, feeds, days)
		kills := 0
		var came []string
		for i, u := range uploads {
			time.Sleep(time.Until(u.at))
			if _, err := box.Objects.Put(sandbox.Bucket, u.key, []byte(u.key)); err != nil {
				t.Fatal(err)
			}
			if i%3 > 0 || u.late != "" { // of the others nobody has noted anything: they wait in a queue
				feed, _ := cfg.feed(sandbox.Bucket, u.key)
				s := &sender{l: loaders[i%3], feed: feed}
				if err := s.bring(ctx, state.Brought{Bucket: sandbox.Bucket, Key: u.key, Version: state.Version{ETag: u.key, Modified: time.Now()}, At: time.Now()}, false); err != nil {
					t.Fatal(err)
				}
			}
			if u.late != "" {
				came = append(came, u.late)
			}
			if i%5 == 3 {
				turns.pass(time.Duration(i%90) * time.Second)
				kills++
			}
		}
		time.Sleep(time.Until(begin.AddDate(0, 0, days)))
		end()
		running.Wait()
		people.judge(t, late, came)
		t.Logf("%d feeds, %d days: %d late, %d of them came later, %d changes of the watch", feeds, days, len(late), len(came), kills)
	})
}

type upload struct {
	at   time.Time
	key  string
	late string // the deadline that it missed; empty: it comes in time
}

// plan says which deadlines are missed, and what is uploaded when.
func plan(begin time.Time, feeds, days int) (late map[string]time.Time, uploads []upload) {
	r := rand.New(rand.NewPCG(7, 8))
	late = map[string]time.Time{}
	for day := range days {
		for n := range feeds {
			name := fmt.Sprintf("f%03d", n)
			by := begin.AddDate(0, 0, day).Add(time.Duration(1+n%20)*time.Hour + time.Duration(n%60)*time.Minute)
			key := fmt.Sprintf("%s-%d.csv", name, day)
			if r.IntN(3) > 0 {
				uploads = append(uploads, upload{by.Add(-time.Duration(r.IntN(60)) * time.Minute), key, ""})
				continue
			}
			id := name + " " + instantID(by)
			late[id] = by
			if r.IntN(2) > 0 {
				uploads = append(uploads, upload{by.Add(time.Duration(10+r.IntN(100)) * time.Minute), key, id})
			}
		}
	}
	slices.SortFunc(uploads, func(a, b upload) int { return a.at.Compare(b.at) })
	return late, uploads
}

// people are told of each event once, as the notifier does it.
type people struct {
	mu   sync.Mutex
	seen map[string]time.Time // kind, feed and id: when it was told
}

func (p *people) tell(_ context.Context, e FeedEvent) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if id := e.Kind + " " + e.Feed + " " + e.ID; p.seen[id].IsZero() {
		p.seen[id] = time.Now()
	}
	return nil
}

func (p *people) judge(t *testing.T, late map[string]time.Time, came []string) {
	for id, by := range late {
		told := p.seen["feed_late "+id]
		if took := told.Sub(by); told.IsZero() || took > 5*time.Minute || took < 0 {
			t.Errorf("%s was told after %v", id, took)
		}
	}
	for id := range p.seen {
		if _, rest, _ := strings.Cut(id, " "); late[rest].IsZero() {
			t.Errorf("%s was told and was not late", id)
		}
	}
	for _, id := range came {
		if p.seen["feed_came "+id].IsZero() {
			t.Errorf("that %s has come was not told", id)
		}
	}
}

// turns gives the watch to one of several, as the daemon's group does, and cuts it off without a word.
type turns struct {
	free chan struct{}
	mu   sync.Mutex // guards cut
	cut  context.CancelFunc
}

func newTurns() *turns {
	t := &turns{free: make(chan struct{}, 1)}
	t.free <- struct{}{}
	return t
}

func (t *turns) lead(ctx context.Context, f func(context.Context) error) error {
	select {
	case <-t.free:
	case <-ctx.Done():
		return nil
	}
	defer func() { t.free <- struct{}{} }()
	good, cut := context.WithCancel(ctx)
	defer cut()
	t.mu.Lock()
	t.cut = cut
	t.mu.Unlock()
	return f(good)
}

// pass cuts the watch off after a while.
func (t *turns) pass(in time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.cut != nil {
		time.AfterFunc(in, t.cut)
	}
}
