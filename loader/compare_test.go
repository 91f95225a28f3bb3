package loader_test

// Mode delta against the sandbox: only rows that differ are written, and attributes are kept where that is asked for.

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"inventoryd/internal/inventory"
	"inventoryd/internal/sandbox"
	"inventoryd/internal/sandbox/fault"
	"inventoryd/loader"
)

// counted makes a feed of n items of some stores, with counts, and what the table holds afterwards.
func counted(n, stores int, count func(i int) int) (string, map[inventory.Key]int64) {
	var b strings.Builder
	b.WriteString("store,item,count\n")
	want := map[inventory.Key]int64{}
	for i := range n {
		key := inventory.Key{Store: fmt.Sprint("store ", i%stores), Item: fmt.Sprint("item ", i)}
		fmt.Fprintf(&b, "%s,%s,%d\n", key.Store, key.Item, count(i))
		want[key] = int64(count(i))
	}
	return b.String(), want
}

// fill puts the items of a feed into the table, each with an attribute that no feed knows.
func (w *world) fill(want map[inventory.Key]int64) {
	w.Helper()
	for key, count := range want {
		attributes := inventory.DefaultTable.Attributes(inventory.Item{Key: key, Count: count})
		attributes["Shelf"] = &types.AttributeValueMemberS{Value: "B 7"}
		if _, err := w.dynamo("test").PutItem(w.Context(), &dynamodb.PutItemInput{TableName: aws.String(sandbox.Table), Item: attributes}); err != nil {
			w.Fatal(err)
		}
	}
}

// shelved is how many items still have the attribute, and how many have the counts of want.
func (w *world) shelved(want map[inventory.Key]int64) (shelved, right int) {
	w.Helper()
	w.scan(func(item inventory.Item, attributes map[string]types.AttributeValue) {
		if attributes["Shelf"] != nil {
			shelved++
		}
		if count, ok := want[item.Key]; ok && count == item.Count {
			right++
		}
	})
	return shelved, right
}

func TestOnlyRowsThatDifferAreWritten(t *testing.T) {
	const items = 900
	before := func(i int) int { return i }
	after := func(i int) int { return i - i%10/9 } // a tenth changes
	for name, c := range map[string]struct {
		stores     int
		attributes string
		faults     []fault.Rule
		shelved    int
	}{
		"one store, replace":   {1, "replace", nil, items * 9 / 10},
		"one store, keep":      {1, "keep", nil, items},
		"many stores, keep":    {300, "keep", nil, items},
		"many stores, replace": {300, "replace", nil, items * 9 / 10},
		"faults": {3, "keep", []fault.Rule{
			{Service: "dynamodb", Operation: "Query", Client: "a", Times: 3, Effect: fault.ThroughputExceeded},
			{Service: "dynamodb", Operation: "Query", Client: "a", Times: 2, Effect: fault.Effect{Drop: true}},
			{Service: "dynamodb", Operation: "UpdateItem", Client: "a", Every: 7, Effect: fault.ThroughputExceeded},
			{Service: "dynamodb", Operation: "UpdateItem", Client: "a", Every: 11, Effect: fault.InternalServerError},
			{Service: "dynamodb", Operation: "UpdateItem", Client: "a", Every: 13, Effect: fault.Effect{Drop: true}},
		}, items},
		"faults, one by one": {300, "replace", []fault.Rule{
			{Service: "dynamodb", Operation: "BatchGetItem", Client: "a", Times: 3, Effect: fault.ThroughputExceeded},
			{Service: "dynamodb", Operation: "BatchGetItem", Client: "a", Times: 2, Effect: fault.Effect{Hang: true}},
			{Service: "dynamodb", Operation: "BatchGetItem", Client: "a", Every: 2, Effect: fault.Effect{Unprocessed: 0.4}},
			{Service: "dynamodb", Operation: "BatchWriteItem", Client: "a", Every: 2, Effect: fault.Effect{Unprocessed: 0.4}},
		}, items * 9 / 10},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				_, old := counted(items, c.stores, before)
				w.fill(old)
				w.config.Mode, w.config.Attributes = "delta", c.attributes
				for _, rule := range c.faults {
					w.Fault(rule)
				}
				body, want := counted(items, c.stores, after)
				w.put("feed.csv", body)
				i := w.start("a")
				w.quiet(time.Hour)
				if b := i.Status().Recent[0].Books; b.Written != items/10 || b.Unchanged != items*9/10 || b.Read != items {
					t.Errorf("%+v", b)
				}
				i.balanced()
				if shelved, right := w.shelved(want); shelved != c.shelved || right != items {
					t.Errorf("%d items keep their attribute, want %d; %d of %d counts are right", shelved, c.shelved, right, items)
				}
				if err := i.Ready(); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// TestAComparedLoadThatWasCutShortGoesOn has a frontier in the middle of what waits to be compared.
func TestAComparedLoadThatWasCutShortGoesOn(t *testing.T) {
	loader.StoreEvery(t, cutEvery)
	inWorld(t, func(w *world) {
		w.config.Mode = "delta"
		body, want := feedOf(cutRows, "Berlin", "Oslo")
		cutShort(w, body)
		reached := ledgerRow(w).Frontier
		i := w.start("last")
		w.quiet(time.Hour)
		w.exact(want)
		last := i.Status().Recent[0].Books
		if reached == nil || last.Resumed == 0 || last.Written+last.Unchanged+last.Resumed+last.Merged != cutRows {
			t.Errorf("frontier %+v; then %+v", reached, last)
		}
		i.balanced()
	})
}

// TestTheTableThatDoesNotFitIsSaidSo compares with a table that has other keys.
func TestATableWithOtherKeysRefusesTheReading(t *testing.T) {
	inWorld(t, func(w *world) {
		w.config.Mode, w.config.Table.Item = "delta", "Article"
		w.put("feed.csv", "store,item,count\nA,B,1\n")
		i := w.start("a")
		w.eventually(time.Minute, "failed", func() bool { return i.Status().Total.Failed > 0 })
		if text := i.Status().Recent[0].Error; !strings.Contains(text, "the table refuses the rows") {
			t.Error(text)
		}
	})
}
