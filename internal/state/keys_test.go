package state

import (
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
		{"alert", AlertKey("shop", "Berlin", "Echo Dot"), Key{"shop#alert#Berlin", "Echo Dot"}},
		{"history, in UTC", AlertHistoryKey("shop", at, "e1"), Key{"shop#alerts#2026-11-22", "21:30:05.006#e1"}},
	} {
		if test.got != test.want {
			t.Errorf("%s: key %q, want %q", test.name, test.got, test.want)
		}
	}
}

func TestLongStoresHaveKeysThatFitDynamoDBAndStayApart(t *testing.T) {
	long := strings.Repeat("ü", 1024) // 2048 bytes, the longest store
	k := AlertKey("shop", long, "item")
	if len(k.PK) > maxPK || !strings.HasPrefix(k.PK, "shop#alert#") {
		t.Errorf("partition key of %d bytes: %.60q", len(k.PK), k.PK)
	}
	if k == AlertKey("shop", long[:2046]+"ä", "item") {
		t.Error("two long stores share a row")
	}
	fits := strings.Repeat("x", maxPK-len("shop#alert#"))
	if got := AlertKey("shop", fits, "item").PK; got != "shop#alert#"+fits {
		t.Errorf("a store that just fits became %.20q…", got)
	}
}
