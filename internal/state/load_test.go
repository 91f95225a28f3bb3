package state

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"

	"inventoryd/internal/attribute"
)

func TestAnObjectsRowIsAsDocumented(t *testing.T) {
	at := time.Date(2026, 11, 22, 12, 0, 0, 5e6, time.UTC)
	v := Version{ETag: `"e"`, Version: "v1", Modified: at.Truncate(time.Second)}
	ended := Ended{
		Status: "failed", At: at, Took: 1500 * time.Millisecond, Size: 12, Version: v, Instance: "host",
		Books: map[string]int64{"read": 3, "rejected": 3}, Error: "no header",
	}
	reached := Frontier{Line: 25_001, Message: "m", Version: v, Seq: 7, Parser: 1, Rules: "r"}
	row := LoadKey("shop", "b", "feeds/a.csv").Attributes()
	for name, value := range map[string]types.AttributeValue{
		"bucket": attribute.S("b"), "key": attribute.S("feeds/a.csv"), "marks": set("1#m#2", "0#m#1"), "seq": attribute.N(7), "finished": v.attribute(), "last": ended.attribute(),
		"frontier": reached.attribute(), Expires: attribute.N(1),
	} {
		row[name] = value
	}
	l, err := LoadOf(row)
	want := Load{Bucket: "b", Key: "feeds/a.csv", Marks: []string{"0#m#1", "1#m#2"}, Seq: 7, Finished: &v, Frontier: &reached, Last: ended}
	if diff := cmp.Diff(want, l); diff != "" || err != nil {
		t.Errorf("%v\n%s", err, diff)
	}
	for _, name := range []string{"bucket", "key", "seq", "finished", "frontier", "last"} {
		broken := map[string]types.AttributeValue{}
		for k, a := range row {
			broken[k] = a
		}
		broken[name] = &types.AttributeValueMemberBOOL{}
		if _, err := LoadOf(broken); err == nil {
			t.Errorf("a row whose %s is no such thing is taken", name)
		}
	}
	in := MarkLoad("t", "shop", "b", "feeds/a.csv", "m", at)
	if k := KeyOf(in.Key); !strings.HasPrefix(k.PK, "shop#load#") || k.SK != "b/feeds/a.csv" || in.ReturnValues != types.ReturnValueAllNew {
		t.Errorf("%+v", in)
	}
}

func TestLongNamesHaveKeysThatFitDynamoDBAndStayApart(t *testing.T) {
	long := strings.Repeat("ü", 512)
	k := LoadKey("shop", "b", long)
	if len(k.SK) > maxLoadSK || !strings.HasPrefix(k.SK, "b/üü") {
		t.Errorf("a sort key of %d bytes: %.40q", len(k.SK), k.SK)
	}
	if other := LoadKey("shop", "b", long[:1022]+"ä"); other.SK == k.SK {
		t.Error("two long names share a row")
	}
	if k := LoadKey("shop", "b", long[:1022]); k.SK != "b/"+long[:1022] {
		t.Errorf("a name that just fits became %.40q", k.SK)
	}
}

func TestMarksLapseAfterTwelveHours(t *testing.T) {
	at := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	mark := NewMark(at, "message", "try")
	if Lapsed(mark, at.Add(MarkKept)) || !Lapsed(mark, at.Add(MarkKept+time.Second)) || !Lapsed("nonsense", at) {
		t.Error(mark)
	}
	if NewMark(at, "message", "other try") == mark {
		t.Error("two tries share a mark")
	}
}
