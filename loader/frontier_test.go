package loader_test

// A message whose load was cut short goes on where its frontier is, and begins anew where anything could have happened since.

import (
	"net/http"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"inventoryd/internal/inventory"
	"inventoryd/internal/sandbox"
	"inventoryd/internal/sandbox/fault"
	"inventoryd/internal/state"
	"inventoryd/loader"
)

const (
	cutRows  = 3000 // of the object whose load is cut short
	cutEvery = 200  // rows after which the frontier is stored
	cutAt    = 60   // calls that write, of 120
)

// slow lets an object take seconds.
var slow = fault.Rule{Service: "dynamodb", Operation: "BatchWriteItem", Effect: fault.Effect{Delay: 200 * time.Millisecond}}

// cutShort uploads an object and loads the first half of it: then the instance dies.
func cutShort(w *world, body string) {
	w.config.Lanes = 4 // which read ahead by little
	m := &mortal{base: sandbox.Direct(w.Sandbox), dead: make(chan struct{}), calls: 1 << 30}
	undo := w.Fault(fault.Rule{Service: "dynamodb", Operation: "BatchWriteItem", Client: "first", Skip: cutAt, Times: 1, Effect: fault.Effect{Do: func() { close(m.dead) }}})
	defer undo()
	defer w.Fault(slow)()
	w.put("feed.csv", body)
	h := &history{world: w}
	before := w.twist
	w.twist = func(c *loader.Clients) { *c = h.over("first", m) }
	i := w.start("first")
	w.twist = before
	<-m.dead
	i.stop()
}

// spoil sets all rows of the table to what no feed says: who skips one is found out.
func spoil(w *world) {
	for key := range w.rows() {
		spoiled := inventory.DefaultTable.Attributes(inventory.Item{Key: key, Count: -1})
		if _, err := w.dynamo("other").PutItem(w.Context(), &dynamodb.PutItemInput{TableName: aws.String(sandbox.Table), Item: spoiled}); err != nil {
			w.Fatal(err)
		}
	}
}

func ledgerRow(w *world) state.Load {
	l, ok, err := state.LoadNamed(w.Context(), w.dynamo("reader"), w.config.StateTable, w.config.App, sandbox.Bucket, "feed.csv")
	if err != nil || !ok {
		w.Fatal(ok, err)
	}
	return l
}

// alter sets a member of the stored frontier.
func alter(w *world, member string, value types.AttributeValue) {
	_, err := w.dynamo("other").UpdateItem(w.Context(), &dynamodb.UpdateItemInput{
		TableName: &w.config.StateTable, Key: state.LoadKey(w.config.App, sandbox.Bucket, "feed.csv").Attributes(),
		UpdateExpression: aws.String("SET #f.#m = :v"), ExpressionAttributeNames: map[string]string{"#f": "frontier", "#m": member},
		ExpressionAttributeValues: map[string]types.AttributeValue{":v": value},
	})
	if err != nil {
		w.Fatal(err)
	}
}

// TestNothingIsLeftOutBesideAnotherMessage has another message's mark before ours: whoever stands behind it may overwrite with
// older rows what we have written, before we die and come again.
func TestNothingIsLeftOutBesideAnotherMessage(t *testing.T) {
	loader.StoreEvery(t, cutEvery)
	body, want := feedOf(cutRows, "Berlin", "Oslo")
	inWorld(t, func(w *world) {
		at := time.Now()
		mark := state.MarkLoad(w.config.StateTable, w.config.App, sandbox.Bucket, "feed.csv", state.NewMark(at, "another", "1"), at)
		if _, err := w.dynamo("other").UpdateItem(w.Context(), mark); err != nil {
			t.Fatal(err)
		}
		cutShort(w, body)
		if reached := ledgerRow(w).Frontier; reached != nil {
			t.Errorf("the frontier is %+v", reached)
		}
		spoil(w)
		i := w.start("last")
		w.quiet(time.Hour)
		w.exact(want)
		i.balanced()
		if n := i.Status().Recent[0].Books.Resumed; n > 0 {
			t.Errorf("%d rows are left out", n)
		}
	})
}

func TestALoadThatWasCutShortGoesOnWhereItWas(t *testing.T) {
	loader.StoreEvery(t, cutEvery)
	body, want := feedOf(cutRows, "Berlin", "Oslo")
	for name, c := range map[string]struct {
		between func(w *world) // the death and the message's return
		resumes bool
	}{
		"nothing between": {func(*world) {}, true},
		"another load of the key": {func(w *world) {
			other, _ := feedOf(1000, "Paris")
			w.put("feed.csv", other)
			w.start("second").stop2(w)
			w.put("feed.csv", body) // in the same second: nothing but the ledger tells it from the first upload
			w.Queues.Drain(sandbox.EventQueue)
		}, false},
		"the same bytes again": {func(w *world) {
			time.Sleep(2 * time.Second)
			w.put("feed.csv", body)
			w.Queues.Drain(sandbox.EventQueue)
			spoil(w)
		}, false},
		"another version of the parser": {func(w *world) {
			alter(w, "parser", &types.AttributeValueMemberN{Value: "999"})
			spoil(w)
		}, false},
		"other settings": {func(w *world) {
			w.config.Thousands = "none"
			spoil(w)
		}, false},
		"the frontier of another message": {func(w *world) {
			alter(w, "message", &types.AttributeValueMemberS{Value: "another"})
			spoil(w)
		}, false},
		"a mark, and no more": {func(w *world) {
			if _, err := w.dynamo("other").UpdateItem(w.Context(), state.MarkLoad(w.config.StateTable, w.config.App, sandbox.Bucket, "feed.csv", state.NewMark(time.Now(), "m", "1"), time.Now())); err != nil {
				w.Fatal(err)
			}
			spoil(w)
		}, false},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				cutShort(w, body)
				reached := ledgerRow(w).Frontier
				if reached == nil || reached.Line < cutEvery || reached.Line > (cutAt+1)*25 {
					t.Fatalf("after %d rows the frontier is %+v", cutAt*25, reached)
				}
				c.between(w)
				i := w.start("last")
				w.quiet(time.Hour)
				last := i.Status().Recent[0].Books
				t.Logf("frontier at line %d; then %+v", reached.Line, last)
				if c.resumes != (last.Resumed > 0) || last.Resumed > reached.Line || last.Read != cutRows {
					t.Errorf("frontier at line %d; then %+v", reached.Line, last)
				}
				i.balanced()
				rows := w.rows()
				for key, count := range want {
					if got, ok := rows[key]; !ok || got != count {
						t.Fatalf("%v is %d (%t), the object says %d", key, got, ok, count)
					}
				}
				if l := ledgerRow(w); l.Frontier != nil {
					t.Errorf("the ledger keeps %+v", l.Frontier)
				}
			})
		})
	}
}

// stop2 lets an instance load what there is, and stops it.
func (i *instance) stop2(w *world) {
	time.Sleep(time.Millisecond)
	w.eventually(time.Second, "loaded", func() bool { return i.Status().Total.Loaded == 1 })
	i.stop()
}

// TestAReadingThatBreaksGoesOnWhereItWas lets S3 fall silent in the middle, while the lanes write what was read, and fail for longer
// than a slot is kept.
func TestAReadingThatBreaksGoesOnWhereItWas(t *testing.T) {
	loader.StoreEvery(t, cutEvery)
	inWorld(t, func(w *world) {
		body, want := feedOf(2*cutRows, "Berlin")
		half := make(chan struct{})
		w.Fault(fault.Rule{Service: "s3", Operation: "GetObject", Times: 1, Effect: fault.Effect{Stall: true, Do: func() { close(half) }}})
		w.put("feed.csv", body)
		i := w.start("a")
		<-half
		mend := w.Fault(fault.Rule{Service: "s3", Operation: "GetObject", Effect: fault.Unavailable, Match: func(c fault.Call) bool { return c.Request.Method == http.MethodGet }})
		time.Sleep(time.Minute)
		mend()
		w.quiet(time.Hour)
		w.exact(want)
		last := i.Status().Recent[0].Books
		if last.Resumed < cutRows/2 || last.Resumed > cutRows*3/2 || last.Read != 2*cutRows {
			t.Errorf("%+v", last)
		}
		i.balanced()
	})
}

// TestAStopStoresTheFrontier stops an instance in the middle; the next one writes no row again but those under way.
func TestAStopStoresTheFrontier(t *testing.T) {
	inWorld(t, func(w *world) { // which is far from storing by itself
		w.config.Lanes = 4
		body, want := feedOf(cutRows, "Berlin", "Oslo")
		reached := make(chan struct{})
		w.Fault(fault.Rule{Service: "dynamodb", Operation: "BatchWriteItem", Client: "a", Skip: cutAt, Times: 1, Effect: fault.Effect{Do: func() { close(reached) }}})
		slower := slow
		slower.Effect.Delay = time.Second
		w.Fault(slower)
		w.put("feed.csv", body)
		first := w.start("a")
		<-reached
		first.stop()
		written := first.Status().Recent[0].Books.Written
		second := w.start("b")
		w.quiet(time.Hour)
		w.exact(want)
		last := second.Status().Recent[0].Books
		if last.Resumed < cutAt*25-8*25 || last.Written+written > cutRows+8*25 { // a lane may be a batch ahead of another
			t.Errorf("the first wrote %d rows, the second %+v", written, last)
		}
	})
}
