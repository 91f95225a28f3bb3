package notifier

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"inventoryd/internal/inventory"
)

// label is the stream of scripted changes.
const label = "2026-11-22T10:00:00.000"

// begin is the record time of the first scripted change; each further one is a second later.
var begin = time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)

// script makes changes of words such as `echo:5>0`. The count before may be `-` (there was no item) or `?` (the stream
// does not carry it) or `x` (no number), the one after `-` (removed) or `x` (no number). The item may have a store in front
// (`Bonn/echo:5>0`), else it is Berlin's. The n-th change, from 1, has the event id `e<n>` and the sequence number n.
func script(t testing.TB, words string) []inventory.Change {
	t.Helper()
	var changes []inventory.Change
	for i, word := range strings.Fields(words) {
		name, counts, ok := strings.Cut(word, ":")
		before, after, ok2 := strings.Cut(counts, ">")
		if !ok || !ok2 {
			t.Fatalf("word %q is not item:old>new", word)
		}
		store, item, ok := strings.Cut(name, "/")
		if !ok {
			store, item = "Berlin", name
		}
		c := inventory.Change{
			Key: inventory.Key{Store: store, Item: item}, ID: fmt.Sprintf("e%d", i+1), Position: at(i + 1),
			Created: begin.Add(time.Duration(i) * time.Second),
		}
		c.OldUnknown = before == "?" || before == "x"
		c.NoOldImage = before == "?"
		c.Old = itemWith(t, c.Key, before)
		if c.New = itemWith(t, c.Key, after); after == "x" {
			c.Invalid = errors.New("attribute Count is no number")
		}
		changes = append(changes, c)
	}
	return changes
}

// at is the position of the n-th change of a script.
func at(n int) string { return fmt.Sprintf("%s#%040d", label, n) }

func itemWith(t testing.TB, k inventory.Key, count string) *inventory.Item {
	t.Helper()
	if count == "-" || count == "?" || count == "x" {
		return nil
	}
	n, err := strconv.ParseInt(count, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return &inventory.Item{Key: k, Count: n}
}
