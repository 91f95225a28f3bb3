package attribute

import (
	"maps"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

func TestWhatIsWrittenIsRead(t *testing.T) {
	if s := String(S("text")); s != "text" {
		t.Errorf("a string reads as %q", s)
	}
	for _, n := range []int64{0, -1, 1<<63 - 1} {
		if got := Int(N(n)); got != n {
			t.Errorf("%d reads as %d", n, got)
		}
	}
	if !True(Bool(true)) || True(Bool(false)) {
		t.Error("a truth value reads as another")
	}
	m := map[string]types.AttributeValue{"a": S("b")}
	if got := Map(M(m)); !maps.Equal(got, m) {
		t.Errorf("%v reads as %v", m, got)
	}
	if got := Strings(&types.AttributeValueMemberSS{Value: []string{"a", "b"}}); !slices.Equal(got, []string{"a", "b"}) {
		t.Errorf("a set of strings reads as %v", got)
	}
}

func TestWhatIsMissingOrOfAnotherTypeReadsAsZero(t *testing.T) {
	for _, v := range []types.AttributeValue{nil, &types.AttributeValueMemberNULL{Value: true}, &types.AttributeValueMemberN{Value: "1.5"}} {
		if s, n, b, m, all := String(v), Int(v), True(v), Map(v), Strings(v); s != "" || n != 0 || b || m != nil || all != nil {
			t.Errorf("%#v reads as %q, %d, %v, %v, %v", v, s, n, b, m, all)
		}
	}
}
