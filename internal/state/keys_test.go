package state

import (
	"fmt"
	"math/big"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"pgregory.net/rapid"
)

func TestKeysAreAsDocumented(t *testing.T) {
	at := time.Date(2026, 11, 22, 23, 30, 5, 6e6, time.FixedZone("east", 2*3600))
	for _, test := range []struct {
		name string
		got  Key
		want Key
	}{
		{"app", AppKey("shop"), Key{"shop", "-"}},
		{"load", LoadKey("shop", "inventory", "a/b.csv"), Key{"shop#load#12", "inventory/a/b.csv"}},
		{"message", MessageKey("shop", "m1"), Key{"shop#message#m1", "-"}},
		{"alert", AlertKey("shop", "Berlin", "Echo Dot"), Key{"shop#alert#Berlin", "Echo Dot"}},
		{"history, in UTC", AlertHistoryKey("shop", at, "e1"), Key{"shop#alerts#2026-11-22", "21:30:05.006#e1"}},
		{"resync", ResyncLockKey("shop"), Key{"shop#lock", "resync"}},
		{"instance", InstanceKey("shop", "host-1"), Key{"shop#instance", "host-1"}},
	} {
		if test.got != test.want {
			t.Errorf("%s: key %q, want %q", test.name, test.got, test.want)
		}
	}
}

func TestKeysFitDynamoDBAndStayApart(t *testing.T) {
	long := strings.Repeat("ü", 1024) // 2048 bytes, the longest store
	for _, k := range []Key{
		AlertKey("shop", long, "item"),
		LoadKey("shop", "inventory", strings.Repeat("k", 1024)),
		LoadKey("shop", "inventory", strings.Repeat("ü", 512)),
	} {
		if len(k.PK) > maxPK || len(k.SK) > maxSK || !utf8.ValidString(k.PK) || !utf8.ValidString(k.SK) {
			t.Errorf("key of %d and %d bytes: %.60q %.60q", len(k.PK), len(k.SK), k.PK, k.SK)
		}
	}
	if AlertKey("shop", long, "i") == AlertKey("shop", long[:2046]+"ä", "i") {
		t.Error("two long stores share a row")
	}
	if LoadKey("s", "b", strings.Repeat("k", 1024)) == LoadKey("s", "b", strings.Repeat("k", 1023)+"l") {
		t.Error("two long object keys share a row")
	}
	if got := LoadKey("s", "b", strings.Repeat("k", 1022)).SK; got != "b/"+strings.Repeat("k", 1022) {
		t.Errorf("a name of exactly 1024 bytes became %.20q…", got)
	}
}

func TestObjectsAreSpreadOverSixteenPartitions(t *testing.T) {
	seen := map[string]int{}
	for i := range 1600 {
		seen[LoadKey("shop", "inventory", fmt.Sprintf("feeds/store-%d/%s.csv", i%40, noon.AddDate(0, 0, i/40).Format(time.DateOnly))).PK]++
	}
	if len(seen) != 16 {
		t.Errorf("%d partitions, want 16", len(seen))
	}
	for pk, n := range seen {
		if n < 40 {
			t.Errorf("partition %s has %d of 1600 rows", pk, n)
		}
	}
}

func TestPositionsCompareAsTheirSequenceNumbers(t *testing.T) {
	if a, b := Position("l", "999999999"), Position("l", "1000000000"); a >= b {
		t.Errorf("%s is not before %s", a, b)
	}
	if a, b := Position("2026-11-22T10:00:00.000", "9"), Position("2026-11-23T10:00:00.000", "1"); a >= b {
		t.Errorf("%s of the older stream is not before %s", a, b)
	}
	rapid.Check(t, func(t *rapid.T) {
		sequence := rapid.StringMatching(`[1-9][0-9]{0,39}`)
		a, b := sequence.Draw(t, "a"), sequence.Draw(t, "b")
		x, _ := new(big.Int).SetString(a, 10)
		y, _ := new(big.Int).SetString(b, 10)
		if got, want := strings.Compare(Position("l", a), Position("l", b)), x.Cmp(y); got != want {
			t.Fatalf("positions compare as %d, the numbers as %d", got, want)
		}
	})
}
