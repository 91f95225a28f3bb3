package state

import (
	"strconv"
	"strings"
	"testing"
	"time"
)

func TestKeysAreAsDocumented(t *testing.T) {
	at := time.Date(2026, 11, 22, 23, 30, 5, 6e6, time.FixedZone("east", 2*3600))
	for _, test := range []struct {
		name string
		got  Key
		want Key
	}{
		{"app", AppKey("shop"), Key{"shop", "-"}},
		{"message", MessageKey("shop", "m1"), Key{"shop#message#m1", "-"}},
		{"item", ItemKey("shop", "Berlin", "Echo Dot"), Key{"shop#item#Berlin#3", "Echo Dot"}},
		{"tell", TellKey("shop", "feed_held", "berlin.csv"), Key{"shop#tell#feed_held", "berlin.csv"}},
		{"outgoing", OutgoingKey("shop", "1"), Key{"shop#outgoing", "1"}},
		{"teller", TellerKey("shop"), Key{"shop#outgoing", "-"}},
		{"resync", ResyncKey("shop"), Key{"shop#resync", "-"}},
		{"history, in UTC", HistoryKey("shop", at, "e1"), Key{"shop#alerts#2026-11-22#3", "21:30:05.006#e1"}},
	} {
		if test.got != test.want {
			t.Errorf("%s: key %q, want %q", test.name, test.got, test.want)
		}
	}
}

func TestLongStoresHaveKeysThatFitDynamoDBAndStayApart(t *testing.T) {
	long := strings.Repeat("ü", 1024) // 2048 bytes, the longest store
	k := ItemKey("shop", long, "item")
	if len(k.PK) > 2048 || !strings.HasPrefix(k.PK, "shop#item#") {
		t.Errorf("partition key of %d bytes: %.60q", len(k.PK), k.PK)
	}
	if k == ItemKey("shop", long[:2046]+"ä", "item") {
		t.Error("two long stores share a row")
	}
	fits := strings.Repeat("x", maxStore)
	k = ItemKey(strings.Repeat("a", 64), fits, "item")
	if store, ok := k.StoreOfItem(strings.Repeat("a", 64)); store != fits || !ok || len(k.PK) > 2048 {
		t.Errorf("a store that just fits became %.20q…", store)
	}
}

func TestAStoreIsReadFromItsKey(t *testing.T) {
	for _, store := range []string{"Berlin", "a#b#0", "", "#"} {
		if got, ok := ItemKey("shop", store, "item").StoreOfItem("shop"); got != store || !ok {
			t.Errorf("%q became %q, %v", store, got, ok)
		}
	}
	for _, k := range []Key{TellerKey("shop"), ResyncKey("shop"), ItemKey("other", "Berlin", "x")} {
		if store, ok := k.StoreOfItem("shop"); ok {
			t.Errorf("%v has the store %q", k, store)
		}
	}
}

func TestItemsOfAStoreSpreadOverPartitions(t *testing.T) {
	times := map[string]int{}
	for i := range 1000 {
		times[ItemKey("shop", "Berlin", strconv.Itoa(i)).PK]++
	}
	if len(times) != Buckets {
		t.Errorf("%v", times)
	}
	for pk, n := range times {
		if n < 150 {
			t.Errorf("%s has %d of 1000 items", pk, n)
		}
	}
}
