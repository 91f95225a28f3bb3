package loader_test

// Late feeds through the whole loader: several instances, kills, backlogs.

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"inventoryd/internal/sandbox"
	"inventoryd/internal/sandbox/fault"
	"inventoryd/loader"
)

// expected is a feed of its own prefix that is expected by a time (UTC).
func expected(name, from, by string) loader.Feed {
	return loader.Feed{Name: name, Pattern: sandbox.Bucket + "/" + name + "-*", Guard: loader.Guard{Expect: loader.Expect{From: from, By: by}}}
}

// at waits for a time of the world, which begins at midnight of 1 January 2000.
func at(day, hour, minute int) {
	time.Sleep(time.Until(time.Date(2000, 1, 1+day, hour, minute, 0, 0, time.UTC)))
}

func TestALateFeedIsToldOnceAndAgainWhenItComes(t *testing.T) {
	inWorld(t, func(w *world) {
		w.config.Feeds = []loader.Feed{expected("berlin", "00:00", "00:10")}
		told := w.follow()
		i := w.start("a")
		at(0, 0, 5)
		w.put("berlin-1.csv", rowsOf("Berlin", 3, always(5)))
		at(0, 0, 15)
		told.want(t) // the first day's was there
		i.stop()
		at(1, 0, 5)
		i = w.start("b")
		at(1, 0, 12)
		told.want(t, "feed_late")
		at(1, 0, 20)
		told.want(t, "feed_late")
		w.put("berlin-2.csv", rowsOf("Berlin", 3, always(6)))
		w.quiet(time.Minute)
		told.want(t, "feed_late", "feed_came")
		if e := told.told[1]; !strings.Contains(e.Reason, "2000-01-02 00:10:00 UTC; s3://inventory/berlin-2.csv came at 2000-01-02 00:20:00 UTC") {
			t.Error(e.Reason)
		}
		i.stop()
		at(2, 0, 5)
		w.start("c")
		at(2, 0, 12) // each day has its own
		told.want(t, "feed_late", "feed_came", "feed_late")
		if f := w.feed("berlin"); f.Late.IsZero() {
			t.Errorf("%+v", f)
		}
	})
}

// The first deadline is the first one after the rule was first seen: nobody is told of the past at a first deployment.
func TestAtAFirstDeploymentNothingIsLate(t *testing.T) {
	inWorld(t, func(w *world) {
		w.config.Feeds = []loader.Feed{expected("berlin", "00:00", "00:10")}
		told := w.follow()
		at(0, 0, 11)
		i := w.start("a")
		at(0, 0, 20)
		told.want(t)
		i.stop()
		at(1, 0, 5)
		w.start("b") // which is no deployment: the rule is known
		at(1, 0, 15)
		told.want(t, "feed_late")
	})
}

// What we have not loaded yet, what is held back, and what somebody deleted once it was loaded, is not late.
func TestWhatHasComeIsNotLate(t *testing.T) {
	for name, come := range map[string]func(w *world){
		"a backlog of ours": func(w *world) {
			w.Fault(fault.Rule{Service: "sqs", Operation: "ReceiveMessage", Client: "a", Effect: fault.Unavailable})
			w.put("berlin-1.csv", rowsOf("Berlin", 3, always(5)))
		},
		"held": func(w *world) { w.put("berlin-1.csv", "store,item,count\n") },
		"deleted after it was loaded": func(w *world) {
			w.put("berlin-1.csv", rowsOf("Berlin", 3, always(5)))
			w.quiet(time.Minute)
			_, err := w.clients("test").S3.(*s3.Client).DeleteObject(context.Background(), &s3.DeleteObjectInput{Bucket: aws.String(sandbox.Bucket), Key: aws.String("berlin-1.csv")})
			if err != nil {
				w.Fatal(err)
			}
		},
		"not usable": func(w *world) { w.put("berlin-1.csv", "nothing of use\n") },
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				f := expected("berlin", "00:00", "00:10")
				f.Gate.Action = "hold"
				w.config.Feeds = []loader.Feed{f}
				told := w.follow()
				w.start("a")
				at(0, 0, 5)
				come(w)
				at(0, 0, 15)
				if late := told.of("feed_late"); len(late) > 0 {
					t.Errorf("%+v", told.told)
				}
			})
		})
	}
}

// Without the bucket's list nobody is told: a feed of ours that waits in the queue must not be called late. Once it is there again, they are.
func TestWithoutTheBucketsListNobodyIsTold(t *testing.T) {
	inWorld(t, func(w *world) {
		w.config.Feeds = []loader.Feed{expected("berlin", "00:00", "00:10")}
		told := w.follow()
		w.start("a")
		mend := w.Fault(fault.Rule{Service: "s3", Operation: "ListObjectsV2", Client: "a", Effect: fault.AccessDenied})
		at(0, 0, 30)
		told.want(t)
		if n := w.logs.FilterMessage("late feeds not looked for").Len(); n < 15 || n > 25 {
			t.Errorf("it is logged %d times in 20 minutes", n)
		}
		mend()
		time.Sleep(5 * time.Minute)
		told.want(t, "feed_late")
	})
}

// A rule that is taken away is forgotten, and with it what was late by it: put back, it begins anew, and nobody is told of the time
// in which nothing was expected. Whether the feed has none any more or stands in the list no more, it is the same.
func TestARuleThatIsTakenAwayIsForgotten(t *testing.T) {
	ruled := expected("berlin", "00:00", "00:10")
	bare := ruled
	bare.Expect = loader.Expect{}
	for name, without := range map[string][]loader.Feed{"a feed without": {bare}, "another list": {expected("bonn", "00:00", "23:00")}, "an empty list": nil} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				w.config.Feeds = []loader.Feed{ruled}
				told := w.follow()
				i := w.start("a")
				at(0, 0, 12)
				told.want(t, "feed_late")
				// One instance learns of it while it watches, the next one starts with it.
				next := w.config
				next.Feeds = without
				i.Apply(next)
				at(0, 0, 15)
				if f := w.feed("berlin"); !f.Late.IsZero() || f.Rule != "" || !f.Judged.IsZero() {
					t.Errorf("%+v", f)
				}
				w.put("berlin-1.csv", rowsOf("Berlin", 3, always(5)))
				w.quiet(time.Minute)
				told.want(t, "feed_late") // it has come, and nobody waited for it
				i.stop()
				at(2, 0, 20)
				w.config.Feeds = []loader.Feed{ruled}
				i = w.start("b")
				at(2, 0, 40)
				told.want(t, "feed_late")
				i.stop()
				at(2, 23, 50)
				w.config.Feeds = without
				i = w.start("c")
				time.Sleep(time.Minute)
				i.stop()
				w.config.Feeds = []loader.Feed{ruled}
				w.start("d")
				at(3, 0, 12)
				if n := len(told.of("feed_late")); n != 2 {
					t.Errorf("told were %d: %+v", n, told.told)
				}
			})
		})
	}
}

// A host whose clock is set while it watches, or is wrong, goes by the services' time.
func TestDeadlinesAreThoseOfTheServicesClock(t *testing.T) {
	inWorld(t, func(w *world) {
		w.config.Feeds = []loader.Feed{expected("berlin", "02:00", "02:10")}
		told := w.follow()
		w.start("a")
		at(0, 0, 5)
		w.Clock.Advance(2*time.Hour + 10*time.Minute)
		time.Sleep(70 * time.Second)
		told.want(t, "feed_late")
	})
}
