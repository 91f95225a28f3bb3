package loader_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"inventoryd/internal/inventory"
	"inventoryd/internal/sandbox"
	"inventoryd/internal/sandbox/objects"
	"inventoryd/internal/sandbox/queues"
	"inventoryd/internal/sandbox/topics"
)

func TestAFileInTheBucketBecomesRows(t *testing.T) {
	inWorld(t, func(w *world) {
		i := w.start("a")
		feed, want := feedOf(1000, "Berlin", "Osaka", "Quito")
		w.put("feed.csv", feed)
		w.quiet(time.Minute)
		w.exact(want)
		if total := i.balanced(); total.Loaded != 1 || total.Books.Read != 1000 {
			t.Errorf("total %+v", total)
		}
		if err := i.Ready(); err != nil {
			t.Errorf("not ready: %v", err)
		}
	})
}

func TestTheSampleFeedsOneByOneAllAtOnceAndAgain(t *testing.T) {
	paths, err := filepath.Glob("../samples/*.csv")
	if err != nil || len(paths) != 6 {
		t.Fatalf("samples: %v, %v", paths, err)
	}
	inWorld(t, func(w *world) {
		i := w.start("a")
		for round := range 3 {
			for _, path := range paths {
				text, err := os.ReadFile(path)
				if err != nil {
					t.Fatal(err)
				}
				w.put(filepath.Base(path), string(text))
				if round == 0 {
					w.quiet(time.Minute)
				}
			}
			w.quiet(time.Minute)
		}
		if n := len(w.rows()); n != 36 {
			t.Errorf("%d rows, want 36", n)
		}
		if total := i.balanced(); total.Loaded != 18 || total.Books.Written != 3*36 {
			t.Errorf("total %+v", total)
		}
	})
}

// TestEveryShapeLoadsEveryKey sends the events of S3, SNS and EventBridge themselves, so that each shape is tried with
// each key.
func TestEveryShapeLoadsEveryKey(t *testing.T) {
	shapes := map[string]func(objects.Event) string{
		"direct": func(e objects.Event) string { return string(e.Direct()) },
		"SNS": func(e objects.Event) string {
			return topics.Wrap(sandbox.Topic, "Amazon S3 Notification", string(e.Direct()), e.Time)
		},
		"raw SNS":            func(e objects.Event) string { return string(e.Direct()) },
		"EventBridge":        func(e objects.Event) string { return string(e.EventBridge()) },
		"EventBridge by SNS": func(e objects.Event) string { return topics.Wrap(sandbox.Topic, "", string(e.EventBridge()), e.Time) },
	}
	inWorld(t, func(w *world) {
		i := w.start("a")
		want := map[inventory.Key]int64{}
		count := int64(0)
		for shape, body := range shapes {
			for _, key := range []string{"a b.csv", "a+b.csv", "%2B%20.csv", "Zürich/ä.csv", "x=1/y.csv"} {
				count++
				e, err := w.Objects.Put(sandbox.Bucket, key, []byte("store,item,count\n"+shape+"\t,"+key+","+itoa(count)+"\n"))
				if err != nil {
					t.Fatal(err)
				}
				w.Queues.Drain(sandbox.EventQueue) // the bucket's own notification
				if err := w.Queues.Deliver(queues.ARN(sandbox.EventQueue), queues.Message{Body: body(e)}); err != nil {
					t.Fatal(err)
				}
				w.quiet(time.Minute)
				want[inventory.Key{Store: shape, Item: key}] = count
			}
		}
		w.exact(want)
		if total := i.balanced(); total.Loaded < int64(len(want)) {
			t.Errorf("total %+v", total)
		}
	})
}

func TestAMissingQueueIsNamedWithTheSettingAndTheRemedy(t *testing.T) {
	inWorld(t, func(w *world) {
		w.config.Queue = "inventory-evnets"
		i := w.start("a")
		i.once.Do(func() {})
		err := <-i.ended
		i.cancel()
		for _, part := range []string{"inventory-evnets", "loader.queue", "create it"} {
			if err == nil || !strings.Contains(err.Error(), part) {
				t.Errorf("the error does not speak of %q: %v", part, err)
			}
		}
	})
}
