package loader_test

// Absent items: exact on random feeds, and each guard holds.

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"inventoryd/internal/inventory"
	"inventoryd/internal/sandbox"
	"inventoryd/loader"
)

// whole is a feed that names all items of its stores.
func whole(name string, most int64) loader.Feed {
	f := gated(name)
	f.Whole, f.Absent, f.AbsentMax = true, "zero", most
	return f
}

func TestAbsentItemsBecomeZeroAndNothingElseDoes(t *testing.T) {
	inWorld(t, func(w *world) {
		w.config.Feeds = []loader.Feed{whole("all", 100)}
		w.config.Feeds[0].Gate.RowsDrop = 100
		told := w.follow()
		r := rand.New(rand.NewPCG(5, 6))
		want := map[inventory.Key]int64{}
		var zeroed, counted int64
		for day := range 25 {
			named := map[inventory.Key]int64{}
			for s := range 1 + r.IntN(4) {
				for range 30 + r.IntN(40) {
					named[inventory.Key{Store: fmt.Sprint("Store ", s), Item: fmt.Sprint("item ", r.IntN(60))}] = int64(1 + r.IntN(9))
				}
			}
			stores := map[string]bool{}
			var b strings.Builder
			b.WriteString("store,item,count\n")
			for k, n := range named {
				fmt.Fprintf(&b, "%s,%s,%d\n", k.Store, k.Item, n)
				stores[k.Store] = true
			}
			for k, n := range want {
				if _, is := named[k]; !is && stores[k.Store] && n > 0 {
					want[k] = 0
					zeroed++
				}
			}
			for k, n := range named {
				want[k] = n
			}
			counted += w.daily(fmt.Sprintf("all-%d.csv", day), b.String()).Zeroed
		}
		w.exact(want)
		told.want(t)
		if counted != zeroed || zeroed < 50 {
			t.Errorf("%d became 0, %d are counted", zeroed, counted)
		}
	})
}

// TestEachGuardOfAbsentItemsHolds: what is about to go wrong, and that nothing of it happens.
func TestEachGuardOfAbsentItemsHolds(t *testing.T) {
	full := rowsOf("Berlin", 30, always(5))
	less := func(n int) string { return rowsOf("Berlin", 30-n, always(5)) }
	for _, c := range []struct {
		name    string
		between func(w *world) // the two uploads
		second  string
		held    bool // else loaded
		zeros   int
	}{
		{"three of thirty", nil, less(3), false, 3},
		{"more than a tenth of a store", nil, less(4), true, 0},
		{"named by a rejected row", nil, less(3) + "Berlin,item 27,many\nBerlin,item 28,\n", false, 1},
		{"a rejected row whose item cannot be read", nil, less(3) + "Berlin,,5\n", false, 0},
		{"a rejected row whose store cannot be read", nil, less(3) + ",item 27,5\n", false, 0},
		{"a row that is too short", nil, less(3) + "Berlin\n", false, 0},
		{"a row with a field too many", nil, less(3) + "Berlin,item,27,5\n", false, 0},
		{"a store that another feed loads", func(w *world) { w.put("other.csv", "store,item,count\nBerlin,extra,1\n") }, less(1), true, 0},
		{"a store that another feed loaded long ago", func(w *world) {
			w.daily("other.csv", "store,item,count\nBerlin,item 3,1\n")
			time.Sleep(30 * 24 * time.Hour)
		}, less(1), false, 1},
		{"another store that another feed loads", func(w *world) { w.put("other.csv", "store,item,count\nBonn,extra,1\n") }, less(1), false, 1},
		{"a count that is no number", func(w *world) { w.strange("Berlin", "odd") }, less(1), false, 1},
		{"half a file", nil, less(20), true, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				w.config.Feeds = []loader.Feed{whole("berlin", 0)}
				told := w.follow()
				w.daily("berlin.csv", full)
				if c.between != nil {
					c.between(w)
				}
				i := w.start("a")
				w.quiet(time.Minute)
				w.put("berlin.csv", c.second)
				w.quiet(time.Minute)
				p := i.Status().Recent[0]
				want := "loaded"
				if c.held {
					want = "held"
				}
				if p.Outcome != want || p.Zeroed != int64(c.zeros) {
					t.Errorf("%s, %d zeros: %s", p.Outcome, p.Zeroed, p.Error)
				}
				if c.held != (w.feed("berlin").Held != nil) || c.held != (len(told.of("feed_held")) > 0) {
					t.Errorf("%+v, told %+v", w.feed("berlin"), told.told)
				}
				zeros := 0
				for _, n := range w.counts() {
					if n == 0 {
						zeros++
					}
				}
				if zeros != c.zeros {
					t.Errorf("%d items are at 0, want %d", zeros, c.zeros)
				}
			})
		})
	}
}

// What keep says is left alone.
func TestAbsentItemsAreKeptByDefault(t *testing.T) {
	inWorld(t, func(w *world) {
		f := gated("berlin")
		f.Whole = true
		w.config.Feeds = []loader.Feed{f}
		w.start("a")
		w.put("berlin.csv", rowsOf("Berlin", 30, always(5)))
		w.quiet(time.Minute)
		w.put("berlin.csv", rowsOf("Berlin", 29, always(5)))
		w.quiet(time.Minute)
		if n := w.rows()[inventory.Key{Store: "Berlin", Item: "item 29"}]; n != 5 {
			t.Error(n)
		}
	})
}

// What is held for its absent items is released like everything else: then they become 0.
func TestWhatIsReleasedMakesItsAbsentItemsZero(t *testing.T) {
	inWorld(t, func(w *world) {
		w.config.Feeds = []loader.Feed{whole("berlin", 0)}
		told := w.follow()
		w.start("a")
		w.put("berlin.csv", rowsOf("Berlin", 30, always(5)))
		w.quiet(time.Minute)
		w.put("berlin.csv", rowsOf("Berlin", 25, always(5)))
		w.quiet(time.Minute)
		told.want(t, "feed_held")
		if !strings.Contains(told.told[0].Reason, "5 of the 30 items") || !strings.Contains(told.told[0].Remedy, "inventoryd release s3://inventory/berlin.csv") {
			t.Errorf("%+v", told.told[0])
		}
		w.release("berlin.csv")
		w.quiet(time.Minute)
		for i := range 30 {
			if n := w.rows()[inventory.Key{Store: "Berlin", Item: fmt.Sprint("item ", i)}]; n != int64(5*boolean(i < 25)) {
				t.Errorf("item %d is %d", i, n)
			}
		}
	})
}

// counts are the table's, those left out that are none.
func (w *world) counts() (list []int64) {
	w.Helper()
	out, err := w.dynamo("reader").Scan(context.Background(), &dynamodb.ScanInput{TableName: aws.String(sandbox.Table)})
	if err != nil {
		w.Fatal(err)
	}
	for _, row := range out.Items {
		if item, err := inventory.DefaultTable.ItemOf(row); err == nil {
			list = append(list, item.Count)
		}
	}
	return list
}

// strange puts an item whose count is no number, as somebody else may.
func (w *world) strange(store, item string) {
	w.Helper()
	row := inventory.DefaultTable.KeyAttributes(inventory.Key{Store: store, Item: item})
	if _, err := w.dynamo("test").PutItem(context.Background(), &dynamodb.PutItemInput{TableName: aws.String(sandbox.Table), Item: row}); err != nil {
		w.Fatal(err)
	}
}
