package loader_test

// Feeds that are wrong or incomplete, through the whole loader.

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/google/go-cmp/cmp"

	"inventoryd/internal/inventory"
	"inventoryd/internal/sandbox"
	"inventoryd/internal/state"
	"inventoryd/loader"
	"inventoryd/loader/event"
)

// news is what people were told, once each.
type news struct {
	mu   sync.Mutex
	told []loader.FeedEvent
	seen map[string]bool
}

// follow makes the loaders tell to n, as the notifier does: the same event again changes nothing.
func (w *world) follow() *news {
	n := &news{seen: map[string]bool{}}
	w.config.Tell = func(_ context.Context, e loader.FeedEvent) error {
		n.mu.Lock()
		defer n.mu.Unlock()
		if id := e.Kind + " " + e.Feed + " " + e.ID; !n.seen[id] {
			n.seen[id] = true
			n.told = append(n.told, e)
		}
		return nil
	}
	return n
}

// of lists the feeds that were told of, by kind.
func (n *news) of(kind string) (feeds []string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, e := range n.told {
		if e.Kind == kind {
			feeds = append(feeds, e.Feed)
		}
	}
	return feeds
}

// want fails unless exactly these kinds were told, in this order.
func (n *news) want(t *testing.T, kinds ...string) {
	t.Helper()
	n.mu.Lock()
	defer n.mu.Unlock()
	var got []string
	for _, e := range n.told {
		got = append(got, e.Kind)
	}
	if fmt.Sprint(got) != fmt.Sprint(kinds) {
		t.Errorf("told were %v, want %v: %+v", got, kinds, n.told)
	}
}

// gated is a feed of the pattern *key* with a gate.
func gated(name string) loader.Feed {
	return loader.Feed{Name: name, Pattern: "*" + name + "*", Guard: loader.Guard{Gate: loader.Gate{Action: "hold"}}}
}

// rowsOf makes a feed's file of so many rows of a store.
func rowsOf(store string, n int, count func(int) int) string {
	var b strings.Builder
	b.WriteString("store,item,count\n")
	for i := range n {
		fmt.Fprintf(&b, "%s,item %d,%d\n", store, i, count(i))
	}
	return b.String()
}

func always(n int) func(int) int { return func(int) int { return n } }

// release does what the command does.
func (w *world) release(key string) {
	w.Helper()
	ctx := context.Background()
	row, ok, err := state.LoadNamed(ctx, w.dynamo("test"), w.config.StateTable, w.config.App, sandbox.Bucket, key)
	if err != nil || !ok || row.Last.Status != "held" {
		w.Fatalf("%s is not held: %+v, %v", key, row, err)
	}
	if _, err := w.dynamo("test").UpdateItem(ctx, state.ReleaseLoad(w.config.StateTable, w.config.App, sandbox.Bucket, key, row.Last.Version.ETag, time.Now())); err != nil {
		w.Fatal(err)
	}
	w.again(key)
}

// again sends an object's event once more.
func (w *world) again(key string) {
	w.Helper()
	client := sqs.NewFromConfig(w.Config("test"))
	url, err := client.GetQueueUrl(context.Background(), &sqs.GetQueueUrlInput{QueueName: aws.String(sandbox.EventQueue)})
	if err != nil {
		w.Fatal(err)
	}
	body := event.Again(sandbox.Bucket, key)
	if _, err := client.SendMessage(context.Background(), &sqs.SendMessageInput{QueueUrl: url.QueueUrl, MessageBody: &body}); err != nil {
		w.Fatal(err)
	}
}

// daily loads a day's upload and goes on to the next day, on which nobody waits at the queue.
func (w *world) daily(key, body string) loader.Progress {
	w.Helper()
	i := w.start("daily")
	w.put(key, body)
	w.quiet(time.Minute)
	i.stop()
	time.Sleep(24 * time.Hour)
	return i.Status().Recent[0]
}

// feed is the feed's row.
func (w *world) feed(name string) state.Feed {
	w.Helper()
	f, _, err := state.FeedNamed(context.Background(), w.dynamo("test"), w.config.StateTable, w.config.App, name)
	if err != nil {
		w.Fatal(err)
	}
	return f
}

// Each kind of wrong upload is held: nothing of it is written, people are told once, and the event is done with.
func TestWhatIsUnlikeTheLastUploadIsHeldBack(t *testing.T) {
	swapped := strings.ReplaceAll(rowsOf("Berlin", 100, always(7)), "store,item,count", "item,store,count")
	for name, body := range map[string]string{
		"truncated": rowsOf("Berlin", 40, always(7)), "a header only": "store,item,count\n", "all zeros": rowsOf("Berlin", 100, always(0)),
		"store and item swapped": swapped, "another sender's": rowsOf("Bonn", 100, always(7)),
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				w.config.Feeds = []loader.Feed{gated("berlin")}
				told := w.follow()
				i := w.start("a")
				good := rowsOf("Berlin", 100, always(5))
				w.put("berlin.csv", good)
				w.quiet(time.Minute)
				before := w.rows()
				if f := w.feed("berlin"); f.Good == nil || f.Good.Rows != 100 || f.Good.Zeros != 0 || f.Good.StoreCount != 1 || fmt.Sprint(f.Good.Stores) != "[Berlin]" {
					t.Fatalf("%+v", f.Good)
				}
				w.put("berlin.csv", body)
				w.quiet(time.Minute)
				w.again("berlin.csv") // and however often its event comes
				w.quiet(time.Minute)
				w.exact(before)
				told.want(t, "feed_held")
				p := i.balanced()
				if s := i.Status().Recent[0]; s.Outcome != "held" || p.Failed > 0 {
					t.Errorf("%+v", s)
				}
				if f := w.feed("berlin"); f.Held == nil || f.Held.Note == "" || f.Good.Rows != 100 {
					t.Errorf("%+v", f)
				}
				// A better one takes its place.
				w.put("berlin.csv", rowsOf("Berlin", 90, always(9)))
				w.quiet(time.Minute)
				told.want(t, "feed_held")
				if f := w.feed("berlin"); f.Held != nil || f.Good.Rows != 90 {
					t.Errorf("%+v", f)
				}
			})
		})
	}
}

func TestWhatIsReleasedIsLoadedAndOnlyThat(t *testing.T) {
	inWorld(t, func(w *world) {
		w.config.Feeds = []loader.Feed{gated("berlin")}
		told := w.follow()
		w.start("a")
		w.put("berlin.csv", rowsOf("Berlin", 100, always(5)))
		w.quiet(time.Minute)
		w.put("berlin.csv", rowsOf("Berlin", 30, always(6)))
		w.quiet(time.Minute)
		told.want(t, "feed_held")
		w.release("berlin.csv")
		w.quiet(time.Minute)
		want := map[inventory.Key]int64{}
		for i := range 100 {
			want[inventory.Key{Store: "Berlin", Item: fmt.Sprint("item ", i)}] = int64(5 + boolean(i < 30))
		}
		w.exact(want)
		if f := w.feed("berlin"); f.Held != nil || f.Good.Rows != 30 { // what was released is what is usual now
			t.Errorf("%+v", f)
		}
		// The release was for that upload: another one is judged.
		w.put("berlin.csv", rowsOf("Berlin", 3, always(1)))
		w.quiet(time.Minute)
		told.want(t, "feed_held", "feed_held")
		// A newer upload takes the place of what is being released.
		w.put("berlin.csv", rowsOf("Berlin", 4, always(1)))
		w.quiet(time.Minute)
		told.want(t, "feed_held", "feed_held", "feed_held")
		w.exact(want)
	})
}

func boolean(b bool) int {
	if b {
		return 1
	}
	return 0
}

// A hundred truncations beyond the limit and thirty days of jitter within it, through the whole loader.
func TestRandomTruncationsAreHeldAndJitterIsNot(t *testing.T) {
	inWorld(t, func(w *world) {
		w.config.Feeds = []loader.Feed{gated("berlin")}
		told := w.follow()
		r := rand.New(rand.NewPCG(3, 4))
		for day := range 30 {
			w.daily(fmt.Sprintf("berlin-%02d.csv", day), rowsOf("Berlin", 80+r.IntN(41), always(5)))
		}
		told.want(t)
		i := w.start("a")
		last := w.feed("berlin").Good.Rows
		before, writes, stores := w.rows(), i.Status().Total.Books.Written, w.storeRows()
		const cuts = 100
		for n := range cuts {
			// Each says something else, of stores that nobody has heard of too: what is held leaves no trace of them.
			cut := rowsOf("Berlin", 1+r.IntN(int(last-1)/2-1), always(0)) + fmt.Sprintf("Phantom %d,x,%d\n", n, n)
			w.put("berlin-cut.csv", cut)
			w.quiet(time.Minute)
		}
		w.exact(before)
		if n := i.Status().Total.Books.Written; n != writes {
			t.Errorf("%d rows of what is held were written", n-writes)
		}
		if diff := cmp.Diff(stores, w.storeRows()); diff != "" {
			t.Errorf("what is held is said to have loaded stores: %s", diff)
		}
		if n := len(told.of("feed_held")); n != cuts || len(told.told) != cuts {
			t.Errorf("told were %d times that it is held: %d messages", n, len(told.told))
		}
	})
}

// storeRows are the keys of the state table's rows that say which feed loads which store.
func (w *world) storeRows() (keys []string) {
	w.Helper()
	pages := dynamodb.NewScanPaginator(w.dynamo("test"), &dynamodb.ScanInput{TableName: &w.config.StateTable})
	for pages.HasMorePages() {
		page, err := pages.NextPage(context.Background())
		if err != nil {
			w.Fatal(err)
		}
		for _, row := range page.Items {
			if pk := row[state.PK].(*types.AttributeValueMemberS).Value; strings.HasPrefix(pk, w.config.App+"#store#") {
				keys = append(keys, pk)
			}
		}
	}
	if len(keys) == 0 {
		w.Error("no store is known at all")
	}
	slices.Sort(keys)
	return keys
}

// An event that comes late, of an older file of the feed, neither undoes what is held nor becomes what is usual.
func TestAnOlderFileOfTheFeedChangesNothingInItsRow(t *testing.T) {
	inWorld(t, func(w *world) {
		w.config.Feeds = []loader.Feed{gated("berlin")}
		w.follow()
		w.put("berlin-1.csv", rowsOf("Berlin", 100, always(5)))
		time.Sleep(time.Minute)
		w.put("berlin-2.csv", rowsOf("Berlin", 100, always(6)))
		w.Queues.Drain(sandbox.EventQueue)
		w.again("berlin-2.csv")
		w.start("a")
		w.quiet(time.Minute)
		w.again("berlin-1.csv")
		w.quiet(time.Minute)
		if f := w.feed("berlin"); f.Good.Key != "berlin-2.csv" {
			t.Errorf("%+v", f.Good)
		}
	})
}

func TestRejectsOfAGatedFeedAreReportedOnce(t *testing.T) {
	inWorld(t, func(w *world) {
		w.config.Feeds = []loader.Feed{gated("berlin")}
		i := w.start("a")
		w.put("berlin.csv", rowsOf("Berlin", 10, always(5))+"Berlin,bad,many\n")
		w.quiet(time.Minute)
		if b := i.balanced().Books; b.Read != 11 || b.Written != 10 || b.Rejected != 1 {
			t.Errorf("%+v", b)
		}
	})
}

func TestAFeedThatCannotBeLoadedIsTold(t *testing.T) {
	inWorld(t, func(w *world) {
		w.config.OnBadObject = "drop"
		told := w.follow()
		w.start("a")
		w.put("bonn-2026-11-26.csv", "Artikel,Menge\nLampe,3\n")
		w.quiet(time.Minute)
		told.want(t, "feed_failed")
		if e := told.told[0]; e.Feed != "inventory/bonn-#.csv" || !strings.Contains(e.Reason, "no usable header") && !strings.Contains(e.Reason, "store") {
			t.Errorf("%+v", e)
		}
	})
}
