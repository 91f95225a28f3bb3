package main

import (
	"strings"
	"testing"
)

func TestATenthOfTheKeysComeAgainFarBehind(t *testing.T) {
	const rows = 200_000
	last := map[int]int{}
	again := 0
	for i := range rows {
		key := keyOf(i)
		if key < 0 || key > i {
			t.Fatalf("row %d has key %d", i, key)
		}
		if before, ok := last[key]; ok {
			again++
			if i-before < far {
				t.Fatalf("key %d comes again after %d rows", key, i-before)
			}
		}
		last[key] = i
		if n := len(line(nil, i)); n != len(line(nil, 0)) {
			t.Fatalf("row %d has %d bytes", i, n)
		}
	}
	if again != (rows-far)/10 {
		t.Errorf("%d keys come again, of %d rows", again, rows)
	}
	if s := string(line(nil, 123)); s != "store-0123,item-00000123,100123\n" {
		t.Error(s)
	}
	if n := strings.Count(string(batch(0)), "PutRequest"); n != 25 {
		t.Errorf("%d rows in a batch", n)
	}
}
