package loader_test

// One bad thing among good ones harms only itself.

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"inventoryd/internal/inventory"
	"inventoryd/internal/sandbox"
	"inventoryd/internal/sandbox/fault"
	"inventoryd/internal/sandbox/queues"
)

// below makes a rule for the reads below a path, bucket and all.
func below(path string, e fault.Effect) fault.Rule {
	return fault.Rule{
		Service: "s3", Operation: "GetObject", Effect: e,
		Match: func(c fault.Call) bool { return strings.HasPrefix(c.Request.URL.Path, path) },
	}
}

// TestOneBadThingAmongGoodOnesHarmsOnlyItself uploads 200 objects with which something is wrong, each followed by a good one:
// a minute later all good ones are loaded, and once what is wrong is mended the others are, too.
func TestOneBadThingAmongGoodOnesHarmsOnlyItself(t *testing.T) {
	const other = "other-bucket"
	nothing := func(*world) func() { return func() {} }
	faulty := func(r fault.Rule) func(*world) func() {
		return func(w *world) func() { return w.Fault(r) }
	}
	for name, c := range map[string]struct {
		bucket  string // of the bad ones
		before  func(*world) (mend func())
		rejects bool // they have a bad row each
		after   func(w *world, key string) (mend func())
	}{
		"denied objects":      {bucket: sandbox.Bucket, before: faulty(below("/"+sandbox.Bucket+"/bad-", fault.AccessDenied))},
		"a denied bucket":     {bucket: other, before: faulty(below("/"+other+"/", fault.AccessDenied))},
		"a bucket that fails": {bucket: other, before: faulty(below("/"+other+"/", fault.Unavailable))},
		"a silent bucket":     {bucket: other, before: faulty(below("/"+other+"/", fault.Effect{Hang: true}))},
		"bodies that break":   {bucket: other, before: faulty(below("/"+other+"/", fault.Effect{Half: true}))},
		"another region": {bucket: other, before: func(w *world) func() {
			if err := w.Objects.Place(other, "eu-west-1"); err != nil {
				w.Fatal(err)
			}
			return func() {}
		}},
		"archived objects": {bucket: other, before: nothing, after: func(w *world, key string) func() {
			if err := w.Objects.Archive(other, key); err != nil {
				w.Fatal(err)
			}
			return func() {
				if _, err := w.Objects.Restore(other, key); err != nil {
					w.Fatal(err)
				}
			}
		}},
		"reports that cannot be written": {bucket: other, rejects: true, before: func(w *world) func() {
			return w.Fault(fault.Rule{Service: "s3", Operation: "PutObject", Client: "a", Effect: fault.Effect{Error: &fault.Error{Status: 404, Code: "NoSuchBucket", Message: "no"}}})
		}},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				if err := w.Objects.CreateBucket(other); err != nil {
					t.Fatal(err)
				}
				if err := w.Objects.NotifyQueue(other, queues.ARN(sandbox.EventQueue)); err != nil {
					t.Fatal(err)
				}
				w.Queues.Drain(sandbox.EventQueue)
				w.config.Rejects = "s3://inventory/rejects/"
				mend := []func(){c.before(w)}
				good, all := map[inventory.Key]int64{}, map[inventory.Key]int64{}
				for n := range 200 {
					key, store := fmt.Sprintf("bad-%d.csv", n), fmt.Sprint("bad ", n)
					feed := fmt.Sprintf("store,item,count\n%s,Lamp,%d\n", store, n)
					if c.rejects {
						feed += store + ",Chair,many\n"
					}
					if _, err := w.Objects.Put(c.bucket, key, []byte(feed)); err != nil {
						t.Fatal(err)
					}
					if c.after != nil {
						mend = append(mend, c.after(w, key))
					}
					w.put(fmt.Sprintf("good-%d.csv", n), fmt.Sprintf("store,item,count\ngood %d,Lamp,%d\n", n, n))
					good[inventory.Key{Store: fmt.Sprint("good ", n), Item: "Lamp"}] = int64(n)
					all[inventory.Key{Store: store, Item: "Lamp"}] = int64(n)
				}
				i := w.start("a")
				time.Sleep(time.Minute)
				rows := w.rows()
				for key, count := range good {
					if got, ok := rows[key]; !ok || got != count {
						t.Fatalf("after a minute %v is not loaded; %d rows are", key, len(rows))
					}
				}
				for _, m := range mend {
					m()
				}
				w.quiet(time.Hour)
				w.exact(both(good, all))
				if dead := w.Queues.Contents(sandbox.DeadLetterQueue); len(dead.Visible) > 0 {
					t.Errorf("%d messages in the dead-letter queue", len(dead.Visible))
				}
				i.balanced()
			})
		})
	}
}

// TestRegionsAreLearned lets events tell the bucket's region, another one, or none.
func TestRegionsAreLearned(t *testing.T) {
	for _, told := range []string{"eu-west-1", "us-east-1", "ap-south-1", ""} {
		t.Run(told, func(t *testing.T) {
			inWorld(t, func(w *world) {
				if err := w.Objects.Place(sandbox.Bucket, "eu-west-1"); err != nil {
					t.Fatal(err)
				}
				e, err := w.Objects.Put(sandbox.Bucket, "feed.csv", []byte("store,item,count\nA,B,1\n"))
				if err != nil {
					t.Fatal(err)
				}
				w.Queues.Drain(sandbox.EventQueue)
				w.send(strings.Replace(string(e.Direct()), `"awsRegion":"eu-west-1"`, fmt.Sprintf(`"awsRegion":%q`, told), 1))
				i := w.start("a")
				w.quiet(time.Minute)
				w.exact(map[inventory.Key]int64{{Store: "A", Item: "B"}: 1})
				if err := i.Ready(); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// TestAnEventThatNamesARegionWronglyIsOfOurs is what stores that are like S3 send.
func TestAnEventThatNamesARegionWronglyIsOfOurs(t *testing.T) {
	inWorld(t, func(w *world) {
		w.Fault(fault.Rule{
			Service: "s3", Operation: "GetObject", Effect: fault.Effect{Error: &fault.Error{Status: 400, Code: "AuthorizationHeaderMalformed", Message: "the region is wrong"}},
			Match: func(c fault.Call) bool {
				return !strings.Contains(c.Request.Header.Get("Authorization"), "/us-east-1/s3/")
			},
		})
		e, err := w.Objects.Put(sandbox.Bucket, "feed.csv", []byte("store,item,count\nA,B,1\n"))
		if err != nil {
			t.Fatal(err)
		}
		w.Queues.Drain(sandbox.EventQueue)
		w.send(strings.Replace(string(e.Direct()), `"awsRegion":"us-east-1"`, `"awsRegion":"home"`, 1))
		w.start("a")
		w.quiet(time.Minute)
		w.exact(map[inventory.Key]int64{{Store: "A", Item: "B"}: 1})
	})
}
